import CryptoPrimitives
import Testing

@testable import Consent

/// The two orders that a teacher gives about what is the teacher's own.
enum OrderKind: CaseIterable, Sendable {
    case delete, revoke

    var type: DocumentType { self == .delete ? .delete : .revoke }
}

@Suite("An order", .serialized)
struct OrderVerificationTests {
    static let recording = "000102030405060708090a0b0c0d0e0f"
    let school: School
    let card: TeacherCard

    init() throws {
        school = try School()
        card = try TeacherCard(reading: school.card)
    }

    private func claims(_ kind: OrderKind, of school: School? = nil) -> CanonicalJSON {
        let school = school ?? self.school
        let box = school.box.verificationKey.thumbprint
        let nonce = Base64URL.encode(school.challenge.challenge)
        switch kind {
        case .delete:
            return DeleteOrder(
                audience: box,
                challenge: nonce,
                from: 2,
                to: 9,
                identifier: [UInt8](0..<16),
                recording: Self.recording,
                teacher: card.teacher
            ).payload
        case .revoke:
            return RevokeOrder(
                audience: box,
                challenge: nonce,
                identifier: [UInt8](0..<16),
                teacher: card.teacher
            ).payload
        }
    }

    private func header(_ kind: OrderKind, of key: SigningKey? = nil) -> CanonicalJSON {
        let key = (key ?? school.teacher).verificationKey
        return .object([
            "alg": .string(key.algorithm.rawValue), "kid": .string(key.thumbprint),
            "typ": .string(kind.type.rawValue),
        ])
    }

    private func text(
        _ kind: OrderKind,
        by key: SigningKey? = nil,
        _ change: (inout Members) -> Void = { _ in }
    ) throws -> String {
        try school.token(
            header: header(kind, of: key).bytes,
            claims: claims(kind).changed(change).bytes,
            by: key
        )
    }

    private func judge(
        _ kind: OrderKind,
        _ text: String,
        card: TeacherCard? = nil,
        challenge: Challenge?? = .none
    ) -> Refusal.Reason? {
        reason { () throws(Refusal) in
            let verification = OrderVerification(
                box: school.box.verificationKey.thumbprint,
                challenge: challenge ?? school.challenge
            )
            switch kind {
            case .delete:
                _ = try verification.verifyDelete(token: text, card: card ?? self.card)
            case .revoke:
                _ = try verification.verifyRevoke(token: text, card: card ?? self.card)
            }
        }
    }

