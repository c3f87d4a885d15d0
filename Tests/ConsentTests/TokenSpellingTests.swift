import CryptoPrimitives
import Testing

@testable import Consent

@Suite("A start token has one spelling")
struct TokenSpellingTests {
    @Test("claims in any other spelling are refused", arguments: SignatureAlgorithm.allCases)
    func claims(algorithm: SignatureAlgorithm) throws {
        let school = try School(teacher: algorithm)
        let trust = try school.trust()
        let good = try school.claims()
        let variants = HostileJSON.variants(of: good)
        #expect(good.members.count == 14)
        #expect(variants.count == 14 * HostileJSON.eachMember + HostileJSON.whole)
        #expect(variants.count == 361)
        for variant in variants {
            let token = try school.token(header: school.header.bytes, claims: variant.bytes)
            let reason = try school.refusal(of: token, trust: trust)
            let expected: Refusal.Reason =
                token.utf8.count > CompactJWS.byteLimit ? .oversized : .payload
            #expect(reason == expected, "\(variant): \(String(describing: reason))")
        }
    }

    @Test("a header in any other spelling is refused", arguments: SignatureAlgorithm.allCases)
    func header(algorithm: SignatureAlgorithm) throws {
        let school = try School(teacher: algorithm)
        let trust = try school.trust()
        let claims = try school.claims().bytes
        let variants = HostileJSON.variants(of: school.header)
        #expect(variants.count == 3 * HostileJSON.eachMember + HostileJSON.whole)
        #expect(variants.count == 97)
        for variant in variants {
            let token = try school.token(header: variant.bytes, claims: claims)
            let reason = try school.refusal(of: token, trust: trust)
            let expected: Refusal.Reason =
                token.utf8.count > CompactJWS.byteLimit ? .oversized : .header
            #expect(reason == expected, "\(variant): \(String(describing: reason))")
        }
    }

    @Test("a header never chooses how it is judged", arguments: SignatureAlgorithm.allCases)
    func headerMembers(algorithm: SignatureAlgorithm) throws {
        let school = try School(teacher: algorithm)
        let attacker = try SigningKey.generate(algorithm)
        let other = algorithm == .edDSA ? "ES256" : "EdDSA"
        let cases: [(String, Refusal.Reason, (inout Members) -> Void)] = [
            ("alg none", .algorithm, { $0["alg"] = .string("none") }),
            ("alg None", .algorithm, { $0["alg"] = .string("None") }),
            ("alg empty", .algorithm, { $0["alg"] = .string("") }),
            ("alg HS256", .algorithm, { $0["alg"] = .string("HS256") }),
            ("alg RS256", .algorithm, { $0["alg"] = .string("RS256") }),
            ("alg Ed25519", .algorithm, { $0["alg"] = .string("Ed25519") }),
            ("alg in lower case", .algorithm, { $0["alg"] = .string("eddsa") }),
            ("the other alg", .algorithm, { $0["alg"] = .string(other) }),
            ("another kid", .cardKey, { $0["kid"] = .string(attacker.verificationKey.thumbprint) }),
            ("empty kid", .cardKey, { $0["kid"] = .string("") }),
            (
                "padded kid", .cardKey,
                { $0["kid"] = .string(school.teacher.verificationKey.thumbprint + "=") }
            ),
            ("no kid", .header, { $0["kid"] = nil }),
            ("no alg", .header, { $0["alg"] = nil }),
            ("no typ", .header, { $0["typ"] = nil }),
            ("crit", .header, { $0["crit"] = .array([.string("exp")]) }),
            ("jwk", .header, { $0["jwk"] = attacker.verificationKey.jwk }),
            ("jku", .header, { $0["jku"] = .string("https://example.org/keys") }),
            ("x5u", .header, { $0["x5u"] = .string("https://example.org/chain") }),
            ("x5c", .header, { $0["x5c"] = .array([.string("AAAA")]) }),
            ("b64", .header, { $0["b64"] = .integer(0) }),
            ("zip", .header, { $0["zip"] = .string("DEF") }),
            ("cty", .header, { $0["cty"] = .string("JWT") }),
        ]
        #expect(cases.count == 22)
        for (name, expected, change) in cases {
            for key in [school.teacher, attacker] {
                let token = try school.token(header: change, by: key)
                #expect(try school.refusal(of: token) == expected, "\(name)")
            }
        }
    }

