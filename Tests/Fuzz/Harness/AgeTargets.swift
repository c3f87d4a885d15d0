internal import CryptoPrimitives

@testable internal import Age

extension FuzzTarget {
    /// An age file as it comes; its HMAC keeps most of what is changed from going far.
    static let ageFile = FuzzTarget(
        name: "age-file",
        longest: 4096,
        run: { input in
            let whole = Opened(input, pieces: nil)
            let pieces = Opened(input, pieces: input.last ?? 0)
            expect(whole == pieces, "it does not matter how a file arrives")
            guard whole.failure == nil else { return }
            let least = Age.sealedByteCount(plaintextByteCount: whole.plaintext.count)
            expect(input.count >= least, "nothing is given that was not there")
        },
        seeds: {
            // Made once and kept: sealing takes fresh randomness, so that these differ each time.
            let recipient = fixedIdentity.recipient
            let stranger = try AgeIdentity.generate().recipient
            return [
                try Age.seal([], to: [recipient]),
                try Age.seal(Array("a lesson".utf8), to: [stranger, recipient]),
                try Age.seal(Array("a lesson".utf8), to: [stranger]),
                Array("age-encryption.org/v1\n-> scrypt c2FsdA 18\n\n--- AA\n".utf8),
            ]
        }
    )

    /// Stanzas and payload under an HMAC that is right, whatever the stanzas are.
    ///
    /// The first byte chooses the length of the plaintext, the second what is spoilt and how the
    /// file is cut; the rest are stanzas beside the one that the identity opens.
    static let ageStanzas = FuzzTarget(
        name: "age-stanzas",
        longest: 2048,
        run: { input in
            guard input.count >= 2 else { return }
            let made = MadeFile(input)
            let whole = Opened(made.bytes, pieces: nil)
            let pieces = Opened(made.bytes, pieces: input[1])
            expect(whole == pieces, "it does not matter how a file arrives")
            expect(made.plaintext.starts(with: whole.plaintext), "only what was sealed is given")
            switch whole.failure {
            case nil:
                expect(!made.isSpoilt, "a spoilt file is refused")
                expect(whole.plaintext == made.plaintext, "all that was sealed is given")
                expect(spelling(of: made.header) == made.header, "stanzas have one spelling")
            case .payloadFailure:
                expect(made.isSpoilt, "a good payload is opened")
                let count = whole.plaintext.count
                expect(count.isMultiple(of: Age.chunkByteCount), "only whole chunks are given")
            case .headerFailure:
                expect(!made.stanzas.isEmpty, "a header without strange stanzas is good")
                expect(whole.plaintext.isEmpty, "nothing is given before the header is read")
            case .some(let failure):
                // A strange footer moves the end of what is authenticated.
                let hasFooter =
                    made.stanzas.starts(with: AgeHeader.footerMark)
                    || contains("\n---", in: made.stanzas)
                expect(hasFooter, "the HMAC is right: \(failure)")
            }
        },
        seeds: {
            let body = String(repeating: "A", count: 64)
            let share = Base64.encode(School.fixedAgreementKey.publicKey)
            let wrapped = Base64.encode([UInt8](repeating: 1, count: 32))
            let zero = Base64.encode([UInt8](repeating: 0, count: 32))
            let texts = [
                "", "-> a\n\n", "-> a b c\nAA\n", "-> a\n\(body)\n\n", "-> a\n\(body)\nAAAA\n",
                "-> X25519 \(share)\n\(wrapped)\n", "-> X25519 \(zero)\n\(wrapped)\n",
                "-> scrypt c2FsdA 18\n\(wrapped)\n", "-> \n\n", "->\n\n", "-> a\nAB\n",
            ]
            return texts.enumerated().map { number, text in
                [UInt8(number), number == 2 ? 1 : 0] + Array(text.utf8)
            }
        }
    )

