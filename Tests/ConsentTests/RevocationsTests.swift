import CryptoPrimitives
import Testing

@testable import Consent

@Suite("Revocations")
struct RevocationsTests {
    let council: Council
    let authorities: Authorities
    let teacher: SigningKey

    init() throws {
        council = try Council()
        authorities = try council.authorities()
        teacher = try SigningKey.generate(.edDSA)
    }

    private func judge(_ document: ThresholdDocument) -> Refusal.Reason? {
        reason { () throws(Refusal) in
            _ = try Revocations(verifying: document, by: authorities)
        }
    }

    @Test("count when enough authorities signed, whichever they are, where a key was lost")
    func quorum() throws {
        for (signers, expected) in [
            ([], Refusal.Reason.quorum), ([0], .quorum), ([1, 1], .quorum), ([0, 2], nil),
            ([0, 1], nil), ([1, 2], nil), ([0, 1, 2], nil),
        ] {
            let document = try council.revocations([.lost(teacher)], by: signers)
            #expect(judge(document) == expected, "\(signers)")
        }
    }

    @Test("of a teacher who has left need the representative among the signers")
    func left() throws {
        for (signers, expected) in [
            ([0, 2], Refusal.Reason.quorum), ([1], .quorum), ([1, 1], .quorum),
            ([0, 0, 2], .quorum), ([0, 1], nil), ([1, 2], nil), ([2, 1, 0], nil),
        ] {
            for entries in [
                [Revocations.Entry.left(teacher, grace: 5)],
                [.lost(try SigningKey.generate(.es256)), .left(teacher, grace: 0)],
            ] {
                let document = try council.revocations(entries, by: signers)
                #expect(judge(document) == expected, "\(signers)")
            }
        }
    }

    @Test("are rejected whole for one signature that is unknown, bad or of another kind")
    func oneBad() throws {
        let payload = Revocations.payload(entries: [.lost(teacher)], sequence: 1, issued: 1)
        func by(
            _ keys: [SigningKey],
            as type: DocumentType = .revocations
        ) throws
            -> ThresholdDocument
        { try School.document(payload, as: type, by: keys) }
        #expect(judge(try by(council.keys)) == nil)
        #expect(judge(try by(council.keys + [teacher])) == .unknownKey)
        #expect(judge(try by([teacher] + council.keys)) == .unknownKey)
        for type in DocumentType.allCases where type != .revocations {
            #expect(judge(try by(council.keys, as: type)) == .header, "\(type)")
        }
        var mixed = try by(Array(council.keys.prefix(2)))
        try mixed.sign(as: .room, with: council.keys[2])
        #expect(judge(mixed) == .header)
        let other = try School.document(
            Revocations.payload(entries: [], sequence: 1, issued: 1),
            as: .revocations,
            by: council.keys
        )
        let good = try CanonicalJSON(parsing: by(council.keys).bytes)
        let swapped = good.changed {
            $0["payload"] = .string(Base64URL.encode(other.payload))
        }
        #expect(judge(try ThresholdDocument(parsing: swapped.bytes)) == .signature)
    }

