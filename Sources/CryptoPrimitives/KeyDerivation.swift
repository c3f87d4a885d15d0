internal import COpenSSL

/// HMAC-SHA-256 (RFC 2104).
package enum HMACSHA256 {
    /// Bytes in a tag.
    package static let byteCount = 32

    /// The 32-byte tag of `message` under `key`.
    package static func authenticate(key: [UInt8], message: [UInt8]) -> [UInt8] {
        key.withUnsafeBytes { key in message.withUnsafeBytes { authenticate(key, $0) } }
    }

    /// The 32-byte tag of `message` under `key`.
    package static func authenticate(key: SecretBytes, message: [UInt8]) -> [UInt8] {
        key.withUnsafeBytes { key in message.withUnsafeBytes { authenticate(key, $0) } }
    }

    private static func authenticate(
        _ key: UnsafeRawBufferPointer,
        _ message: UnsafeRawBufferPointer
    ) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { output, count in
            // An empty key is a key; OpenSSL takes a null pointer for none at all.
            let noBytes: [UInt8] = [0]
            let tag = noBytes.withUnsafeBytes { noBytes in
                EVP_Q_mac(
                    nil,
                    "HMAC",
                    nil,
                    "SHA256",
                    nil,
                    key.baseAddress ?? noBytes.baseAddress,
                    key.count,
                    message.bindMemory(to: UInt8.self).baseAddress,
                    message.count,
                    output.baseAddress,
                    byteCount,
                    &count
                )
            }
            precondition(tag != nil && count == byteCount, "HMAC-SHA-256 failed")
        }
    }
}

/// HKDF-SHA-256 (RFC 5869), extract and expand.
package enum HKDFSHA256 {
    /// `count` bytes (1…8160) derived from `secret`.
    ///
    /// An empty `salt` is RFC 5869's default salt.
    package static func derive(
        secret: SecretBytes,
        salt: [UInt8],
        info: [UInt8],
        count: Int
    ) throws(CryptoError) -> SecretBytes {
        try SecretBytes(count: count) { output throws(CryptoError) in
            guard let context = EVP_PKEY_CTX_new_from_name(nil, "HKDF", nil) else {
                throw .fromLibrary("HKDF")
            }
            defer { EVP_PKEY_CTX_free(context) }
            var written = output.count
            let done =
                EVP_PKEY_derive_init(context) == 1
                && EVP_PKEY_CTX_set_hkdf_md(context, SHA256.algorithm) == 1
                && secret.withUnsafeBytes { secret in
                    EVP_PKEY_CTX_set1_hkdf_key(
                        context,
                        secret.bindMemory(to: UInt8.self).baseAddress,
                        Int32(secret.count)
                    ) == 1
                }
                && (salt.isEmpty
                    || EVP_PKEY_CTX_set1_hkdf_salt(context, salt, Int32(salt.count)) == 1)
                && (info.isEmpty
                    || EVP_PKEY_CTX_add1_hkdf_info(context, info, Int32(info.count)) == 1)
                && EVP_PKEY_derive(
                    context,
                    output.bindMemory(to: UInt8.self).baseAddress,
                    &written
                ) == 1
            guard done, written == output.count else { throw .fromLibrary("HKDF") }
        }
    }
}
