internal import COpenSSL

/// X25519 key agreement (RFC 7748).
package enum X25519 {
    /// Bytes in a private key, a public key and a shared secret.
    package static let byteCount = 32

    /// Throws `.keyRefused` for a public key that nobody should be sent anything under.
    ///
    /// That is one of another size, one that is not the canonical encoding of its u-coordinate
    /// (RFC 7748 section 5 has receivers reduce those), or one of low order.
    package static func validate(publicKey: [UInt8]) throws(CryptoError) {
        guard publicKey.count == byteCount else { throw .keyRefused(.malformed) }
        // Any scalar tells: clamping makes each a multiple of 8 that no point of large order has as
        // its order, so that the points of low order alone give zero.
        let scalar = try SecretBytes(count: byteCount) { _ in }
        _ = try PrivateKey(rawRepresentation: scalar).sharedSecret(with: publicKey)
        let fieldPrime = [0x7F] + [UInt8](repeating: 0xFF, count: 30) + [0xED]
        guard publicKey.reversed().lexicographicallyPrecedes(fieldPrime) else {
            throw .keyRefused(.nonCanonical)
        }
    }

    /// A private key, held in the secure heap.
    package struct PrivateKey: Sendable {
        /// The 32 bytes of the scalar as they were made or given, not clamped.
        package let rawRepresentation: SecretBytes
        /// The 32 bytes of the u-coordinate that belongs to it.
        package let publicKey: [UInt8]
        private let handle: KeyHandle

        /// A new random key.
        package static func generate() throws(CryptoError) -> PrivateKey {
            try PrivateKey(rawRepresentation: SecretBytes(random: X25519.byteCount))
        }

        /// The key with these 32 bytes; every value is a key.
        package init(rawRepresentation: SecretBytes) throws(CryptoError) {
            guard rawRepresentation.count == X25519.byteCount else {
                throw .keyRefused(.malformed)
            }
            self.rawRepresentation = rawRepresentation
            handle = try KeyHandle(name: "X25519", rawPrivateKey: rawRepresentation)
            publicKey = try handle.rawPublicKey()
        }

        /// The 32-byte secret shared with the holder of `publicKey` (32 bytes).
        ///
        /// Throws `.keyRefused(.lowOrder)` when the result is all zero (RFC 7748 section 6.1):
        /// then `publicKey` is of low order and the result would be known to everyone.
        package func sharedSecret(with publicKey: [UInt8]) throws(CryptoError) -> SecretBytes {
            guard publicKey.count == X25519.byteCount else { throw .keyRefused(.malformed) }
            let peer = try KeyHandle(name: "X25519", rawPublicKey: publicKey)
            defer { withExtendedLifetime(peer) {} }
            guard let context = EVP_PKEY_CTX_new_from_pkey(nil, handle.key, nil) else {
                throw .fromLibrary("X25519")
            }
            defer { EVP_PKEY_CTX_free(context) }
            guard EVP_PKEY_derive_init(context) == 1,
                EVP_PKEY_derive_set_peer(context, peer.key) == 1
            else { throw .fromLibrary("X25519") }
            let secret = try SecretBytes(count: X25519.byteCount) { output throws(CryptoError) in
                var count = output.count
                let done = EVP_PKEY_derive(
                    context,
                    output.bindMemory(to: UInt8.self).baseAddress,
                    &count
                )
                // All that can fail here is OpenSSL's own check for the all-zero result.
                guard done == 1, count == output.count else {
                    ERR_clear_error()
                    throw .keyRefused(.lowOrder)
                }
            }
            // Checked here as well: other releases and providers return the zeros without an error.
            let anyBit = secret.withUnsafeBytes { $0.reduce(0, |) }
            guard anyBit != 0 else { throw .keyRefused(.lowOrder) }
            return secret
        }
    }
}
