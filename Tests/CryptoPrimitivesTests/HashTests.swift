import CryptoPrimitives
import Testing

@Suite("Hashes, authentication codes, derived keys")
struct HashTests {
    @Test(
        "SHA-256 gives the FIPS 180-4 examples",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ]
    )
    func sha256(text: String, hash: String) {
        #expect(SHA256.hash(text.utf8) == bytes(hash))
        #expect(SHA256.hash(Array(text.utf8)) == bytes(hash))
        #expect(Array(text.utf8).withUnsafeBytes { SHA256.hash($0) } == bytes(hash))
    }

    @Test("Hashing in pieces gives the hash of the whole")
    func pieces() throws {
        let message = try randomBytes(1000)
        for pieceCount in [1, 63, 64, 65, 1000] {
            var hasher = SHA256Hasher()
            hasher.update([])
            for start in stride(from: 0, to: message.count, by: pieceCount) {
                hasher.update(Array(message[start..<min(start + pieceCount, message.count)]))
            }
            #expect(hasher.finish() == SHA256.hash(message))
        }
        #expect(SHA256Hasher().finish() == SHA256.hash([UInt8]()))
    }

    @Test(
        "HMAC-SHA-256 gives the values of RFC 4231",
        arguments: [
            (
                "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
        ]
    )
    func hmac(key: String, message: String, tag: String) throws {
        let message = bytes(message)
        #expect(HMACSHA256.authenticate(key: bytes(key), message: message) == bytes(tag))
        let secret = try SecretBytes(copying: bytes(key))
        #expect(HMACSHA256.authenticate(key: secret, message: message) == bytes(tag))
    }

    @Test("HMAC takes an empty key and an empty message")
    func emptyHMAC() {
        let tag = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
        #expect(HMACSHA256.authenticate(key: [UInt8](), message: []) == bytes(tag))
    }

    @Test("HKDF-SHA-256 gives the values of RFC 5869 appendix A.1 to A.3")
    func hkdf() throws {
        let secret = try SecretBytes(copying: [UInt8](repeating: 0x0B, count: 22))
        let first = try HKDFSHA256.derive(
            secret: secret,
            salt: Array(0x00...0x0C),
            info: Array(0xF0...0xF9),
            count: 42
        )
        #expect(
            first.exposed
                == bytes(
                    """
                    3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf
                    34007208d5b887185865
                    """
                )
        )
        let second = try HKDFSHA256.derive(
            secret: SecretBytes(copying: Array(0x00...0x4F)),
            salt: Array(0x60...0xAF),
            info: Array(0xB0...0xFF),
            count: 82
        )
        #expect(
            second.exposed
                == bytes(
                    """
                    b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
                    59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71
                    cc30c58179ec3e87c14c01d5c1f3434f1d87
                    """
                )
        )
        let third = try HKDFSHA256.derive(secret: secret, salt: [], info: [], count: 42)
        #expect(
            third.exposed
                == bytes(
                    """
                    8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d
                    9d201395faa4b61a96c8
                    """
                )
        )
    }

    @Test("Comparison in constant time is comparison")
    func comparison() {
        #expect(constantTimeEqual([UInt8](), []))
        #expect(constantTimeEqual([1, 2, 3], [1, 2, 3]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2]))
        #expect(!constantTimeEqual([], [0]))
    }

    @Test("Random bytes have the asked number and do not come twice")
    func random() throws {
        #expect(try randomBytes(0).isEmpty)
        #expect(try randomBytes(33).count == 33)
        #expect(try randomBytes(32) != randomBytes(32))
    }
}

@Suite("Secret bytes")
struct SecretBytesTests {
    @Test("There is a secure heap, and secrets are zero until they are filled")
    func filled() throws {
        #expect(SecretBytes.protection != .unavailable)
        #expect(try SecretBytes(count: 40) { _ in }.exposed == [UInt8](repeating: 0, count: 40))
        #expect(try SecretBytes(copying: [UInt8]()).exposed.isEmpty)
        let secret = try SecretBytes(count: 3) { $0.copyBytes(from: [1, 2, 3]) }
        #expect(secret.exposed == [1, 2, 3])
        #expect(secret.isEqual(to: try SecretBytes(copying: [1, 2, 3])))
        #expect(!secret.isEqual(to: try SecretBytes(copying: [1, 2, 4])))
    }

    @Test("More than the heap holds is an error, not ordinary memory")
    func exhaustion() {
        #expect(throws: CryptoError.secureMemoryExhausted(wanted: 1 << 20)) {
            try SecretBytes(count: 1 << 20) { _ in }
        }
    }

    @Test("Freed secrets make room for new ones, also when their filling failed")
    func reuse() throws {
        for _ in 0..<1000 {
            _ = try SecretBytes(random: 4096)
            #expect(throws: CryptoError.randomUnavailable) {
                try SecretBytes(count: 4096) { _ throws(CryptoError) in throw .randomUnavailable }
            }
        }
    }

    @Test("Neither description nor reflection shows the contents")
    func noDescription() throws {
        let secret = try SecretBytes(copying: Array("open sesame".utf8))
        var dumped = ""
        dump(secret, to: &dumped)
        let shown = dumped + "\(secret)" + String(reflecting: secret)
        #expect(!shown.contains("open"))
        // Its first bytes, as numbers of a list and one below the other.
        #expect(!shown.contains("111, 112") && !shown.contains("- 111\n"))
    }

    @Test("Cleansing leaves as many zeros")
    func cleansing() {
        var array: [UInt8] = [1, 2, 3]
        cleanse(&array)
        #expect(array == [0, 0, 0])
    }
}