    /// Keys as text.
    ///
    /// A second reading, with the checksum put right, lets changed data through.
    static let bech32 = FuzzTarget(
        name: "bech32",
        longest: 256,
        run: { input in
            if let text = text(input) {
                check(text)
                if let mended = Bech32Checksum.mended(text) { check(mended) }
            }
            let encoded = Bech32.encode(prefix: "age", input)
            expect(Bech32.decode(encoded, prefix: "age") == input, "Bech32 keeps the bytes")
            let lines = input.withUnsafeBytes { file in
                accepted { () throws(AgeError) in try AgeIdentity.identities(inFile: file) }
            }
            expect(lines?.isEmpty != true, "a file without identities is refused")
        },
        seeds: {
            let secret = try fixedIdentity.text().withUnsafeBytes(Array.init)
            let file = try fixedIdentity.fileContents().withUnsafeBytes(Array.init)
            let texts = [
                fixedIdentity.recipient.text, fixedIdentity.recipient.text.uppercased(), "age1",
                Bech32.encode(prefix: "age", []), Bech32.encode(prefix: "age", [0]),
                Bech32.encode(prefix: "age", [UInt8](repeating: 0, count: 32)),
            ]
            return texts.map { Array($0.utf8) } + [secret, file]
        }
    )
}

private let fixedIdentity = needed { () throws(AgeError) in
    let bytes = [UInt8](repeating: 5, count: 32)
    return try AgeIdentity(
        parsing: Bech32.encode(prefix: "age-secret-key-", bytes).uppercased()
    )
}

/// What an opener gave for a file, and how it ended.
private struct Opened: Equatable {
    var plaintext: [UInt8] = []
    var failure: AgeError?

    init(_ file: [UInt8], pieces seed: UInt8?) {
        var opener = AgeOpener(identities: [fixedIdentity])
        do throws(AgeError) {
            if let seed {
                var ends: [Int] = []
                inPieces(file, seed: seed) { ends.append($0.endIndex) }
                var start = 0
                for end in ends {
                    try update(&opener, file[start..<end])
                    start = end
                }
            } else {
                try update(&opener, file[...])
            }
            try opener.finish(appendingTo: &plaintext)
        } catch {
            failure = error
            let before = plaintext
            let again: Void? = accepted { () throws(AgeError) in
                try opener.finish(appendingTo: &plaintext)
            }
            expect(again == nil && plaintext == before, "an opener that failed stays so")
        }
    }

