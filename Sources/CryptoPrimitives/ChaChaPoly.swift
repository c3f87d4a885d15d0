internal import COpenSSL

/// ChaCha20-Poly1305 (RFC 8439): a 32-byte key, a 12-byte nonce, a 16-byte tag after the ciphertext.
package enum ChaChaPoly {
    package static let keyByteCount = 32
    package static let nonceByteCount = 12
    package static let tagByteCount = 16

    /// The ciphertext of `plaintext`, its tag appended.
    package static func seal(
        _ plaintext: UnsafeRawBufferPointer,
        key: SecretBytes,
        nonce: [UInt8],
        authenticating data: [UInt8] = []
    ) throws(CryptoError) -> [UInt8] {
        var cipher = try ChaChaPolyCipher(key: key)
        var sealed = [UInt8](repeating: 0, count: plaintext.count + tagByteCount)
        let failure = nonce.withUnsafeBytes { nonce in
            data.withUnsafeBytes { data in
                sealed.withUnsafeMutableBytes { sealed in
                    cipher.trySeal(plaintext, nonce: nonce, authenticating: data, into: sealed)
                }
            }
        }
        if let failure { throw failure }
        return sealed
    }

    /// The ciphertext of `plaintext`, its tag appended.
    package static func seal(
        _ plaintext: [UInt8],
        key: SecretBytes,
        nonce: [UInt8],
        authenticating data: [UInt8] = []
    ) throws(CryptoError) -> [UInt8] {
        let sealed = plaintext.withUnsafeBytes { plaintext in
            Result { () throws(CryptoError) in
                try seal(plaintext, key: key, nonce: nonce, authenticating: data)
            }
        }
        return try sealed.get()
    }

    /// The ciphertext of a secret, its tag appended.
    package static func seal(
        _ plaintext: SecretBytes,
        key: SecretBytes,
        nonce: [UInt8],
        authenticating data: [UInt8] = []
    ) throws(CryptoError) -> [UInt8] {
        try plaintext.withUnsafeBytes { plaintext throws(CryptoError) in
            try seal(plaintext, key: key, nonce: nonce, authenticating: data)
        }
    }

    /// The plaintext of `sealed` (ciphertext and tag), or `.authenticationFailed`.
    package static func open(
        _ sealed: [UInt8],
        key: SecretBytes,
        nonce: [UInt8],
        authenticating data: [UInt8] = []
    ) throws(CryptoError) -> [UInt8] {
        guard sealed.count >= tagByteCount else { throw .authenticationFailed }
        var plaintext = [UInt8](repeating: 0, count: sealed.count - tagByteCount)
        let failure = plaintext.withUnsafeMutableBytes { plaintext in
            tryOpen(sealed, key: key, nonce: nonce, authenticating: data, into: plaintext)
        }
        if let failure { throw failure }
        return plaintext
    }

    /// The plaintext of `sealed` straight into secret memory, or `.authenticationFailed`.
    package static func openSecret(
        _ sealed: [UInt8],
        key: SecretBytes,
        nonce: [UInt8],
        authenticating data: [UInt8] = []
    ) throws(CryptoError) -> SecretBytes {
        guard sealed.count >= tagByteCount else { throw .authenticationFailed }
        return try SecretBytes(count: sealed.count - tagByteCount) { output throws(CryptoError) in
            let failure = tryOpen(
                sealed,
                key: key,
                nonce: nonce,
                authenticating: data,
                into: output
            )
            if let failure { throw failure }
        }
    }

    private static func tryOpen(
        _ sealed: [UInt8],
        key: SecretBytes,
        nonce: [UInt8],
        authenticating data: [UInt8],
        into output: UnsafeMutableRawBufferPointer
    ) -> CryptoError? {
        do throws(CryptoError) {
            var cipher = try ChaChaPolyCipher(key: key)
            return sealed.withUnsafeBytes { sealed in
                nonce.withUnsafeBytes { nonce in
                    data.withUnsafeBytes { data in
                        cipher.tryOpen(sealed, nonce: nonce, authenticating: data, into: output)
                    }
                }
            }
        } catch {
            return error
        }
    }
}