    @Test("name each key once, with a known reason and a grace in days")
    func entries() throws {
        func entry(_ change: (inout Members) -> Void) -> CanonicalJSON {
            CanonicalJSON.object([
                "grace": .integer(3), "kid": .string(teacher.verificationKey.thumbprint),
                "reason": .string("lost"),
            ]).changed(change)
        }
        func judge(_ entries: [CanonicalJSON]) throws -> Refusal.Reason? {
            let document = try council.revocations { $0["revocations"] = .array(entries) }
            return self.judge(document)
        }
        #expect(try judge([]) == nil)
        #expect(try judge([entry { _ in }]) == nil)
        #expect(try judge([entry { $0["grace"] = .integer(3650) }]) == nil)
        #expect(try judge([entry { _ in }, entry { _ in }]) == .payload)
        #expect(
            try judge([entry { _ in }, entry { $0["reason"] = .string("left") }]) == .payload
        )
        for value in [CanonicalJSON.integer(3651), .string("3"), .array([]), .object([:])] {
            #expect(try judge([entry { $0["grace"] = value }]) == .payload)
        }
        for text in ["", "Lost", "stolen", "left ", "expired"] {
            #expect(try judge([entry { $0["reason"] = .string(text) }]) == .payload)
        }
        for name in ["grace", "kid", "reason"] {
            #expect(try judge([entry { $0[name] = nil }]) == .payload)
        }
        #expect(try judge([entry { $0["name"] = .string("") }]) == .payload)
        #expect(try judge([.string("kid"), .integer(1)]) == .payload)
        let many = (0..<4097).map { number in entry { $0["kid"] = .string("\(number)") } }
        // So many do not fit a document that is read from bytes either.
        #expect(try judge(many) == .payload)
        #expect(try judge(Array(many.prefix(4096))) == nil)
    }

    @Test("in any other spelling are none")
    func spelling() throws {
        let good = Revocations.payload(entries: [.lost(teacher)], sequence: 2, issued: 1)
        let variants = HostileJSON.variants(of: good)
        #expect(variants.count == 3 * HostileJSON.eachMember + HostileJSON.whole)
        for variant in variants {
            let found = reason { () throws(Refusal) in
                let bytes = CanonicalJSON.object([
                    "payload": .string(Base64URL.encode(variant.bytes)), "signatures": .array([]),
                ]).bytes
                _ = try Revocations(reading: try ThresholdDocument(parsing: bytes))
            }
            // An empty list of them is a document too, the one value that may take another's place.
            if variant.description == "\"revocations\" is []" {
                #expect(found == nil)
            } else {
                #expect(found != nil, "\(variant)")
            }
        }
    }

    @Test("are read as they were written")
    func roundTrip() throws {
        let other = try SigningKey.generate(.es256)
        let entries: [Revocations.Entry] = [.lost(teacher), .left(other, grace: 14)]
        let document = try council.revocations(entries, sequence: 7, issued: 9)
        let read = try Revocations(verifying: document, by: authorities)
        #expect(read.entries == entries)
        #expect((read.sequence, read.issued, read.hash) == (7, 9, document.hash))
        #expect(read.entry(for: other.verificationKey.thumbprint)?.grace == 14)
        #expect(read.entry(for: "") == nil)
    }
}

@Suite("A revoked key")
struct RevokedKeyTests {
    let council: Council
    let box: SigningKey
    let teacher: SigningKey

    init() throws {
        council = try Council()
        box = try SigningKey.generate(.edDSA)
        teacher = try SigningKey.generate(.edDSA)
    }

    private func trust(
        _ entries: [Revocations.Entry] = [],
        cards: [ThresholdDocument] = [],
        own: Set<String> = [],
        _ change: (inout Members) -> Void = { _ in }
    ) throws -> Trust {
        try Trust(
            TrustFiles(
                authorities: council.document.bytes,
                room: try council.room(box, change).bytes,
                revocations: try council.revocations(entries, issued: School.now).bytes,
                cards: cards.enumerated().map { ("\($0.offset).json", $0.element.bytes) },
                ownRevocations: own
            )
        )
    }

    @Test("is revoked by the authorities, lost or left, or by its own teacher, and no other is")
    func isRevoked() throws {
        let other = try SigningKey.generate(.edDSA)
        let key = teacher.verificationKey.thumbprint
        for trust in [
            try trust([.lost(teacher)]), try trust([.left(teacher, grace: 9)]),
            try trust(own: [key]),
        ] {
            #expect(trust.isRevoked(key))
            #expect(!trust.isRevoked(other.verificationKey.thumbprint))
            #expect(!trust.isRevoked(""))
        }
        #expect(try !trust().isRevoked(key))
    }

    @Test("starts nothing")
    func start() throws {
        let school = try School()
        func refusal(own: Set<String>, revoked: Bool) throws -> Refusal.Reason? {
            var files = TrustFiles(
                authorities: school.authorities.bytes,
                room: school.room.bytes,
                cards: [("a.json", school.card.bytes)],
                ownRevocations: own
            )
            if revoked {
                files.revocations = try School.document(
                    Revocations.payload(entries: [.lost(school.teacher)], sequence: 1, issued: 1),
                    as: .revocations,
                    by: school.authorityKeys
                ).bytes
            }
            return try school.refusal(of: try school.token(), trust: try Trust(files))
        }
        #expect(try refusal(own: [], revoked: false) == nil)
        #expect(try refusal(own: [], revoked: true) == .revoked)
        let key = school.teacher.verificationKey.thumbprint
        #expect(try refusal(own: [key], revoked: false) == .revoked)
        #expect(try refusal(own: ["other"], revoked: false) == nil)
    }

