import CryptoPrimitives
import Testing

@Suite("ChaCha20-Poly1305")
struct CipherTests {
    private static let plaintext = Array(
        """
        Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the \
        future, sunscreen would be it.
        """.utf8
    )
    private static let data = bytes("50515253c0c1c2c3c4c5c6c7")
    private static let nonce = bytes("070000004041424344454647")
    private static let sealed = bytes(
        """
        d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
        3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
        92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
        3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd060
        0691
        """
    )

    private func key() throws -> SecretBytes { try SecretBytes(copying: Array(0x80...0x9F)) }

    @Test("The example of RFC 8439 section 2.8.2 seals and opens")
    func example() throws {
        let sealed = try ChaChaPoly.seal(
            Self.plaintext,
            key: key(),
            nonce: Self.nonce,
            authenticating: Self.data
        )
        #expect(sealed == Self.sealed)
        let opened = try ChaChaPoly.open(
            Self.sealed,
            key: key(),
            nonce: Self.nonce,
            authenticating: Self.data
        )
        #expect(opened == Self.plaintext)
        let secret = try ChaChaPoly.openSecret(
            Self.sealed,
            key: key(),
            nonce: Self.nonce,
            authenticating: Self.data
        )
        #expect(secret.exposed == Self.plaintext)
    }

    @Test("A change of any byte, of the data, the nonce or the key, and any cut are noticed")
    func tampering() throws {
        func refuses(_ sealed: [UInt8], key: SecretBytes, nonce: [UInt8], data: [UInt8]) {
            #expect(throws: CryptoError.authenticationFailed) {
                try ChaChaPoly.open(sealed, key: key, nonce: nonce, authenticating: data)
            }
        }
        let key = try key()
        for index in Self.sealed.indices {
            var changed = Self.sealed
            changed[index] ^= 0x80
            refuses(changed, key: key, nonce: Self.nonce, data: Self.data)
            let cut = Array(Self.sealed[..<index])
            refuses(cut, key: key, nonce: Self.nonce, data: Self.data)
        }
        refuses(Self.sealed, key: key, nonce: Self.nonce, data: [])
        refuses(Self.sealed, key: key, nonce: Self.nonce.reversed(), data: Self.data)
        let otherKey = try SecretBytes(random: 32)
        refuses(Self.sealed, key: otherKey, nonce: Self.nonce, data: Self.data)
    }

    @Test("An empty message is its tag, and opens as nothing")
    func empty() throws {
        let tag = try ChaChaPoly.seal([UInt8](), key: key(), nonce: Self.nonce)
        #expect(tag.count == 16)
        #expect(try ChaChaPoly.open(tag, key: key(), nonce: Self.nonce).isEmpty)
        #expect(try ChaChaPoly.openSecret(tag, key: key(), nonce: Self.nonce).count == 0)
        for sealed in [[], tag.dropLast()] as [[UInt8]] {
            #expect(throws: CryptoError.authenticationFailed) {
                try ChaChaPoly.openSecret(sealed, key: key(), nonce: Self.nonce)
            }
        }
    }

    @Test("One context seals and opens many messages, also after one that failed")
    func reuse() throws {
        var cipher = try ChaChaPolyCipher(key: key())
        var sealed = [UInt8](repeating: 0, count: Self.sealed.count)
        var opened = [UInt8](repeating: 0, count: Self.plaintext.count)
        for _ in 0..<3 {
            try Self.nonce.withUnsafeBytes { nonce in
                try Self.data.withUnsafeBytes { data in
                    try Self.plaintext.withUnsafeBytes { plaintext in
                        try sealed.withUnsafeMutableBytes {
                            try cipher.seal(
                                plaintext,
                                nonce: nonce,
                                authenticating: data,
                                into: $0
                            )
                        }
                    }
                    try sealed.withUnsafeBytes { sealed in
                        try opened.withUnsafeMutableBytes {
                            try cipher.open(sealed, nonce: nonce, authenticating: data, into: $0)
                        }
                    }
                    #expect(sealed == Self.sealed)
                    #expect(opened == Self.plaintext)
                    sealed[5] ^= 1
                    var thrown: CryptoError?
                    do {
                        try sealed.withUnsafeBytes { sealed in
                            try opened.withUnsafeMutableBytes {
                                try cipher.open(
                                    sealed,
                                    nonce: nonce,
                                    authenticating: data,
                                    into: $0
                                )
                            }
                        }
                    } catch {
                        thrown = error as? CryptoError
                    }
                    #expect(thrown == .authenticationFailed)
                    #expect(opened == [UInt8](repeating: 0, count: opened.count))
                }
            }
        }
    }
}

