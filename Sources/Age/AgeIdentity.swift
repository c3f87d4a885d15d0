package import CryptoPrimitives

/// An X25519 identity, `AGE-SECRET-KEY-1…`: what opens files sealed to its ``recipient``.
package struct AgeIdentity: Sendable {
    static let prefix = "age-secret-key-"

    /// Whom others seal to.
    package let recipient: AgeRecipient
    let key: X25519.PrivateKey

    private init(key: X25519.PrivateKey) {
        self.key = key
        recipient = AgeRecipient(own: key.publicKey)
    }

    /// A new random identity.
    package static func generate() throws(AgeError) -> AgeIdentity {
        do {
            return AgeIdentity(key: try .generate())
        } catch {
            throw .crypto(error)
        }
    }

    /// The identity written as `text`, in upper case as age writes it and without a line end.
    ///
    /// `text` stays the caller's to clear; no copy of it is left behind.
    package init(parsing text: UnsafeRawBufferPointer) throws(AgeError) {
        guard text.starts(with: "AGE-SECRET-KEY-1".utf8) else { throw .identityRefused(line: nil) }
        do throws(CryptoError) {
            let bytes = try SecretBytes(count: X25519.byteCount) { output throws(CryptoError) in
                guard Bech32.decode(text, prefix: Self.prefix, into: output) == output.count else {
                    throw .keyRefused(.malformed)
                }
            }
            self.init(key: try X25519.PrivateKey(rawRepresentation: bytes))
        } catch .keyRefused {
            throw .identityRefused(line: nil)
        } catch {
            throw .crypto(error)
        }
    }

    /// The identity in secret memory, as ``text()`` gives it.
    package init(parsing text: SecretBytes) throws(AgeError) {
        self = try text.withUnsafeBytes { text throws(AgeError) in try AgeIdentity(parsing: text) }
    }

    /// The identity written as `text`, for one that was in ordinary memory to begin with.
    package init(parsing text: String) throws(AgeError) {
        let parsed = Array(text.utf8).withUnsafeBytes { text in
            Result { () throws(AgeError) in try AgeIdentity(parsing: text) }
        }
        self = try parsed.get()
    }

    /// The Bech32 text, 74 characters beginning with `AGE-SECRET-KEY-1`.
    package func text() throws(AgeError) -> SecretBytes {
        let count = Bech32.textCount(prefix: Self.prefix, byteCount: X25519.byteCount)
        do {
            return try SecretBytes(count: count) { output in
                key.rawRepresentation.withUnsafeBytes { bytes in
                    Bech32.encode(prefix: Self.prefix, bytes, into: output)
                }
                for index in output.indices
                where (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(output[index]) {
                    output[index] &= ~0x20
                }
            }
        } catch {
            throw .crypto(error)
        }
    }

    /// A file as `age-keygen` writes it: the recipient in a comment, then the identity.
    package func fileContents() throws(AgeError) -> SecretBytes {
        let comment = Array("# public key: \(recipient.text)\n".utf8)
        let text = try text()
        do {
            return try SecretBytes(count: comment.count + text.count + 1) { output in
                output.copyBytes(from: comment)
                text.withUnsafeBytes { text in
                    let place = UnsafeMutableRawBufferPointer(rebasing: output[comment.count...])
                    place.copyBytes(from: text)
                }
                output[output.count - 1] = UInt8(ascii: "\n")
            }
        } catch {
            throw .crypto(error)
        }
    }

    /// The identities in a file: one a line, beside empty lines and lines that begin with `#`.
    ///
    /// `file` stays the caller's to clear.
    package static func identities(
        inFile file: UnsafeRawBufferPointer
    ) throws(AgeError) -> [AgeIdentity] {
        var identities: [AgeIdentity] = []
        let lines = file.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            var line = line
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            if line.isEmpty || line.first == UInt8(ascii: "#") { continue }
            do {
                identities.append(
                    try AgeIdentity(parsing: UnsafeRawBufferPointer(rebasing: line))
                )
            } catch .identityRefused {
                throw .identityRefused(line: index + 1)
            } catch {
                throw error
            }
        }
        guard !identities.isEmpty else { throw .noIdentity }
        return identities
    }

    /// The identities in a file that is in secret memory.
    package static func identities(inFile file: SecretBytes) throws(AgeError) -> [AgeIdentity] {
        try file.withUnsafeBytes { file throws(AgeError) in try identities(inFile: file) }
    }
}