    @Test("no other kind of document passes for it", arguments: DocumentType.allCases)
    func types(type: DocumentType) throws {
        let school = try School()
        let token = try school.token(header: { $0["typ"] = .string(type.rawValue) })
        #expect(try school.refusal(of: token) == (type == .start ? nil : .header))
    }

    @Test("no byte of its claims can change under its signature")
    func resigned() throws {
        let school = try School()
        let trust = try school.trust()
        let parts = try school.token().split(separator: ".").map(String.init)
        var count = 0
        for (name, value) in try school.claims().members.sorted(by: { $0.key < $1.key }) {
            let changed = try school.claims().changed { claims in
                if case .integer(let number) = value {
                    claims[name] = .integer(number + 1)
                } else {
                    claims[name] = .string("AAAAAAAAAAAAAAAAAAAAAA")
                }
            }
            let token = parts[0] + "." + Base64URL.encode(changed.bytes) + "." + parts[2]
            let expected: Refusal.Reason = name == "card" ? .unknownCard : .signature
            #expect(try school.refusal(of: token, trust: trust) == expected, "\(name)")
            count += 1
        }
        #expect(count == 14)
    }

    @Test("every misspelling by one character is refused", arguments: SignatureAlgorithm.allCases)
    func misspelt(algorithm: SignatureAlgorithm) throws {
        let school = try School(teacher: algorithm)
        let trust = try school.trust()
        let good = Array(try school.token().utf8)
        #expect(try school.refusal(of: String(decoding: good, as: UTF8.self), trust: trust) == nil)
        let foreign = Array("=+/ \n\r\t.\0".utf8)
        var count = 0
        func expectRefused(_ bytes: [UInt8], _ what: String) throws {
            count += 1
            let reason = try school.refusal(
                of: String(decoding: bytes, as: UTF8.self),
                trust: trust
            )
            #expect(reason != nil, "\(what)")
        }
        for position in 0...good.count {
            for character in foreign {
                var inserted = good
                inserted.insert(character, at: position)
                try expectRefused(inserted, "\(character) before \(position)")
                guard position < good.count, good[position] != character else { continue }
                var replaced = good
                replaced[position] = character
                try expectRefused(replaced, "\(character) at \(position)")
            }
            guard position < good.count else { continue }
            var removed = good
            removed.remove(at: position)
            try expectRefused(removed, "without \(position)")
            for other in neighbours(of: good[position]) {
                var replaced = good
                replaced[position] = other
                try expectRefused(replaced, "\(other) at \(position)")
            }
        }
        // Nine foreign characters put in, nine set, one taken out, six bits turned; a full stop is
        // not set to itself and has no bits.
        #expect(count == 9 * (good.count + 1) + (9 + 1 + 6) * good.count - 2 * 7)
    }

    /// The six digits that differ from `digit` in one bit: among them, at the end of a part, those
    /// that differ in bits which stand for nothing.
    private func neighbours(of digit: UInt8) -> [UInt8] {
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8
        )
        guard let value = alphabet.firstIndex(of: digit) else { return [] }
        return (0..<6).map { alphabet[value ^ (1 << $0)] }
    }

    @Test("a token of the largest size is read and one byte more is not")
    func size() {
        let limit = CompactJWS.byteLimit
        let text = String(repeating: "A", count: limit)
        #expect(
            reason { () throws(Refusal) in _ = try CompactJWS(parsing: text, type: .start) }
                == .malformed
        )
        #expect(
            reason { () throws(Refusal) in _ = try CompactJWS(parsing: text + "A", type: .start) }
                == .oversized
        )
        let huge = String(repeating: "A", count: 1 << 20)
        #expect(
            reason { () throws(Refusal) in _ = try CompactJWS(parsing: huge, type: .start) }
                == .oversized
        )
        for text in ["", ".", "..", "...", "....", "a.b", "a.b.c.d"] {
            #expect(
                reason { () throws(Refusal) in _ = try CompactJWS(parsing: text, type: .start) }
                    != nil
            )
        }
    }
}
