import CryptoPrimitives
import TestSupport
import Testing

/// A PKCS#8 PEM file around a 32-byte Ed25519 seed (RFC 8410 section 7).
private func ed25519PEM(seed: String) -> [UInt8] {
    pem(bytes("302e020100300506032b657004220420") + bytes(seed))
}

private func pem(_ der: [UInt8]) -> [UInt8] {
    var text = "-----BEGIN PRIVATE KEY-----\n"
    var rest = Base64.encodePadded(der)[...]
    while !rest.isEmpty {
        text += rest.prefix(64) + "\n"
        rest = rest.dropFirst(64)
    }
    return Array((text + "-----END PRIVATE KEY-----\n").utf8)
}

@Suite("Signing keys")
struct SigningTests {
    @Test(
        "Ed25519 signs as RFC 8032 section 7.1 says",
        arguments: [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                """
                e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
                5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b
                """
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                """
                92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
                085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00
                """
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                """
                6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
                18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a
                """
            ),
        ]
    )
    func ed25519(seed: String, publicKey: String, message: String, signature: String) throws {
        let key = try SigningKey(pem: ed25519PEM(seed: seed))
        #expect(key.algorithm == .edDSA)
        #expect(key.verificationKey.rawRepresentation == bytes(publicKey))
        #expect(try key.sign(bytes(message)) == bytes(signature))
        let verificationKey = try VerificationKey(ed25519: bytes(publicKey))
        #expect(verificationKey == key.verificationKey)
        #expect(verificationKey.isValidSignature(bytes(signature), over: bytes(message)))
        #expect(!verificationKey.isValidSignature(bytes(signature), over: bytes(message) + [0]))
    }

    @Test("The Ed25519 example of RFC 8037 appendix A has its thumbprint and its signature")
    func rfc8037() throws {
        let jwk = try CanonicalJSON(
            parsing: Array(
                #"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
                    .utf8
            )
        )
        let key = try VerificationKey(jwk: jwk)
        #expect(key.jwk == jwk)
        #expect(key.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
        let signature = try #require(
            Base64URL.decode(
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
            )
        )
        let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
        #expect(key.isValidSignature(signature, over: Array(signed.utf8)))
    }

    @Test("The ES256 example of RFC 7515 appendix A.3 verifies")
    func rfc7515() throws {
        let key = try VerificationKey(
            jwk: .object([
                "kty": .string("EC"), "crv": .string("P-256"),
                "x": .string("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
                "y": .string("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
            ])
        )
        let signature = try #require(
            Base64URL.decode(
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
            )
        )
        let signed =
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6"
            + "Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        #expect(key.algorithm == .es256)
        #expect(key.isValidSignature(signature, over: Array(signed.utf8)))
        #expect(!key.isValidSignature(signature, over: Array(signed.utf8.dropLast())))
    }

    @Test("The thumbprint of RFC 7638 section 3.1 comes from its canonical members")
    func rfc7638() throws {
        let modulus =
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tS"
            + "oc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v"
            + "-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD0"
            + "8qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEg"
            + "U8awapJzKnqDKgw"
        let members: CanonicalJSON = .object([
            "e": .string("AQAB"), "kty": .string("RSA"), "n": .string(modulus),
        ])
        #expect(
            Base64URL.encode(SHA256.hash(members.bytes))
                == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        )
    }

    @Test("A key goes through PEM and back", arguments: SignatureAlgorithm.allCases)
    func pemRoundTrip(algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let file = try key.pem()
        let fromSecret = try SigningKey(pem: file)
        let fromBytes = try SigningKey(pem: file.exposed)
        #expect(key.algorithm == algorithm)
        #expect(fromSecret.verificationKey == key.verificationKey)
        #expect(fromBytes.verificationKey == key.verificationKey)
        let signature = try fromBytes.sign([1, 2, 3])
        #expect(key.verificationKey.isValidSignature(signature, over: [1, 2, 3]))
        #expect(try VerificationKey(jwk: key.verificationKey.jwk) == key.verificationKey)
    }

    @Test(
        "Signatures have 64 bytes and no changed bit passes",
        arguments: SignatureAlgorithm.allCases
    )
    func changedSignatures(algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let other = try SigningKey.generate(algorithm)
        let message = Array("start".utf8)
        for _ in 0..<50 {
            let signature = try key.sign(message)
            #expect(signature.count == 64)
            #expect(key.verificationKey.isValidSignature(signature, over: message))
            #expect(!other.verificationKey.isValidSignature(signature, over: message))
        }
        let signature = try key.sign(message)
        for bit in 0..<512 {
            var changed = signature
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!key.verificationKey.isValidSignature(changed, over: message), "bit \(bit)")
        }
        #expect(!key.verificationKey.isValidSignature(signature + [0], over: message))
        #expect(!key.verificationKey.isValidSignature([0] + signature, over: message))
        #expect(!key.verificationKey.isValidSignature(signature.dropLast(), over: message))
        #expect(!key.verificationKey.isValidSignature([], over: message))
    }

    @Test("ES256 takes r and s from 1 to n − 1 alone")
    func es256Range() throws {
        let key = try SigningKey.generate(.es256)
        let signature = try key.sign([1])
        let r = Array(signature[..<32])
        let s = Array(signature[32...])
        let zero = [UInt8](repeating: 0, count: 32)
        let order = bytes("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
        let largest = [UInt8](repeating: 0xFF, count: 32)
        for (r, s) in [
            (zero, s), (r, zero), (zero, zero), (order, s), (r, order), (largest, s), (r, largest),
        ] {
            #expect(!key.verificationKey.isValidSignature(r + s, over: [1]))
        }
        // The twin with n − s is valid, as RFC 7518 has it.
        var borrow = 0
        var twin = [UInt8](repeating: 0, count: 32)
        for index in (0..<32).reversed() {
            let difference = Int(order[index]) - Int(s[index]) - borrow
            borrow = difference < 0 ? 1 : 0
            twin[index] = UInt8(truncatingIfNeeded: difference)
        }
        #expect(key.verificationKey.isValidSignature(r + twin, over: [1]))
    }

    @Test("A signature of one key kind is none of the other")
    func otherKind() throws {
        let ed25519 = try SigningKey.generate(.edDSA)
        let es256 = try SigningKey.generate(.es256)
        #expect(!es256.verificationKey.isValidSignature(try ed25519.sign([1]), over: [1]))
        #expect(!ed25519.verificationKey.isValidSignature(try es256.sign([1]), over: [1]))
    }
}

