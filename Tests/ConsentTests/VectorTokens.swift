import CryptoPrimitives
import Testing

@testable import Consent

/// Challenges, starts and orders.
extension VectorGenerator {
    /// A token over a header and claims, signed whatever they say.
    func token(
        _ header: CanonicalJSON,
        _ claims: CanonicalJSON,
        by name: String
    ) throws -> String {
        let start = Base64URL.encode(header.bytes) + "." + Base64URL.encode(claims.bytes)
        return start + "." + Base64URL.encode(try key(name).sign(Array(start.utf8)))
    }

    func header(_ name: String, _ type: DocumentType) throws -> CanonicalJSON {
        let key = try key(name).verificationKey
        return .object([
            "alg": .string(key.algorithm.rawValue), "kid": .string(key.thumbprint),
            "typ": .string(type.rawValue),
        ])
    }

    func challenge() throws -> Challenge {
        Challenge(
            box: try key("box").verificationKey.thumbprint,
            boot: "5f8c3b0e-0000-4000-8000-000000000000",
            challenge: SHA256.hash(Array("challenge".utf8)),
            log: School.log,
            record: try hash("room: good"),
            revocations: 0,
            time: Self.now,
            isTimeTrusted: true
        )
    }

    mutating func addChallenges() throws {
        let payload = try challenge().payload
        let header = try header("box", .challenge)
        let other = payload.changed {
            $0["challenge"] = .string(Base64URL.encode(SHA256.hash(Array("another".utf8))))
        }
        let good = try token(header, payload, by: "box")
        let cases: [(String, String, Refusal.Reason?)] = [
            ("challenge: good", good, nil),
            ("challenge: another", try token(header, other, by: "box"), nil),
            (
                "challenge: by a stranger",
                try token(self.header("stranger", .challenge), payload, by: "stranger"), .signature
            ),
            (
                "challenge: by a stranger as the box", try token(header, payload, by: "stranger"),
                .signature
            ),
            (
                "challenge: signed as a start",
                try token(self.header("box", .start), payload, by: "box"), .header
            ),
            (
                "challenge: short nonce",
                try token(header, payload.changed { $0["challenge"] = .string("AAAA") }, by: "box"),
                .payload
            ),
            ("challenge: padded", good + "==", .notCanonical),
        ]
        let context: Members = ["box": try key("box").verificationKey.jwk]
        for (name, input, reason) in cases { add(name, .challenge, input, context, reason) }
    }

    func startContext(_ change: (inout Members) -> Void = { _ in }) -> Members {
        var context = byAuthorities
        context["room"] = .string("room: good")
        context["cards"] = .array([.string("card: teacher"), .string("card: colleague")])
        context["challenge"] = .string("challenge: good")
        context["clock"] = .integer(Self.now)
        context["purpose"] = .string(School.details.purpose)
        context["salt"] = .string(School.details.salt)
        context["timeTrusted"] = .integer(1)
        context["used"] = .array([])
        change(&context)
        return context
    }

    func claims(_ teacher: String) throws -> CanonicalJSON {
        let challenge = try challenge()
        let letter = teacher == "teacher" ? "a" : "b"
        return StartToken(
            audience: challenge.box,
            cameras: ["board", "class"],
            microphones: ["desk"],
            card: try hash("card: \(teacher)"),
            challenge: Base64URL.encode(challenge.challenge),
            details: try #require(School.details.hash),
            duration: 600,
            identifier: [UInt8](0..<16),
            log: challenge.log,
            record: challenge.record,
            recipient: teacher == "teacher" ? teacherRecipient : colleagueRecipient,
            teacher: String(repeating: letter, count: 26)
        ).payload
    }