    @Test("that everything is right about is obeyed, and read as it was signed")
    func good() throws {
        for kind in OrderKind.allCases { #expect(try judge(kind, text(kind)) == nil) }
        let verification = OrderVerification(
            box: school.box.verificationKey.thumbprint,
            challenge: school.challenge
        )
        let delete = try verification.verifyDelete(token: text(.delete), card: card)
        #expect((delete.from, delete.to, delete.recording) == (2, 9, Self.recording))
        #expect(!delete.isWhole)
        #expect(delete.payload == claims(.delete))
        let whole = try verification.verifyDelete(
            token: text(.delete) {
                $0["from"] = .integer(0)
                $0["to"] = .integer(0)
            },
            card: card
        )
        #expect(whole.isWhole)
        let revoke = try verification.verifyRevoke(token: text(.revoke), card: card)
        #expect(revoke.payload == claims(.revoke))
    }

    @Test("signed with ES256 is obeyed too, by a key of that kind alone")
    func ellipticCurve() throws {
        let other = try School(teacher: .es256)
        let card = try TeacherCard(reading: other.card)
        for kind in OrderKind.allCases {
            let text = try text(kind, by: other.teacher)
            #expect(judge(kind, text, card: card) == nil)
            #expect(judge(kind, text) == .unknownKey)
            let named = try school.token(
                header: header(kind, of: other.teacher).changed { $0["alg"] = .string("EdDSA") }
                    .bytes,
                claims: claims(kind).bytes,
                by: other.teacher
            )
            #expect(judge(kind, named, card: card) == .algorithm)
        }
    }

    @Test(
        "with one claim of another value is refused for that claim",
        arguments: OrderKind.allCases
    )
    func claims(kind: OrderKind) throws {
        let hash = Base64URL.encode([UInt8](repeating: 0, count: 32))
        let nonce = Base64URL.encode(school.challenge.challenge)
        var cases: [(String, CanonicalJSON, Refusal.Reason)] = [
            ("aud", .string(hash), .box), ("aud", .string(""), .box),
            ("aud", .string(school.box.verificationKey.thumbprint + "="), .box),
            ("challenge", .string(hash), .challenge), ("challenge", .string(""), .challenge),
            ("challenge", .string(nonce + "="), .challenge),
            ("challenge", .string(nonce + "A"), .challenge),
            ("jti", .string(""), .payload), ("jti", .string(nonce), .payload),
            ("sub", .string("cccccccccccccccccccccccccc"), .teacher),
            ("sub", .string(""), .teacher), ("sub", .string(card.teacher.uppercased()), .teacher),
            ("version", .integer(0), .version), ("version", .integer(2), .version),
            ("version", .string("1"), .payload),
        ]
        if kind == .delete {
            cases += [
                ("recording", .string(""), .payload),
                ("recording", .string(Self.recording + "0"), .payload),
                ("recording", .string(String(Self.recording.dropLast())), .payload),
                ("recording", .string("../" + Self.recording.dropFirst(3)), .payload),
                ("from", .integer(10), .payload), ("to", .integer(1), .payload),
                ("from", .string("2"), .payload),
            ]
        }
        for (name, value, expected) in cases {
            let text = try text(kind) { $0[name] = value }
            #expect(judge(kind, text) == expected, "\(name) \(value)")
        }
        #expect(cases.count == (kind == .delete ? 22 : 15))
        // A foreign claim, even one of another order.
        for name in ["card", "exp", "order", kind == .revoke ? "recording" : "kid"] {
            #expect(judge(kind, try text(kind) { $0[name] = .string("") }) == .payload)
        }
    }

    @Test("with its claims in any other spelling is refused", arguments: OrderKind.allCases)
    func claimSpelling(kind: OrderKind) throws {
        let variants = HostileJSON.variants(of: claims(kind))
        let count = claims(kind).members.count
        #expect(count == (kind == .delete ? 8 : 5))
        #expect(variants.count == count * HostileJSON.eachMember + HostileJSON.whole)
        for variant in variants {
            let text = try school.token(header: header(kind).bytes, claims: variant.bytes)
            #expect(judge(kind, text) != nil, "\(variant)")
        }
    }

    @Test("with its header in any other spelling is refused", arguments: OrderKind.allCases)
    func headerSpelling(kind: OrderKind) throws {
        let variants = HostileJSON.variants(of: header(kind))
        #expect(variants.count == 3 * HostileJSON.eachMember + HostileJSON.whole)
        for variant in variants {
            let text = try school.token(header: variant.bytes, claims: claims(kind).bytes)
            #expect(judge(kind, text) != nil, "\(variant)")
        }
        let key = school.teacher.verificationKey
        let cases: [(String, CanonicalJSON, Refusal.Reason)] = [
            ("alg", .string("none"), .algorithm), ("alg", .string("HS256"), .algorithm),
            ("alg", .string("eddsa"), .algorithm), ("alg", .string("ES256"), .algorithm),
            ("kid", .string(""), .unknownKey), ("kid", .string(key.thumbprint + "="), .unknownKey),
            ("kid", .string(school.box.verificationKey.thumbprint), .unknownKey),
            ("typ", .string("JWT"), .header), ("typ", .string(""), .header),
            ("crit", .array([]), .header), ("jwk", key.jwk, .header),
            ("b64", .string("false"), .header), ("cty", .string("x"), .header),
        ]
        for (name, value, expected) in cases {
            let text = try school.token(
                header: header(kind).changed { $0[name] = value }.bytes,
                claims: claims(kind).bytes
            )
            #expect(judge(kind, text) == expected, "\(name) \(value)")
        }
    }

    @Test("whose text is framed or encoded otherwise is refused", arguments: OrderKind.allCases)
    func framing(kind: OrderKind) throws {
        let good = try text(kind)
        let parts = good.split(separator: ".").map { String($0) }
        let last = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let end = try #require(good.last.flatMap { last.firstIndex(of: $0) })
        let texts: [(String, Refusal.Reason)] = [
            ("", .malformed), (".", .malformed), ("..", .header), (good + ".", .malformed),
            ("." + good, .malformed), (parts[0] + "." + parts[1], .malformed),
            (parts[0] + ".." + parts[2], .signature), (parts[0] + "." + parts[1] + ".", .signature),
            (good + "=", .notCanonical), (good + "\n", .notCanonical), (" " + good, .notCanonical),
            (String(good.dropLast()) + String(last[end ^ 1]), .notCanonical),
            (good + String(repeating: "A", count: 8192), .oversized),
            (parts[0] + "." + parts[1] + "." + String(repeating: "A", count: 86), .signature),
            (parts[1] + "." + parts[0] + "." + parts[2], .header),
        ]
        for (text, expected) in texts {
            #expect(judge(kind, text) == expected, "\(text.prefix(9))")
        }
    }

    @Test("of another teacher is not obeyed, whatever it says of itself")
    func anotherTeacher() throws {
        let colleague = try SigningKey.generate(.edDSA)
        for kind in OrderKind.allCases {
            #expect(judge(kind, try text(kind, by: colleague)) == .unknownKey)
            // The colleague's key under the teacher's name.
            let named = try school.token(
                header: header(kind).bytes,
                claims: claims(kind).bytes,
                by: colleague
            )
            #expect(judge(kind, named) == .signature)
            // A sound order of the colleague's own, held against the recording's card.
            let own = try text(kind, by: colleague) {
                $0["sub"] = .string("cccccccccccccccccccccccccc")
            }
            #expect(judge(kind, own) == .unknownKey)
            // Nor do the box's own key and the authorities' have a say.
            for key in [school.box] + school.authorityKeys {
                #expect(judge(kind, try text(kind, by: key)) == .unknownKey)
            }
        }
    }

    @Test("of one kind never passes for another, nor for a start, nor a start for it")
    func kinds() throws {
        let start = try school.token()
        let delete = try text(.delete)
        let revoke = try text(.revoke)
        #expect(judge(.delete, start) == .header)
        #expect(judge(.revoke, start) == .header)
        #expect(judge(.delete, revoke) == .header)
        #expect(judge(.revoke, delete) == .header)
        #expect(try school.refusal(of: delete) == .header)
        #expect(try school.refusal(of: revoke) == .header)
        // With the right header over the other's claims.
        #expect(
            judge(
                .delete,
                try school.token(header: header(.delete).bytes, claims: school.claims().bytes)
            )
                == .payload
        )
        #expect(
            judge(
                .revoke,
                try school.token(header: header(.revoke).bytes, claims: claims(.delete).bytes)
            )
                == .payload
        )
        #expect(
            judge(
                .delete,
                try school.token(header: header(.delete).bytes, claims: claims(.revoke).bytes)
            )
                == .payload
        )
        for kind in OrderKind.allCases {
            let token = try school.token(header: school.header.bytes, claims: claims(kind).bytes)
            #expect(try school.refusal(of: token) == .payload)
            for type in DocumentType.allCases where type != kind.type {
                let other = try school.token(
                    header: header(kind).changed { $0["typ"] = .string(type.rawValue) }.bytes,
                    claims: claims(kind).bytes
                )
                #expect(judge(kind, other) == .header)
            }
        }
    }

    @Test("is obeyed under a card that has expired, or whose agreement counts no more")
    func expired() throws {
        let old = try School.document(
            School.teacherCard(key: school.teacher, recipient: school.recipient).payload,
            as: .card,
            by: [school.teacher]
        ) { members in
            members["expires"] = .integer(1)
            members["trained"] = .integer(0)
        }
        let card = try TeacherCard(reading: old)
        for kind in OrderKind.allCases {
            #expect(judge(kind, try text(kind), card: card) == nil)
        }
    }

    @Test("answers the challenge of its own connection")
    func challenge() throws {
        let challenge = school.challenge
        let other = Challenge(
            box: challenge.box,
            boot: challenge.boot,
            challenge: [UInt8](repeating: 8, count: 32),
            log: challenge.log,
            record: challenge.record,
            revocations: 0,
            time: challenge.time,
            isTimeTrusted: true
        )
        for kind in OrderKind.allCases {
            let text = try text(kind)
            #expect(judge(kind, text, challenge: .some(nil)) == .challenge)
            #expect(judge(kind, text, challenge: other) == .challenge)
            #expect(judge(kind, text, challenge: challenge) == nil)
        }
    }
}
