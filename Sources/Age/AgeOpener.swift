internal import CryptoPrimitives

/// Opens an age file piece by piece in constant memory.
///
/// What it gives out are whole chunks, each verified before its first byte is given. After an error
/// everything given before stays good and the opener is at its end: it throws that error again.
///
/// Thread-bound: one thread at a time. Owns two buffers of 64 KiB, cleared at its end.
package struct AgeOpener: ~Copyable {
    private enum Stage {
        case header
        case payloadNonce
        case chunks
        /// The last chunk was seen; no byte may follow.
        case complete
        case failed(AgeError)
    }

    private let identities: [AgeIdentity]
    private var stage = Stage.header
    private var headerReader = AgeHeaderReader()
    private var header: [UInt8] = []
    private var lineStart = 0
    private var fileKey: SecretBytes?
    private var payloadNonce: [UInt8] = []
    private var cipher: ChaChaPolyCipher?
    private var chunkNonce = ChunkNonce()
    private var isFirstChunk = true
    private var pendingCount = 0
    private let pending: UnsafeMutableRawBufferPointer
    private let plaintext: UnsafeMutableRawBufferPointer

    /// An opener that tries these identities in turn.
    package init(identities: [AgeIdentity]) {
        self.identities = identities
        pending = .allocate(byteCount: Age.sealedChunkByteCount, alignment: 16)
        plaintext = .allocate(byteCount: Age.chunkByteCount, alignment: 16)
    }

    deinit {
        cleanse(plaintext)
        pending.deallocate()
        plaintext.deallocate()
    }

    /// Takes the next bytes of the file and appends what could be verified with them.
    package mutating func update(
        _ bytes: UnsafeRawBufferPointer,
        appendingTo output: inout [UInt8]
    ) throws(AgeError) {
        do throws(AgeError) {
            var rest = bytes[...]
            while !rest.isEmpty { try consume(&rest, appendingTo: &output) }
        } catch {
            stage = .failed(error)
            throw error
        }
    }

    /// Says that the file ends here; appends the last chunk.
    ///
    /// Only when this returns is the plaintext complete.
    package mutating func finish(appendingTo output: inout [UInt8]) throws(AgeError) {
        do throws(AgeError) {
            switch stage {
            // The format counts the payload's nonce as the end of the header.
            case .header, .payloadNonce: throw .headerFailure(.truncated)
            case .chunks: try openLastChunk(appendingTo: &output)
            case .complete: break
            case .failed(let error): throw error
            }
        } catch {
            stage = .failed(error)
            throw error
        }
    }

    private mutating func consume(
        _ rest: inout Slice<UnsafeRawBufferPointer>,
        appendingTo output: inout [UInt8]
    ) throws(AgeError) {
        switch stage {
        case .header:
            try readHeader(&rest)
        case .payloadNonce:
            let count = min(rest.count, Age.payloadNonceByteCount - payloadNonce.count)
            payloadNonce += rest.prefix(count)
            rest = rest.dropFirst(count)
            if payloadNonce.count == Age.payloadNonceByteCount { try startPayload() }
        case .chunks:
            try readChunk(&rest, appendingTo: &output)
        case .complete:
            throw .payloadFailure
        case .failed(let error):
            throw error
        }
    }

    /// Takes at most one line.
    private mutating func readHeader(_ rest: inout Slice<UnsafeRawBufferPointer>) throws(AgeError) {
        let lineEnd = rest.firstIndex(of: UInt8(ascii: "\n"))
        let taken = rest[..<(lineEnd ?? rest.endIndex)]
        guard header.count + taken.count < Age.maximumHeaderByteCount else {
            throw .headerFailure(.tooLong)
        }
        header += taken
        rest = rest[(lineEnd.map { $0 + 1 } ?? rest.endIndex)...]
        guard lineEnd != nil else { return }
        if let tag = try headerReader.read(header[lineStart...]) {
            try unlock(tag: tag)
        } else {
            header.append(UInt8(ascii: "\n"))
            lineStart = header.count
        }
    }

    private mutating func unlock(tag: [UInt8]) throws(AgeError) {
        let fileKey = try AgeHeader.fileKey(in: headerReader.stanzas, with: identities)
        let authenticated = Array(header[..<(lineStart + AgeHeader.footerMark.count)])
        let expected: [UInt8]
        do {
            expected = try AgeHeader.tag(of: authenticated, fileKey: fileKey)
        } catch {
            throw .crypto(error)
        }
        guard constantTimeEqual(tag, expected) else { throw .hmacFailure }
        self.fileKey = fileKey
        header = []
        stage = .payloadNonce
    }

    private mutating func startPayload() throws(AgeError) {
        guard let fileKey else { preconditionFailure("a payload before its header") }
        do {
            cipher = try Age.payloadCipher(fileKey: fileKey, nonce: payloadNonce)
        } catch {
            throw .crypto(error)
        }
        self.fileKey = nil
        stage = .chunks
    }

    /// Takes at most what completes one chunk, and opens it when it is complete.
    private mutating func readChunk(
        _ rest: inout Slice<UnsafeRawBufferPointer>,
        appendingTo output: inout [UInt8]
    ) throws(AgeError) {
        let count = min(rest.count, Age.sealedChunkByteCount - pendingCount)
        let taken = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        rest = rest.dropFirst(count)
        if pendingCount == 0, count == Age.sealedChunkByteCount {
            // The common case, without a copy through the buffer.
            try openFullChunk(taken, appendingTo: &output)
            return
        }
        UnsafeMutableRawBufferPointer(rebasing: pending[pendingCount...]).copyMemory(from: taken)
        pendingCount += count
        guard pendingCount == Age.sealedChunkByteCount else { return }
        pendingCount = 0
        try openFullChunk(UnsafeRawBufferPointer(pending), appendingTo: &output)
    }

    /// A chunk of full size may or may not be the last one: its nonce says which, and there is no
    /// need to look at what follows.
    private mutating func openFullChunk(
        _ sealed: UnsafeRawBufferPointer,
        appendingTo output: inout [UInt8]
    ) throws(AgeError) {
        if try open(sealed, isLast: false, appendingTo: &output) { return }
        guard try open(sealed, isLast: true, appendingTo: &output) else { throw .payloadFailure }
        stage = .complete
    }

    private mutating func openLastChunk(appendingTo output: inout [UInt8]) throws(AgeError) {
        let sealed = UnsafeRawBufferPointer(rebasing: pending[..<pendingCount])
        let isEmptyChunk = sealed.count == ChaChaPoly.tagByteCount
        guard sealed.count >= ChaChaPoly.tagByteCount, isFirstChunk || !isEmptyChunk,
            try open(sealed, isLast: true, appendingTo: &output)
        else { throw .payloadFailure }
        stage = .complete
    }

    /// Appends the chunk's plaintext, or gives false when it is not what was sealed.
    private mutating func open(
        _ sealed: UnsafeRawBufferPointer,
        isLast: Bool,
        appendingTo output: inout [UInt8]
    ) throws(AgeError) -> Bool {
        let count = sealed.count - ChaChaPoly.tagByteCount
        let chunk = UnsafeMutableRawBufferPointer(rebasing: plaintext[..<count])
        do {
            try chunkNonce.withBytes(isLast: isLast) { nonce throws(CryptoError) in
                try cipher?.open(sealed, nonce: nonce, into: chunk)
            }
        } catch .authenticationFailed {
            return false
        } catch {
            throw .crypto(error)
        }
        output += chunk
        chunkNonce.advance()
        isFirstChunk = false
        return true
    }
}