    @Test("that a card of the same teacher replaces has no live card, whichever is read first")
    func replaces() throws {
        let new = try SigningKey.generate(.es256)
        let old = try council.card(teacher)
        let next = try council.card(new, issued: School.now - 1) {
            $0["replaces"] = .string(teacher.verificationKey.thumbprint)
        }
        for cards in [[old, next], [next, old]] {
            let trust = try trust(cards: cards)
            #expect(trust.card(hash: old.hash) == nil)
            #expect(trust.card(keyIdentifier: teacher.verificationKey.thumbprint) == nil)
            #expect(trust.card(hash: next.hash) != nil)
            #expect(trust.card(keyIdentifier: new.verificationKey.thumbprint) != nil)
        }
        // What another teacher's card says of it does not matter.
        let stranger = try council.card(new) {
            $0["replaces"] = .string(teacher.verificationKey.thumbprint)
            $0["teacher"] = .string("zzzzzzzzzzzzzzzzzzzzzzzzzz")
        }
        let both = try trust(cards: [old, stranger])
        #expect(both.card(hash: old.hash) != nil)
        #expect(both.card(hash: stranger.hash) != nil)
        // A chain of three leaves the last; two that replace each other leave none.
        let third = try SigningKey.generate(.edDSA)
        let last = try council.card(third) {
            $0["replaces"] = .string(new.verificationKey.thumbprint)
        }
        for cards in [[old, next, last], [last, next, old], [next, last, old]] {
            let trust = try trust(cards: cards)
            #expect(
                [old, next, last].map { trust.card(hash: $0.hash) != nil } == [false, false, true]
            )
        }
        let back = try council.card(teacher) {
            $0["replaces"] = .string(new.verificationKey.thumbprint)
        }
        let circle = try trust(cards: [next, back])
        #expect(circle.card(hash: next.hash) == nil && circle.card(hash: back.hash) == nil)
    }
}

@Suite("What was not sent")
struct RetentionTests {
    let council: Council
    let box: SigningKey
    let teacher: SigningKey
    static let day: Int64 = 86_400

    init() throws {
        council = try Council()
        box = try SigningKey.generate(.edDSA)
        teacher = try SigningKey.generate(.edDSA)
    }

    /// Whether a recording that ended at 0 goes at `now`.
    private func judge(
        _ entries: [Revocations.Entry]?,
        unsentDays: Int64 = 0,
        ended: Int64 = School.now,
        at now: Int64,
        isTrusted: Bool = true
    ) throws -> String? {
        let trust = try Trust(
            TrustFiles(
                authorities: council.document.bytes,
                room: try council.room(box) { $0["unsentDays"] = .integer(unsentDays) }.bytes,
                revocations: try entries.map {
                    try council.revocations($0, issued: School.now).bytes
                }
            )
        )
        return Retention(trust: trust).reasonToRemove(
            keyIdentifier: teacher.verificationKey.thumbprint,
            ended: ended,
            time: JudgementTime(clock: now, isTrusted: isTrusted, floor: trust.floor)
        )
    }

    @Test("goes when its teacher has left and the grace is over, to the second")
    func left() throws {
        let end = School.now + 14 * Self.day
        #expect(try judge([.left(teacher, grace: 14)], at: end - 1) == nil)
        #expect(try judge([.left(teacher, grace: 14)], at: end) == "left")
        #expect(try judge([.left(teacher, grace: 0)], at: School.now) == "left")
        #expect(try judge([.lost(teacher)], at: end * 2) == nil)
        let other = try SigningKey.generate(.edDSA)
        #expect(try judge([.left(other, grace: 0)], at: end) == nil)
        #expect(try judge(nil, at: end) == nil)
    }

    @Test("goes after the room's limit, and never where there is none")
    func unsent() throws {
        let end = School.now + 30 * Self.day
        #expect(try judge(nil, unsentDays: 30, at: end - 1) == nil)
        #expect(try judge(nil, unsentDays: 30, at: end) == "unsent")
        #expect(try judge(nil, unsentDays: 0, at: end * 100) == nil)
        #expect(try judge([.lost(teacher)], unsentDays: 30, at: end) == "unsent")
        #expect(try judge([.left(teacher, grace: 3650)], unsentDays: 30, at: end) == "unsent")
        // Dates as large as they can be written do not overflow.
        let last = CanonicalJSON.maximumInteger
        #expect(try judge(nil, unsentDays: 3650, ended: last, at: last) == nil)
    }

    @Test("stays while nothing keeps the clock right")
    func untrusted() throws {
        for now in [0, School.now, School.now * 2] {
            #expect(
                try judge(
                    [.left(teacher, grace: 0)],
                    unsentDays: 1,
                    ended: 0,
                    at: now,
                    isTrusted: false
                )
                    == nil
            )
        }
        #expect(try judge([.left(teacher, grace: 0)], unsentDays: 1, ended: 0, at: 0) == "left")
    }
}