@Suite("Keys as openssl writes and reads them")
struct OpenSSLCommandTests {
    @Test("A key made by openssl signs here, and openssl verifies")
    func ed25519() throws {
        let folder = TemporaryFolder()
        let file = try Command("openssl", "genpkey", "-algorithm", "ed25519").output
        let key = try SigningKey(pem: file)
        let privateKey = try folder.file("key", file)
        let publicKey = try folder.file(
            "public",
            try Command("openssl", "pkey", "-in", privateKey, "-pubout").output
        )
        let message = try folder.file("message", Array("take the cap off".utf8))
        let signature = try folder.file(
            "signature",
            try key.sign(Array("take the cap off".utf8))
        )
        let verified = try Command(
            "openssl",
            "pkeyutl",
            "-verify",
            "-pubin",
            "-inkey",
            publicKey,
            "-rawin",
            "-in",
            message,
            "-sigfile",
            signature
        )
        #expect(verified.succeeded)
        let signed = try Command(
            "openssl",
            "pkeyutl",
            "-sign",
            "-inkey",
            privateKey,
            "-rawin",
            "-in",
            message
        )
        #expect(
            key.verificationKey.isValidSignature(
                signed.output,
                over: Array("take the cap off".utf8)
            )
        )
    }

    @Test("A P-256 key made by openssl verifies here what openssl signed")
    func es256() throws {
        let folder = TemporaryFolder()
        let file = try Command(
            "openssl",
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256"
        ).output
        let key = try SigningKey(pem: file)
        #expect(key.algorithm == .es256)
        let message = Array("take the cap off".utf8)
        let privateKey = try folder.file("key", file)
        for _ in 0..<8 {
            let signed = try Command(
                "openssl",
                "dgst",
                "-sha256",
                "-sign",
                privateKey,
                input: message
            )
            let signature = try #require(Self.rawSignature(der: signed.output))
            #expect(key.verificationKey.isValidSignature(signature, over: message))
        }
    }

    @Test("openssl reads the keys that are written here", arguments: SignatureAlgorithm.allCases)
    func writes(algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let checked = try Command("openssl", "pkey", "-check", "-noout", input: key.pem().exposed)
        if algorithm == .es256 { #expect(checked.succeeded, "\(checked.errors)") }
        let der = try Command(
            "openssl",
            "pkey",
            "-pubout",
            "-outform",
            "DER",
            input: key.pem().exposed
        )
        #expect(der.succeeded)
        let raw = key.verificationKey.rawRepresentation
        #expect(Array(der.output.suffix(raw.count)) == raw)
    }

    @Test("Encrypted keys, other containers, other kinds and other curves are unsupported")
    func unsupported() throws {
        let files = [
            try Command(
                "openssl",
                "genpkey",
                "-algorithm",
                "ed25519",
                "-aes256",
                "-pass",
                "pass:x"
            ),
            try Command("openssl", "ecparam", "-genkey", "-noout", "-name", "prime256v1"),
            try Command("openssl", "genpkey", "-algorithm", "x25519"),
            try Command("openssl", "genpkey", "-algorithm", "ed448"),
            try Command(
                "openssl",
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:P-384"
            ),
            try Command(
                "openssl",
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:secp256k1"
            ),
            try Command(
                "openssl",
                "genpkey",
                "-algorithm",
                "RSA",
                "-pkeyopt",
                "rsa_keygen_bits:1024"
            ),
        ]
        for file in files {
            #expect(file.succeeded)
            #expect(throws: CryptoError.keyRefused(.unsupported), "\(file.text)") {
                try SigningKey(pem: file.output)
            }
        }
    }

    @Test("Anything else than a PEM file is malformed")
    func malformed() throws {
        let good = try SigningKey.generate(.edDSA).pem().exposed
        let files: [[UInt8]] = [
            [], Array("key".utf8), Array(good.dropFirst()), Array(good.prefix(60)),
            Array("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n".utf8),
            pem([0x30, 0x00]),
        ]
        for file in files {
            #expect(throws: CryptoError.keyRefused(.malformed)) { try SigningKey(pem: file) }
        }
    }

    @Test("A file whose public half belongs to another key is refused")
    func mismatched() throws {
        func der(_ key: SigningKey) throws -> [UInt8] {
            let lines = String(decoding: try key.pem().exposed, as: UTF8.self)
                .split(separator: "\n").filter { !$0.hasPrefix("-") }
            return try #require(Base64.decodePadded(lines.joined()))
        }
        let key = try SigningKey.generate(.es256)
        let other = try SigningKey.generate(.es256)
        let file = try der(key)
        #expect(file.suffix(64) == key.verificationKey.rawRepresentation[...])
        let mixed = Array(file.dropLast(64)) + other.verificationKey.rawRepresentation
        #expect(throws: CryptoError.keyRefused(.mismatched)) { try SigningKey(pem: pem(mixed)) }
        #expect(try SigningKey(pem: pem(file)).verificationKey == key.verificationKey)
    }

    /// r ‖ s of a short DER signature.
    private static func rawSignature(der: [UInt8]) -> [UInt8]? {
        guard der.count > 4, der[0] == 0x30, Int(der[1]) == der.count - 2 else { return nil }
        var raw: [UInt8] = []
        var rest = der[2...]
        while let tag = rest.popFirst(), let count = rest.popFirst() {
            guard tag == 0x02, rest.count >= Int(count) else { return nil }
            let digits = rest.prefix(Int(count)).drop { $0 == 0 }
            raw += [UInt8](repeating: 0, count: 32 - digits.count) + digits
            rest = rest.dropFirst(Int(count))
        }
        return raw
    }
}
