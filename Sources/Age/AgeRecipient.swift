internal import CryptoPrimitives

/// An X25519 recipient, `age1…`: whom a file is sealed to.
///
/// Every value of this type was checked: it is the one canonical encoding of a point that gives no
/// all-zero shared secret.
package struct AgeRecipient: Sendable, Hashable {
    static let prefix = "age"

    /// The Bech32 text, 62 characters beginning with `age1`.
    package let text: String
    /// The 32 bytes of the u-coordinate.
    package let publicKey: [UInt8]

    /// The recipient written as `text`, in lower case as age writes it.
    package init(_ text: String) throws(AgeError) {
        guard text.utf8.starts(with: "age1".utf8),
            let publicKey = Bech32.decode(text, prefix: Self.prefix)
        else { throw .recipientRefused(.malformed) }
        try self.init(publicKey: publicKey)
    }

    /// The recipient with this 32-byte X25519 public key.
    package init(publicKey: [UInt8]) throws(AgeError) {
        // A key in another spelling than the canonical one would make files that nobody can open:
        // its holder knows it by the canonical bytes, which go into the wrapping key.
        do {
            try X25519.validate(publicKey: publicKey)
        } catch .keyRefused(let problem) {
            throw .recipientRefused(problem)
        } catch {
            throw .crypto(error)
        }
        self.init(own: publicKey)
    }

    /// The recipient of a key pair that was made here, which needs no check.
    init(own publicKey: [UInt8]) {
        self.publicKey = publicKey
        text = Bech32.encode(prefix: Self.prefix, publicKey)
    }
}
