import CryptoPrimitives
import Testing

@testable import Consent

/// Makes the vectors.
///
/// ES256 signatures are made with fresh randomness, so the files are made once and checked in;
/// names, claims and expectations are the same each time.
struct VectorGenerator {
    static let now = School.now
    let keys: [String: SigningKey]
    let teacherRecipient: String
    let colleagueRecipient: String
    private(set) var vectors: [Vector] = []

    init() throws {
        keys = try VectorKeys.keys()
        teacherRecipient = try VectorKeys.recipient("teacher's identity")
        colleagueRecipient = try VectorKeys.recipient("colleague's identity")
        try addAuthorities()
        try addRooms()
        try addCards()
        try addRevocations()
        try addChallenges()
        try addStarts()
        try addOrders()
    }

    func key(_ name: String) throws -> SigningKey { try #require(keys[name]) }

    func input(_ name: String) throws -> String {
        try #require(vectors.first { $0.name == name }).input
    }

    mutating func add(
        _ name: String,
        _ kind: Vector.Kind,
        _ input: String,
        _ context: Members = [:],
        _ reason: Refusal.Reason? = nil
    ) {
        vectors.append(
            Vector(name: name, kind: kind, input: input, context: context, reason: reason)
        )
    }

    func document(
        _ payload: CanonicalJSON,
        as type: DocumentType,
        by signers: [String],
        _ change: (inout Members) -> Void = { _ in }
    ) throws -> String {
        let document = try School.document(
            payload,
            as: type,
            by: try signers.map { try key($0) },
            change
        )
        return String(decoding: document.bytes, as: UTF8.self)
    }

    func hash(_ name: String) throws -> String {
        try ThresholdDocument(parsing: Array(try input(name).utf8)).hash
    }

    /// The same document with the last byte of its first signature changed.
    func spoilt(_ document: String) throws -> String {
        let value = try CanonicalJSON(parsing: Array(document.utf8))
        guard case .array(var signatures)? = value.members["signatures"],
            case .string(let text)? = signatures[0].members["signature"],
            var bytes = Base64URL.decode(text)
        else { return "" }
        bytes[63] ^= 1
        signatures[0] = signatures[0].changed {
            $0["signature"] = .string(Base64URL.encode(bytes))
        }
        let other = value.changed { $0["signatures"] = .array(signatures) }
        return String(decoding: other.bytes, as: UTF8.self)
    }

    // MARK: Documents

    static let council = ["registrar", "representative", "protection"]

    mutating func addAuthorities() throws {
        let members = try zip(Self.council, Council.roles).map {
            Authorities.Member(key: try key($0).verificationKey, role: $1)
        }
        let payload = Authorities.payload(
            members: members,
            threshold: 2,
            sequence: 1,
            issued: Self.now - 1000
        )
        func made(
            _ signers: [String],
            as type: DocumentType = .authorities,
            _ change: (inout Members) -> Void = { _ in }
        ) throws -> String { try document(payload, as: type, by: signers, change) }
        let good = try made(Self.council)
        let two = try made(["registrar", "representative"])
        let low = CanonicalJSON.object([
            "crv": .string("Ed25519"), "kty": .string("OKP"),
            "x": .string(Base64URL.encode([UInt8](repeating: 0, count: 32))),
        ])
        let weak = CanonicalJSON.object(["key": low, "role": .string("registrar")])
        let cases: [(String, String, Refusal.Reason?)] = [
            ("authorities: all signed", good, nil), ("authorities: enough signed", two, nil),
            ("authorities: one short", try made(["registrar"]), .quorum),
            ("authorities: one twice", try made(["registrar", "registrar"]), .quorum),
            ("authorities: a stranger too", try made(Self.council + ["stranger"]), .unknownKey),
            ("authorities: a bad signature", try spoilt(good), .signature),
            ("authorities: signed as a room", try made(Self.council, as: .room), .header),
            (
                "authorities: key of low order",
                try made(["registrar"]) { $0["keys"] = .array([weak]) }, .payload
            ),
            (
                "authorities: threshold too high",
                try made(Self.council) { $0["threshold"] = .integer(4) }, .payload
            ),
            (
                "authorities: unknown member", try made(Self.council) { $0["more"] = .integer(1) },
                .payload
            ),
            ("authorities: white space", " " + two, .malformed),
            ("authorities: line feed at the end", two + "\n", .malformed),
        ]
        for (name, input, reason) in cases { add(name, .authorities, input, [:], reason) }
    }

    var byAuthorities: Members { ["authorities": .string("authorities: enough signed")] }

    mutating func addRooms() throws {
        let payload = School.roomRecord(
            box: try key("box"),
            authorities: try hash("authorities: enough signed")
        ).payload
        func made(
            _ signers: [String] = ["registrar", "representative"],
            _ change: (inout Members) -> Void = { _ in }
        ) throws -> String { try document(payload, as: .room, by: signers, change) }
        let good = try made()
        let other = Base64URL.encode([UInt8](repeating: 0, count: 32))
        let cases: [(String, String, Refusal.Reason?)] = [
            ("room: good", good, nil),
            ("room: one short", try made(["protection"]), .quorum),
            ("room: signed by its box too", try made(Self.council + ["box"]), .unknownKey),
            ("room: a bad signature", try spoilt(good), .signature),
            (
                "room: of other authorities", try made { $0["authorities"] = .string(other) },
                .record
            ),
            (
                "room: source names not sorted",
                try made { members in
                    guard case .array(let sources)? = members["sources"] else { return }
                    members["sources"] = .array(sources.reversed())
                }, .payload
            ),
            (
                "room: too long a lesson", try made { $0["maxDuration"] = .integer(86_401) },
                .payload
            ),
        ]
        for (name, input, reason) in cases { add(name, .room, input, byAuthorities, reason) }
    }

    func cardPayload(_ teacher: String) throws -> CanonicalJSON {
        let recipient = teacher == "teacher" ? teacherRecipient : colleagueRecipient
        return School.teacherCard(key: try key(teacher), recipient: recipient).payload.changed {
            let letter = teacher == "teacher" ? "a" : "b"
            $0["teacher"] = .string(String(repeating: letter, count: 26))
        }
    }

    mutating func addCards() throws {
        func made(
            _ signers: [String] = ["teacher", "registrar", "protection"],
            of teacher: String = "teacher",
            _ change: (inout Members) -> Void = { _ in }
        ) throws -> String {
            try document(cardPayload(teacher), as: .card, by: signers, change)
        }
        let low = Bech32.encode(prefix: "age", [UInt8](repeating: 0, count: 32))
        let cases: [(String, String, Refusal.Reason?)] = [
            ("card: teacher", try made(), nil),
            (
                "card: colleague",
                try made(["colleague", "registrar", "protection"], of: "colleague"), nil
            ),
            ("card: expired", try made { $0["expires"] = .integer(Self.now) }, nil),
            ("card: not signed by its teacher", try made(["registrar", "protection"]), .signature),
            ("card: one short", try made(["teacher", "registrar"]), .quorum),
            (
                "card: signed by a stranger too",
                try made(["teacher", "registrar", "protection", "stranger"]), .unknownKey
            ),
            (
                "card: recipient of low order",
                try made { $0["recipients"] = .array([.string(low)]) }, .recipient
            ),
            (
                "card: recipient in upper case",
                try made { $0["recipients"] = .array([.string(teacherRecipient.uppercased())]) },
                .recipient
            ),
            ("card: with a name", try made { $0["name"] = .string("A. Teacher") }, .payload),
            ("card: pseudonym too short", try made { $0["teacher"] = .string("aaaa") }, .payload),
        ]
        for (name, input, reason) in cases { add(name, .card, input, byAuthorities, reason) }
    }

    mutating func addRevocations() throws {
        func made(
            _ signers: [String],
            _ entries: [Revocations.Entry],
            _ change: (inout Members) -> Void = { _ in }
        ) throws -> String {
            try document(
                Revocations.payload(entries: entries, sequence: 1, issued: Self.now - 500),
                as: .revocations,
                by: signers,
                change
            )
        }
        let lost = Revocations.Entry.lost(try key("teacher"))
        let left = Revocations.Entry.left(try key("teacher"), grace: 14)
        let two = ["registrar", "protection"]
        let cases: [(String, String, Refusal.Reason?)] = [
            ("revocations: none", try made(two, []), nil),
            ("revocations: lost", try made(two, [lost]), nil),
            ("revocations: left", try made(["registrar", "representative"], [left]), nil),
            ("revocations: left, without the representative", try made(two, [left]), .quorum),
            ("revocations: one short", try made(["representative"], [lost]), .quorum),
            ("revocations: a bad signature", try spoilt(made(two, [lost])), .signature),
            ("revocations: a key twice", try made(two, [lost, left]), .payload),
            ("revocations: a stranger too", try made(two + ["stranger"], [lost]), .unknownKey),
        ]
        for (name, input, reason) in cases { add(name, .revocations, input, byAuthorities, reason) }
    }
}
