internal import COpenSSL

/// The one owner of an EVP_PKEY, freed with its last reference.
//
// Unchecked because of the pointer alone: the key object is complete before `init` ends and is only
// read after it, which OpenSSL 3 allows from any number of threads; every operation has a context
// of its own.
final class KeyHandle: @unchecked Sendable {
    let key: OpaquePointer

    /// Takes over `key`.
    init(owning key: OpaquePointer) {
        self.key = key
    }

    deinit {
        EVP_PKEY_free(key)
    }

    /// A new key pair of the algorithm with OpenSSL's name `name`; `group` names a curve.
    convenience init(generating name: String, group: String? = nil) throws(CryptoError) {
        guard let context = EVP_PKEY_CTX_new_from_name(nil, name, nil) else {
            throw .fromLibrary("key generation")
        }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        let done =
            EVP_PKEY_keygen_init(context) == 1
            && (group.map { EVP_PKEY_CTX_set_group_name(context, $0) == 1 } ?? true)
            && EVP_PKEY_generate(context, &key) == 1
        guard done, let key else { throw .fromLibrary("key generation") }
        self.init(owning: key)
    }

    /// The private key of a kind whose private keys are plain bytes.
    convenience init(name: String, rawPrivateKey bytes: SecretBytes) throws(CryptoError) {
        let key = bytes.withUnsafeBytes { bytes in
            EVP_PKEY_new_raw_private_key_ex(
                nil,
                name,
                nil,
                bytes.bindMemory(to: UInt8.self).baseAddress,
                bytes.count
            )
        }
        guard let key else { throw .fromLibrary("private key") }
        self.init(owning: key)
    }

    /// The public key of a kind whose public keys are plain bytes.
    convenience init(name: String, rawPublicKey bytes: [UInt8]) throws(CryptoError) {
        guard let key = EVP_PKEY_new_raw_public_key_ex(nil, name, nil, bytes, bytes.count) else {
            throw .fromLibrary("public key")
        }
        self.init(owning: key)
    }

    /// The P-256 public key with these 32-byte coordinates, nil when they are no point of the curve
    /// (d2i_PUBKEY, EVP_PKEY_public_check).
    convenience init?(p256 x: [UInt8], _ y: [UInt8]) throws(CryptoError) {
        // A SubjectPublicKeyInfo up to its point (RFC 5480 section 2), whose lengths never change.
        let information: [UInt8] = [
            0x30, 0x59, 0x30, 0x13,
            0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,  // id-ecPublicKey
            0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07,  // secp256r1
            0x03, 0x42, 0x00, 0x04,  // a bit string, an uncompressed point
        ]
        let encoding = information + x + y
        let key = encoding.withUnsafeBufferPointer { encoding in
            var next = encoding.baseAddress
            return d2i_PUBKEY(nil, &next, encoding.count)
        }
        guard let key else {
            ERR_clear_error()
            return nil
        }
        self.init(owning: key)
        guard let context = EVP_PKEY_CTX_new_from_pkey(nil, key, nil) else {
            throw .fromLibrary("public key")
        }
        defer { EVP_PKEY_CTX_free(context) }
        guard EVP_PKEY_public_check(context) == 1 else {
            ERR_clear_error()
            return nil
        }
    }

    /// The 32 bytes of a raw public key (EVP_PKEY_get_raw_public_key).
    func rawPublicKey() throws(CryptoError) -> [UInt8] {
        var count = 32
        var bytes = [UInt8](repeating: 0, count: count)
        guard EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1, count == bytes.count else {
            throw .fromLibrary("public key")
        }
        return bytes
    }

    /// One coordinate of a P-256 public key as 32 bytes, most significant first.
    func coordinate(_ name: String) throws(CryptoError) -> [UInt8] {
        var number: OpaquePointer?
        defer { BN_free(number) }
        var bytes = [UInt8](repeating: 0, count: 32)
        guard EVP_PKEY_get_bn_param(key, name, &number) == 1,
            BN_bn2binpad(number, &bytes, Int32(bytes.count)) == Int32(bytes.count)
        else { throw .fromLibrary("public key") }
        return bytes
    }
}