@Suite("X25519")
struct X25519Tests {
    @Test("The exchange of RFC 7748 section 6.1 gives its public keys and its secret")
    func exchange() throws {
        func key(_ hex: String) throws -> X25519.PrivateKey {
            try X25519.PrivateKey(rawRepresentation: SecretBytes(copying: bytes(hex)))
        }
        let alice = try key("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
        let bob = try key("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
        #expect(
            alice.publicKey
                == bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
        )
        #expect(
            bob.publicKey
                == bytes("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
        )
        let secret = bytes("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
        #expect(try alice.sharedSecret(with: bob.publicKey).exposed == secret)
        #expect(try bob.sharedSecret(with: alice.publicKey).exposed == secret)
    }

    @Test(
        "The scalar multiplications of RFC 7748 section 5.2 hold",
        arguments: [
            (
                "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
                "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
                "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"
            ),
            (
                "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
                "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"
            ),
        ]
    )
    func multiplication(scalar: String, point: String, result: String) throws {
        let key = try X25519.PrivateKey(
            rawRepresentation: SecretBytes(copying: bytes(scalar))
        )
        #expect(try key.sharedSecret(with: bytes(point)).exposed == bytes(result))
    }

    @Test("Both sides of an exchange get the same secret")
    func agreement() throws {
        let left = try X25519.PrivateKey.generate()
        let right = try X25519.PrivateKey.generate()
        let secret = try left.sharedSecret(with: right.publicKey)
        #expect(secret.isEqual(to: try right.sharedSecret(with: left.publicKey)))
        #expect(left.publicKey != right.publicKey)
    }

    @Test(
        "A public key of low order is refused in every encoding",
        arguments: [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "0100000000000000000000000000000000000000000000000000000000000080",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ]
    )
    func lowOrder(hex: String) throws {
        let key = try X25519.PrivateKey.generate()
        #expect(throws: CryptoError.keyRefused(.lowOrder)) {
            try key.sharedSecret(with: bytes(hex))
        }
        #expect(throws: CryptoError.keyRefused(.lowOrder)) {
            try X25519.validate(publicKey: bytes(hex))
        }
    }

    @Test("A public key passes exactly when it is the one encoding of a usable coordinate")
    func validation() throws {
        for _ in 0..<50 {
            try X25519.validate(publicKey: X25519.PrivateKey.generate().publicKey)
        }
        var highBit = try X25519.PrivateKey.generate().publicKey
        highBit[31] |= 0x80
        let beyondPrime = [UInt8](repeating: 0xFF, count: 31) + [0x7F]
        for key in [highBit, beyondPrime, [0xF0] + beyondPrime.dropFirst()] {
            #expect(throws: CryptoError.keyRefused(.nonCanonical)) {
                try X25519.validate(publicKey: key)
            }
        }
        #expect(throws: CryptoError.keyRefused(.malformed)) {
            try X25519.validate(publicKey: [9])
        }
    }

    @Test("Keys of another size are refused")
    func sizes() throws {
        let key = try X25519.PrivateKey.generate()
        for count in [0, 31, 33, 64] {
            #expect(throws: CryptoError.keyRefused(.malformed)) {
                try key.sharedSecret(with: [UInt8](repeating: 9, count: count))
            }
        }
        #expect(throws: CryptoError.keyRefused(.malformed)) {
            try X25519.PrivateKey(rawRepresentation: SecretBytes(random: 31))
        }
    }
}