    mutating func addStarts() throws {
        for teacher in ["teacher", "colleague"] {
            let algorithm = try key(teacher).algorithm.rawValue
            let claims = try claims(teacher)
            let header = try header(teacher, .start)
            let good = try token(header, claims, by: teacher)
            func changed(_ change: (inout Members) -> Void) throws -> String {
                try token(header, claims.changed(change), by: teacher)
            }
            func headed(_ name: String, _ value: String) throws -> String {
                try token(header.changed { $0[name] = .string(value) }, claims, by: teacher)
            }
            let other = Base64URL.encode([UInt8](repeating: 0, count: 32))
            let wrong = algorithm == "EdDSA" ? "ES256" : "EdDSA"
            let cases: [(String, String, Refusal.Reason?)] = [
                ("good", good, nil),
                ("no microphone", try changed { $0["microphones"] = .string("") }, nil),
                ("padded", good + "==", .notCanonical),
                ("no signature", String(good.prefix { $0 != "." }), .malformed),
                ("the other algorithm", try headed("alg", wrong), .algorithm),
                ("algorithm none", try headed("alg", "none"), .algorithm),
                ("as an order", try headed("typ", "lenscap-delete+jwt"), .header),
                ("another key's name", try headed("kid", other), .cardKey),
                ("by a stranger", try token(header, claims, by: "stranger"), .signature),
                ("unknown card", try changed { $0["card"] = .string(other) }, .unknownCard),
                ("unknown claim", try changed { $0["exp"] = .integer(1) }, .payload),
                (
                    "another teacher",
                    try changed { $0["sub"] = .string(String(repeating: "c", count: 26)) }, .teacher
                ),
                ("another box", try changed { $0["aud"] = .string(other) }, .box),
                ("another record", try changed { $0["record"] = .string(other) }, .record),
                ("unknown source", try changed { $0["cameras"] = .string("ceiling") }, .sources),
                (
                    "sources not sorted", try changed { $0["cameras"] = .string("class,board") },
                    .sources
                ),
                (
                    "no source",
                    try changed {
                        $0["cameras"] = .string("")
                        $0["microphones"] = .string("")
                    }, .sources
                ),
                ("too short", try changed { $0["duration"] = .integer(59) }, .duration),
                ("too long", try changed { $0["duration"] = .integer(5401) }, .duration),
                ("nobody was told", try changed { $0["informed"] = .integer(0) }, .notInformed),
                ("another version", try changed { $0["version"] = .integer(2) }, .version),
                (
                    "unsound recipient", try changed { $0["recipient"] = .string("age1") },
                    .recipient
                ),
                ("other details", try changed { $0["details"] = .string(other) }, .details),
                ("another challenge", try changed { $0["challenge"] = .string(other) }, .challenge),
                ("another log", try changed { $0["log"] = .string("1:" + other) }, .log),
            ]
            // What concerns the claims is the same for either algorithm.
            let count = teacher == "teacher" ? cases.count : 11
            for (name, input, reason) in cases.prefix(count) {
                add("start \(algorithm): \(name)", .start, input, startContext(), reason)
            }
        }
        try addStartsInOtherContexts()
    }

    mutating func addStartsInOtherContexts() throws {
        let good = try token(header("teacher", .start), claims("teacher"), by: "teacher")
        let cases: [(String, Refusal.Reason?, (inout Members) -> Void)] = [
            (
                "used before", .replayed,
                {
                    $0["used"] = .array([.string("000102030405060708090a0b0c0d0e0f")])
                }
            ),
            (
                "challenge of another connection", .challenge,
                {
                    $0["challenge"] = .string("challenge: another")
                }
            ),
            ("no challenge", .challenge, { $0["challenge"] = nil }),
            ("key lost", .revoked, { $0["revocations"] = .string("revocations: lost") }),
            ("nobody's key lost", nil, { $0["revocations"] = .string("revocations: none") }),
            (
                "card not installed", .unknownCard,
                {
                    $0["cards"] = .array([.string("card: colleague")])
                }
            ),
            ("after the card's end", .expired, { $0["clock"] = .integer(Self.now + 100_000) }),
            (
                "clock far off and not trusted", nil,
                {
                    $0["clock"] = .integer(1)
                    $0["timeTrusted"] = .integer(0)
                }
            ),
            (
                "after the agreement's end", .agreement,
                {
                    $0["clock"] = .integer(Self.now + 1001)
                }
            ),
            ("other details beside it", .details, { $0["purpose"] = .string("coaching") }),
        ]
        for (name, reason, change) in cases {
            add("start: \(name)", .start, good, startContext(change), reason)
        }
    }

