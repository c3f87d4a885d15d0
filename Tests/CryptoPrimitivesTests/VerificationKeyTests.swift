import CryptoPrimitives
import TestSupport
import Testing

@Suite("Verification keys")
struct VerificationKeyTests {
    @Test(
        "An Ed25519 key of low order is refused in every encoding",
        arguments: [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "0100000000000000000000000000000000000000000000000000000000000080",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ]
    )
    func lowOrder(hex: String) {
        #expect(throws: CryptoError.keyRefused(.lowOrder)) {
            try VerificationKey(ed25519: bytes(hex))
        }
    }

    @Test("An Ed25519 key whose y is p or more is refused", arguments: 0xEF...0xFF)
    func nonCanonical(lowByte: Int) {
        for highByte: UInt8 in [0x7F, 0xFF] {
            let key = [UInt8(lowByte)] + [UInt8](repeating: 0xFF, count: 30) + [highByte]
            #expect(throws: CryptoError.keyRefused(.nonCanonical)) {
                try VerificationKey(ed25519: key)
            }
        }
    }

    @Test("An Ed25519 key is taken exactly when its y is on the curve, as Python computes it")
    func onCurve() throws {
        var keys: [[UInt8]] = (2..<100).map { [$0] + [UInt8](repeating: 0, count: 31) }
        for _ in 0..<100 { keys.append(try randomBytes(31) + [0x55]) }
        let program = """
            import sys
            p = 2**255 - 19
            d = -121665 * pow(121666, -1, p) % p
            for line in sys.stdin:
                y = int.from_bytes(bytes.fromhex(line.strip()), 'little')
                x2 = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
                print(int(pow(x2, (p - 1) // 2, p) == 1))
            """
        let input = keys.map { Hex.encode($0) }.joined(separator: "\n")
        let python = try Command("python3", "-c", program, input: Array(input.utf8))
        let verdicts = python.text.split(separator: "\n").map { $0 == "1" }
        try #require(verdicts.count == keys.count)
        #expect(Set(verdicts) == [true, false])
        for (key, isOnCurve) in zip(keys, verdicts) {
            if isOnCurve {
                #expect(try VerificationKey(ed25519: key).rawRepresentation == key)
            } else {
                #expect(throws: CryptoError.keyRefused(.offCurve)) {
                    try VerificationKey(ed25519: key)
                }
            }
        }
    }

    @Test("P-256 coordinates off the curve, at infinity or beyond the field are refused")
    func p256() throws {
        let raw = try SigningKey.generate(.es256).verificationKey.rawRepresentation
        let x = Array(raw[..<32])
        let y = Array(raw[32...])
        var wrongY = y
        wrongY[31] ^= 1
        let zero = [UInt8](repeating: 0, count: 32)
        let prime = bytes("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff")
        #expect(try VerificationKey(p256: x, y).rawRepresentation == raw)
        for (x, y) in [(x, wrongY), (y, x), (zero, zero), (x, zero)] {
            #expect(throws: CryptoError.keyRefused(.offCurve)) { try VerificationKey(p256: x, y) }
        }
        let largest = [UInt8](repeating: 0xFF, count: 32)
        for (x, y) in [(prime, y), (x, prime), (largest, y), (x, largest)] {
            #expect(throws: CryptoError.keyRefused(.nonCanonical)) {
                try VerificationKey(p256: x, y)
            }
        }
        for (x, y) in [(x, [0] + y), (Array(x.dropFirst()), y), ([], [])] {
            #expect(throws: CryptoError.keyRefused(.malformed)) { try VerificationKey(p256: x, y) }
        }
    }

    @Test("A JWK with missing, further or wrong members is refused")
    func jwk() throws {
        let keys = try SignatureAlgorithm.allCases.map { try SigningKey.generate($0) }
        for key in keys {
            guard case .object(let members) = key.verificationKey.jwk else {
                Issue.record("a JWK is an object")
                continue
            }
            for name in members.keys {
                var changed = members
                changed[name] = nil
                #expect(throws: CryptoError.self) { try VerificationKey(jwk: .object(changed)) }
                changed[name] = .integer(1)
                #expect(throws: CryptoError.self) { try VerificationKey(jwk: .object(changed)) }
                changed[name] = .string("")
                #expect(throws: CryptoError.self) { try VerificationKey(jwk: .object(changed)) }
            }
            for name in ["use", "kid", "d", "alg", "y2"] {
                var changed = members
                changed[name] = .string("x")
                #expect(throws: CryptoError.keyRefused(.malformed)) {
                    try VerificationKey(jwk: .object(changed))
                }
            }
            var unpadded = members
            if case .string(let x) = members["x"] { unpadded["x"] = .string(x + "=") }
            #expect(throws: CryptoError.keyRefused(.malformed)) {
                try VerificationKey(jwk: .object(unpadded))
            }
        }
        for (kind, curve) in [("OKP", "X25519"), ("OKP", "Ed448"), ("EC", "P-384"), ("RSA", "")] {
            #expect(throws: CryptoError.keyRefused(.unsupported)) {
                try VerificationKey(
                    jwk: .object([
                        "kty": .string(kind), "crv": .string(curve), "x": .string("AA"),
                    ])
                )
            }
        }
        #expect(throws: CryptoError.keyRefused(.malformed)) {
            try VerificationKey(jwk: .string("key"))
        }
    }

    @Test("Keys with the same bytes are the same key, whatever they came from")
    func equality() throws {
        let key = try SigningKey.generate(.es256).verificationKey
        let again = try VerificationKey(jwk: key.jwk)
        #expect(Set([key, again]).count == 1)
        #expect(key != (try SigningKey.generate(.es256).verificationKey))
    }

    @Test("One key verifies on many threads at once", .timeLimit(.minutes(1)))
    func concurrency() async throws {
        for algorithm in SignatureAlgorithm.allCases {
            let key = try SigningKey.generate(algorithm)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for task in 0..<8 {
                    group.addTask {
                        for round in 0..<50 {
                            let message = [UInt8(task), UInt8(round)]
                            let signature = try key.sign(message)
                            guard key.verificationKey.isValidSignature(signature, over: message)
                            else { return false }
                        }
                        return true
                    }
                }
                for try await allValid in group { #expect(allValid) }
            }
        }
    }
}
