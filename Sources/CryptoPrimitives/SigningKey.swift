internal import COpenSSL

/// A private signing key, held by OpenSSL in the secure heap.
package final class SigningKey: Sendable {
    package let verificationKey: VerificationKey
    private let handle: KeyHandle

    package var algorithm: SignatureAlgorithm { verificationKey.algorithm }

    /// A new key pair.
    package static func generate(_ algorithm: SignatureAlgorithm) throws(CryptoError) -> SigningKey
    {
        try ensureSecureHeap()
        return switch algorithm {
        case .edDSA: try SigningKey(handle: KeyHandle(generating: "ED25519"))
        case .es256: try SigningKey(handle: KeyHandle(generating: "EC", group: "P-256"))
        }
    }

    /// The key in an unencrypted PKCS#8 PEM file (`-----BEGIN PRIVATE KEY-----`, RFC 7468 section
    /// 10).
    ///
    /// Encrypted keys and other containers are `.keyRefused(.unsupported)`; nothing ever asks for a
    /// passphrase. `pem` stays the caller's to clear.
    package convenience init(pem: UnsafeRawBufferPointer) throws(CryptoError) {
        try Self.ensureSecureHeap()
        let start = Array("-----BEGIN PRIVATE KEY-----\n".utf8)
        let startCRLF = Array("-----BEGIN PRIVATE KEY-----\r\n".utf8)
        guard pem.starts(with: start) || pem.starts(with: startCRLF) else {
            throw .keyRefused(pem.starts(with: "-----BEGIN ".utf8) ? .unsupported : .malformed)
        }
        guard let count = Int32(exactly: pem.count),
            let file = BIO_new_mem_buf(pem.baseAddress, count)
        else { throw .fromLibrary("private key") }
        defer { BIO_free(file) }
        // Without a callback of ours OpenSSL would ask on the terminal.
        let key = PEM_read_bio_PrivateKey(file, nil, { _, _, _, _ in -1 }, nil)
        guard let key else {
            ERR_clear_error()
            throw .keyRefused(.malformed)
        }
        try self.init(handle: KeyHandle(owning: key))
    }

    package convenience init(pem: [UInt8]) throws(CryptoError) {
        let loaded = pem.withUnsafeBytes { pem in
            Result { () throws(CryptoError) in try SigningKey(pem: pem) }
        }
        try self.init(handle: loaded.get().handle)
    }

    package convenience init(pem: SecretBytes) throws(CryptoError) {
        let loaded = try pem.withUnsafeBytes { pem throws(CryptoError) in try SigningKey(pem: pem) }
        try self.init(handle: loaded.handle)
    }

    private init(handle: KeyHandle) throws(CryptoError) {
        if EVP_PKEY_is_a(handle.key, "ED25519") == 1 {
            verificationKey = try VerificationKey(ed25519: handle.rawPublicKey())
        } else if EVP_PKEY_is_a(handle.key, "EC") == 1, Self.isP256(handle) {
            verificationKey = try VerificationKey(
                p256: handle.coordinate(OSSL_PKEY_PARAM_EC_PUB_X),
                handle.coordinate(OSSL_PKEY_PARAM_EC_PUB_Y)
            )
        } else {
            throw .keyRefused(.unsupported)
        }
        self.handle = handle
        // A file may carry a public half that is not the private half's.
        let probe = Array("lenscap key check".utf8)
        guard verificationKey.isValidSignature(try sign(probe), over: probe) else {
            throw .keyRefused(.mismatched)
        }
    }

    private static func isP256(_ handle: KeyHandle) -> Bool {
        var name = [CChar](repeating: 0, count: 32)
        guard EVP_PKEY_get_group_name(handle.key, &name, name.count, nil) == 1 else {
            ERR_clear_error()
            return false
        }
        return strcmp(name, "prime256v1") == 0
    }

    /// OpenSSL puts private keys into the secure heap only once that exists.
    private static func ensureSecureHeap() throws(CryptoError) {
        guard SecretBytes.protection != .unavailable else { throw .secureMemoryUnavailable }
    }

    /// The key as an unencrypted PKCS#8 PEM file, written through OpenSSL's secure memory.
    package func pem() throws(CryptoError) -> SecretBytes {
        guard let file = BIO_new(BIO_s_secmem()) else { throw .fromLibrary("private key") }
        defer { BIO_free(file) }
        guard PEM_write_bio_PKCS8PrivateKey(file, handle.key, nil, nil, 0, nil, nil) == 1 else {
            throw .fromLibrary("private key")
        }
        return try SecretBytes(count: BIO_ctrl_pending(file)) { output throws(CryptoError) in
            guard BIO_read(file, output.baseAddress, Int32(output.count)) == Int32(output.count)
            else { throw .fromLibrary("private key") }
        }
    }

    /// The 64-byte signature of `bytes`: Ed25519, or r ‖ s as RFC 7518 section 3.4 has it.
    package func sign(_ bytes: [UInt8]) throws(CryptoError) -> [UInt8] {
        guard let context = EVP_MD_CTX_new() else { throw .fromLibrary("signature") }
        defer { EVP_MD_CTX_free(context) }
        let digest: String? = algorithm == .es256 ? "SHA256" : nil
        var count = 80  // the longest DER signature of P-256 has 72 bytes
        var signature = [UInt8](repeating: 0, count: count)
        guard EVP_DigestSignInit_ex(context, nil, digest, nil, nil, handle.key, nil) == 1,
            EVP_DigestSign(context, &signature, &count, bytes, bytes.count) == 1
        else { throw .fromLibrary("signature") }
        signature.removeLast(signature.count - count)
        return algorithm == .es256 ? try P256.rawSignature(der: signature) : signature
    }
}