    mutating func addOrders() throws {
        let box = try key("box").verificationKey.thumbprint
        let nonce = Base64URL.encode(try challenge().challenge)
        let delete = DeleteOrder(
            audience: box,
            challenge: nonce,
            from: 0,
            to: 0,
            identifier: [UInt8](16..<32),
            recording: "000102030405060708090a0b0c0d0e0f",
            teacher: String(repeating: "a", count: 26)
        ).payload
        let revoke = RevokeOrder(
            audience: box,
            challenge: nonce,
            identifier: [UInt8](16..<32),
            teacher: String(repeating: "a", count: 26)
        ).payload
        for (kind, type, claims) in [
            (Vector.Kind.delete, DocumentType.delete, delete), (.revoke, .revoke, revoke),
        ] {
            try addOrders(kind, type, claims, box: box)
        }
        let context = orderContext(box)
        let header = try header("teacher", .delete)
        let stretch = delete.changed {
            $0["from"] = .integer(5)
            $0["to"] = .integer(9)
        }
        let backwards = delete.changed {
            $0["from"] = .integer(9)
            $0["to"] = .integer(5)
        }
        add("delete: a stretch", .delete, try token(header, stretch, by: "teacher"), context)
        add(
            "delete: backwards",
            .delete,
            try token(header, backwards, by: "teacher"),
            context,
            .payload
        )
    }

    func orderContext(
        _ box: String,
        _ change: (inout Members) -> Void = { _ in }
    ) -> Members {
        var context: Members = [
            "box": .string(box), "card": .string("card: teacher"),
            "challenge": .string("challenge: good"),
        ]
        change(&context)
        return context
    }

    mutating func addOrders(
        _ kind: Vector.Kind,
        _ type: DocumentType,
        _ claims: CanonicalJSON,
        box: String
    ) throws {
        let header = try header("teacher", type)
        let good = try token(header, claims, by: "teacher")
        func changed(_ name: String, _ value: CanonicalJSON) throws -> String {
            try token(header, claims.changed { $0[name] = value }, by: "teacher")
        }
        let other = Base64URL.encode([UInt8](repeating: 0, count: 32))
        let start = try input("start EdDSA: good")
        let colleague = try token(self.header("colleague", type), claims, by: "colleague")
        let crossed = try token(
            self.header("teacher", kind == .delete ? .revoke : .delete),
            claims,
            by: "teacher"
        )
        let cases: [(String, String, Refusal.Reason?)] = [
            ("good", good, nil), ("padded", good + "==", .notCanonical),
            ("a start", start, .header), ("as the other order", crossed, .header),
            ("by a colleague", colleague, .unknownKey),
            (
                "by a colleague as the teacher", try token(header, claims, by: "stranger"),
                .signature
            ),
            (
                "another teacher", try changed("sub", .string(String(repeating: "b", count: 26))),
                .teacher
            ),
            ("another box", try changed("aud", .string(other)), .box),
            ("another version", try changed("version", .integer(2)), .version),
            ("another challenge", try changed("challenge", .string(other)), .challenge),
            ("unknown claim", try changed("exp", .integer(1)), .payload),
        ]
        let context = orderContext(box)
        for (name, input, reason) in cases { add("\(kind): \(name)", kind, input, context, reason) }
        add(
            "\(kind): under an expired card",
            kind,
            good,
            orderContext(box) {
                $0["card"] = .string("card: expired")
            }
        )
        add(
            "\(kind): no challenge",
            kind,
            good,
            orderContext(box) { $0["challenge"] = nil },
            .challenge
        )
    }
}