/// ChaCha20-Poly1305 under one key for many messages, without an allocation per message.
///
/// Thread-bound: one thread at a time. Owns one EVP_CIPHER_CTX, which holds a copy of the key in
/// ordinary memory until it is freed and cleared. Messages are at most 2^31 − 1 bytes.
package struct ChaChaPolyCipher: ~Copyable {
    private let context: OpaquePointer

    /// `key` must be 32 bytes.
    package init(key: SecretBytes) throws(CryptoError) {
        precondition(key.count == ChaChaPoly.keyByteCount)
        guard let context = EVP_CIPHER_CTX_new() else { throw .fromLibrary("ChaCha20-Poly1305") }
        let done = key.withUnsafeBytes { key in
            EVP_CipherInit_ex2(
                context,
                EVP_chacha20_poly1305(),
                key.bindMemory(to: UInt8.self).baseAddress,
                nil,
                1,
                nil
            )
        }
        guard done == 1 else {
            EVP_CIPHER_CTX_free(context)
            throw .fromLibrary("ChaCha20-Poly1305")
        }
        self.context = context
    }

    deinit {
        EVP_CIPHER_CTX_free(context)
    }

    /// Writes ciphertext and tag of `plaintext` into `output`, which has exactly 16 bytes more.
    ///
    /// `nonce` (12 bytes) must not have been used with this key.
    package mutating func seal(
        _ plaintext: UnsafeRawBufferPointer,
        nonce: UnsafeRawBufferPointer,
        authenticating data: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        into output: UnsafeMutableRawBufferPointer
    ) throws(CryptoError) {
        if let failure = trySeal(plaintext, nonce: nonce, authenticating: data, into: output) {
            throw failure
        }
    }

    /// Writes the plaintext of `sealed` (ciphertext and tag) into `output`, which has exactly 16
    /// bytes fewer.
    ///
    /// On `.authenticationFailed` the output is cleared: no unverified byte is given.
    package mutating func open(
        _ sealed: UnsafeRawBufferPointer,
        nonce: UnsafeRawBufferPointer,
        authenticating data: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        into output: UnsafeMutableRawBufferPointer
    ) throws(CryptoError) {
        if let failure = tryOpen(sealed, nonce: nonce, authenticating: data, into: output) {
            throw failure
        }
    }

    // The two below return their error, because the standard library's closures that lend an
    // array's bytes do not carry a typed throw.

    mutating func trySeal(
        _ plaintext: UnsafeRawBufferPointer,
        nonce: UnsafeRawBufferPointer,
        authenticating data: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) -> CryptoError? {
        precondition(output.count == plaintext.count + ChaChaPoly.tagByteCount)
        let tag = UnsafeMutableRawBufferPointer(rebasing: output[plaintext.count...])
        let done =
            start(nonce: nonce, data: data, sealing: true)
            && update(plaintext, into: output.baseAddress)
            && finish(at: tag.baseAddress)
            && EVP_CIPHER_CTX_ctrl(
                context,
                EVP_CTRL_AEAD_GET_TAG,
                Int32(tag.count),
                tag.baseAddress
            ) == 1
        return done ? nil : .fromLibrary("ChaCha20-Poly1305 seal")
    }

    mutating func tryOpen(
        _ sealed: UnsafeRawBufferPointer,
        nonce: UnsafeRawBufferPointer,
        authenticating data: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) -> CryptoError? {
        precondition(sealed.count == output.count + ChaChaPoly.tagByteCount)
        let ciphertext = UnsafeRawBufferPointer(rebasing: sealed[..<output.count])
        let tag = UnsafeRawBufferPointer(rebasing: sealed[output.count...])
        let prepared =
            start(nonce: nonce, data: data, sealing: false)
            && EVP_CIPHER_CTX_ctrl(
                context,
                EVP_CTRL_AEAD_SET_TAG,
                Int32(tag.count),
                // OpenSSL takes a mutable pointer for both directions and only reads this one.
                UnsafeMutableRawPointer(mutating: tag.baseAddress)
            ) == 1
            && update(ciphertext, into: output.baseAddress)
        guard prepared else {
            cleanse(output)
            return .fromLibrary("ChaCha20-Poly1305 open")
        }
        var nothing: UInt64 = 0
        guard withUnsafeMutableBytes(of: &nothing, { finish(at: $0.baseAddress) }) else {
            cleanse(output)
            ERR_clear_error()
            return .authenticationFailed
        }
        return nil
    }

    private func start(
        nonce: UnsafeRawBufferPointer,
        data: UnsafeRawBufferPointer,
        sealing: Bool
    ) -> Bool {
        precondition(nonce.count == ChaChaPoly.nonceByteCount)
        let started = EVP_CipherInit_ex2(
            context,
            nil,
            nil,
            nonce.bindMemory(to: UInt8.self).baseAddress,
            sealing ? 1 : 0,
            nil
        )
        return started == 1 && update(data, into: nil)
    }

    private func update(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawPointer?
    ) -> Bool {
        // A null input of no bytes is OpenSSL's call for "finish" in some ciphers.
        guard !input.isEmpty else { return true }
        var written: Int32 = 0
        let done = EVP_CipherUpdate(
            context,
            output?.assumingMemoryBound(to: UInt8.self),
            &written,
            input.bindMemory(to: UInt8.self).baseAddress,
            Int32(input.count)
        )
        return done == 1 && Int(written) == input.count
    }

    private func finish(at output: UnsafeMutableRawPointer?) -> Bool {
        var written: Int32 = 0
        let done = EVP_CipherFinal_ex(
            context,
            output?.assumingMemoryBound(to: UInt8.self),
            &written
        )
        return done == 1 && written == 0
    }
}
