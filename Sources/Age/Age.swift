internal import CryptoPrimitives

/// The age v1 file format (C2SP age, age-encryption.org/v1) with X25519 recipients.
///
/// ```
/// age-encryption.org/v1
/// -> X25519 <share>                       one stanza a recipient: the file key, wrapped
/// <wrapped file key>
/// --- <HMAC of everything up to here>
/// <16-byte nonce> <chunks>                ChaCha20-Poly1305, 64 KiB of plaintext each
/// ```
///
/// The file key (16 bytes) is fresh for every file, and three keys come from it or wrap it, all
/// by HKDF-SHA-256: the header's HMAC key, the payload's key (with the nonce as salt), and for each
/// recipient a wrapping key from an ephemeral X25519 exchange. A chunk's nonce is its number and
/// whether it is the last, so that chunks can be neither moved nor cut off.
///
/// Passphrases (scrypt), armor and the hybrid recipients are not done here; their stanzas are
/// unknown ones, which never match.
package enum Age {
    /// Plaintext bytes in each chunk but the last.
    package static let chunkByteCount = 64 * 1024
    /// The longest header that is read; a file for one recipient has 168 bytes of it.
    package static let maximumHeaderByteCount = 64 * 1024

    static let fileKeyByteCount = 16
    static let payloadNonceByteCount = 16
    static let sealedChunkByteCount = chunkByteCount + ChaChaPoly.tagByteCount

    /// Bytes in the file that sealing `plaintextByteCount` bytes to so many recipients gives:
    /// plaintext + 184 + 16 per chunk for one.
    package static func sealedByteCount(plaintextByteCount: Int, recipients: Int = 1) -> Int {
        AgeHeader.byteCount(recipients: recipients) + payloadNonceByteCount
            + plaintextByteCount + chunkCount(plaintextByteCount) * ChaChaPoly.tagByteCount
    }

    /// Bytes of plaintext in a file of this length that was sealed to one recipient.
    package static func plaintextByteCount(sealedByteCount: Int) -> Int {
        let payload =
            sealedByteCount - AgeHeader.byteCount(recipients: 1) - payloadNonceByteCount
        let chunks = (payload + sealedChunkByteCount - 1) / sealedChunkByteCount
        return max(0, payload - chunks * ChaChaPoly.tagByteCount)
    }

    /// Seals `plaintext` so that each of `recipients` can open it.
    ///
    /// One pass from the caller's memory into the file, which is reserved at its exact size; no
    /// other copy of the plaintext is made. Blocking and thread-safe.
    package static func seal(
        _ plaintext: UnsafeRawBufferPointer,
        to recipients: [AgeRecipient]
    ) throws(AgeError) -> [UInt8] {
        guard !recipients.isEmpty else { throw .noRecipient }
        do throws(CryptoError) {
            let fileKey = try SecretBytes(random: fileKeyByteCount)
            let header = try AgeHeader.make(fileKey: fileKey, recipients: recipients)
            let payloadNonce = try randomBytes(payloadNonceByteCount)
            var cipher = try payloadCipher(fileKey: fileKey, nonce: payloadNonce)
            let prologue = header + payloadNonce
            let total = sealedByteCount(
                plaintextByteCount: plaintext.count,
                recipients: recipients.count
            )
            var failure: CryptoError?
            let file = [UInt8](unsafeUninitializedCapacity: total) { file, count in
                let file = UnsafeMutableRawBufferPointer(file)
                file.copyBytes(from: prologue)
                let payload = UnsafeMutableRawBufferPointer(rebasing: file[prologue.count..<total])
                failure = sealChunks(of: plaintext, with: &cipher, into: payload)
                count = failure == nil ? total : 0
            }
            if let failure { throw failure }
            return file
        } catch {
            throw .crypto(error)
        }
    }

    /// Seals `plaintext` so that each of `recipients` can open it.
    package static func seal(
        _ plaintext: [UInt8],
        to recipients: [AgeRecipient]
    ) throws(AgeError) -> [UInt8] {
        let sealed = plaintext.withUnsafeBytes { plaintext in
            Result { () throws(AgeError) in try seal(plaintext, to: recipients) }
        }
        return try sealed.get()
    }

    /// The plaintext of `file`, all of it verified.
    ///
    /// For files that do not fit into memory, or to keep what comes before a damage, there is
    /// ``AgeOpener``.
    package static func open(
        _ file: UnsafeRawBufferPointer,
        with identities: [AgeIdentity]
    ) throws(AgeError) -> [UInt8] {
        var opener = AgeOpener(identities: identities)
        var plaintext: [UInt8] = []
        plaintext.reserveCapacity(file.count)
        try opener.update(file, appendingTo: &plaintext)
        try opener.finish(appendingTo: &plaintext)
        return plaintext
    }

    /// The plaintext of `file`, all of it verified.
    package static func open(
        _ file: [UInt8],
        with identities: [AgeIdentity]
    ) throws(AgeError) -> [UInt8] {
        let opened = file.withUnsafeBytes { file in
            Result { () throws(AgeError) in try open(file, with: identities) }
        }
        return try opened.get()
    }

    static func payloadCipher(
        fileKey: SecretBytes,
        nonce: [UInt8]
    ) throws(CryptoError) -> ChaChaPolyCipher {
        let key = try HKDFSHA256.derive(
            secret: fileKey,
            salt: nonce,
            info: Array("payload".utf8),
            count: ChaChaPoly.keyByteCount
        )
        return try ChaChaPolyCipher(key: key)
    }

    /// An empty file has one chunk, which is empty; otherwise no chunk is.
    private static func chunkCount(_ plaintextByteCount: Int) -> Int {
        max(1, (plaintextByteCount + chunkByteCount - 1) / chunkByteCount)
    }

    private static func sealChunks(
        of plaintext: UnsafeRawBufferPointer,
        with cipher: inout ChaChaPolyCipher,
        into payload: UnsafeMutableRawBufferPointer
    ) -> CryptoError? {
        var nonce = ChunkNonce()
        for chunk in 0..<chunkCount(plaintext.count) {
            let start = chunk * chunkByteCount
            let end = min(start + chunkByteCount, plaintext.count)
            let sealedStart = chunk * sealedChunkByteCount
            let sealedEnd = sealedStart + end - start + ChaChaPoly.tagByteCount
            do throws(CryptoError) {
                try nonce.withBytes(isLast: end == plaintext.count) { nonce throws(CryptoError) in
                    try cipher.seal(
                        UnsafeRawBufferPointer(rebasing: plaintext[start..<end]),
                        nonce: nonce,
                        into: UnsafeMutableRawBufferPointer(
                            rebasing: payload[sealedStart..<sealedEnd]
                        )
                    )
                }
            } catch {
                return error
            }
            nonce.advance()
        }
        return nil
    }
}

/// A chunk's nonce: its number in 11 bytes, most significant first, and 1 for the last chunk.
struct ChunkNonce {
    // No file has 2^64 chunks, so that the three bytes above these stay zero.
    private var number: UInt64 = 0

    mutating func advance() {
        number += 1
    }

    /// Lends the 12 bytes for the chunk that is next.
    func withBytes<Failure: Error>(
        isLast: Bool,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let words = (
            UInt32(truncatingIfNeeded: number >> 56).bigEndian,
            UInt32(truncatingIfNeeded: number >> 24).bigEndian,
            (UInt32(truncatingIfNeeded: number << 8) | (isLast ? 1 : 0)).bigEndian
        )
        try withUnsafeBytes(of: words, body)
    }
}