    private mutating func update(
        _ opener: inout AgeOpener,
        _ piece: ArraySlice<UInt8>
    ) throws(AgeError) {
        var failure: AgeError?
        piece.withUnsafeBytes { bytes in
            do throws(AgeError) {
                try opener.update(bytes, appendingTo: &plaintext)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}

/// A file made of an input: its header and payload are sealed with keys that are known here.
private struct MadeFile {
    private static let lengths = [
        0, 1, 15, 16, 17, 100, Age.chunkByteCount - 1, Age.chunkByteCount, Age.chunkByteCount + 1,
        2 * Age.chunkByteCount, 2 * Age.chunkByteCount + 1,
    ]
    private static let fileKey = needed { () throws(CryptoError) in
        try SecretBytes(copying: [UInt8](repeating: 6, count: Age.fileKeyByteCount))
    }
    /// The stanza that wraps the file key, between the version and the footer.
    private static let ownStanza: [UInt8] = {
        let header = needed { () throws(CryptoError) in
            try AgeHeader.make(fileKey: fileKey, recipients: [fixedIdentity.recipient])
        }
        let footer = AgeHeader.footerMark.count + 1 + 43 + 1
        return Array(header[(AgeHeader.versionLine.count + 1)...].dropLast(footer))
    }()

    let stanzas: [UInt8]
    let plaintext: [UInt8]
    let header: [UInt8]
    let isSpoilt: Bool
    private(set) var bytes: [UInt8]

    init(_ input: [UInt8]) {
        stanzas = Array(input[2...])
        let length = MadeFile.lengths[Int(input[0]) % MadeFile.lengths.count]
        plaintext = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        isSpoilt = input[1] & 1 == 1
        header = AgeHeader.versionLine + [UInt8(ascii: "\n")] + MadeFile.ownStanza + stanzas
        let authenticated = header + AgeHeader.footerMark
        let tag = needed { () throws(CryptoError) in
            try AgeHeader.tag(of: authenticated, fileKey: MadeFile.fileKey)
        }
        bytes = authenticated + Array(" \(Base64.encode(tag))\n".utf8)
        bytes += MadeFile.payload(plaintext)
        if isSpoilt { bytes[bytes.count - 1 - Int(input[1] >> 1) % 16] ^= 0x40 }
    }

    private static func payload(_ plaintext: [UInt8]) -> [UInt8] {
        let nonce = [UInt8](repeating: 8, count: Age.payloadNonceByteCount)
        return needed { () throws(CryptoError) in
            var cipher = try Age.payloadCipher(fileKey: fileKey, nonce: nonce)
            var number = ChunkNonce()
            var payload = nonce
            var start = 0
            repeat {
                let end = min(start + Age.chunkByteCount, plaintext.count)
                var sealed = [UInt8](
                    repeating: 0,
                    count: end - start + ChaChaPoly.tagByteCount
                )
                try number.withBytes(isLast: end == plaintext.count) { nonce throws(CryptoError) in
                    try seal(plaintext[start..<end], with: &cipher, nonce: nonce, into: &sealed)
                }
                number.advance()
                payload += sealed
                start = end
            } while start < plaintext.count
            return payload
        }
    }

    private static func seal(
        _ chunk: ArraySlice<UInt8>,
        with cipher: inout ChaChaPolyCipher,
        nonce: UnsafeRawBufferPointer,
        into sealed: inout [UInt8]
    ) throws(CryptoError) {
        var failure: CryptoError?
        chunk.withUnsafeBytes { chunk in
            sealed.withUnsafeMutableBytes { sealed in
                do throws(CryptoError) {
                    try cipher.seal(chunk, nonce: nonce, into: sealed)
                } catch {
                    failure = error
                }
            }
        }
        if let failure { throw failure }
    }
}

/// The stanzas that a header was read as, written again; nil when it cannot be read.
private func spelling(of header: [UInt8]) -> [UInt8]? {
    var reader = AgeHeaderReader()
    for line in header.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        .dropLast()
    {
        guard let tag = accepted({ () throws(AgeError) in try reader.read(line) }), tag == nil
        else { return nil }
    }
    var written = AgeHeader.versionLine + [UInt8(ascii: "\n")]
    for stanza in reader.stanzas {
        written += "-> \(([stanza.type] + stanza.arguments).joined(separator: " "))\n".utf8
        var body = Base64.encode(stanza.body)[...]
        while body.utf8.count >= AgeHeader.bodyLineCount {
            written += "\(body.prefix(AgeHeader.bodyLineCount))\n".utf8
            body = body.dropFirst(AgeHeader.bodyLineCount)
        }
        written += "\(body)\n".utf8
    }
    return written
}

private func contains(_ pattern: String, in bytes: [UInt8]) -> Bool {
    let pattern = Array(pattern.utf8)
    return bytes.indices.contains { bytes[$0...].starts(with: pattern) }
}

/// A key has one spelling: lower case for a recipient, upper case for an identity.
private func check(_ text: String) {
    for prefix in ["age", "age-secret-key-"] {
        guard let bytes = Bech32.decode(text, prefix: prefix) else { continue }
        let lower = Bech32.encode(prefix: prefix, bytes)
        expect(text == lower || text == lower.uppercased(), "Bech32 has one spelling in each case")
    }
    if let recipient = accepted({ try AgeRecipient(text) }) {
        expect(recipient.text == text, "a recipient has one spelling")
        let again = accepted { try AgeRecipient(publicKey: recipient.publicKey) }
        expect(again == recipient, "a recipient that was accepted is sound")
        expect(accepted { try Age.seal([], to: [recipient]) } != nil, "and can be sealed to")
    }
    if let identity = accepted({ try AgeIdentity(parsing: text) }) {
        let written = needed { () throws(AgeError) in try identity.text() }
        expect(written.withUnsafeBytes { $0.elementsEqual(text.utf8) }, "an identity has one text")
    }
}
