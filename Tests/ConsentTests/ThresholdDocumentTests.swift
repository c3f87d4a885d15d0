import CryptoPrimitives
import Testing

@testable import Consent

@Suite("A document under several signatures")
struct ThresholdDocumentTests {
    private func judge(
        _ school: School,
        room document: ThresholdDocument
    ) throws
        -> Refusal.Reason?
    {
        let authorities = try Authorities(verifying: school.authorities)
        return reason { () throws(Refusal) in
            _ = try RoomRecord(verifying: document, by: authorities)
        }
    }

    private func judge(
        _ school: School,
        card document: ThresholdDocument
    ) throws
        -> Refusal.Reason?
    {
        let authorities = try Authorities(verifying: school.authorities)
        return reason { () throws(Refusal) in
            _ = try TeacherCard(verifying: document, by: authorities)
        }
    }

    private func room(
        _ school: School,
        by keys: [SigningKey],
        as type: DocumentType = .room
    )
        throws -> ThresholdDocument
    {
        try School.document(
            School.roomRecord(box: school.box, authorities: school.authorities.hash).payload,
            as: type,
            by: keys
        )
    }

    private func card(_ school: School, by keys: [SigningKey]) throws -> ThresholdDocument {
        try School.document(
            School.teacherCard(key: school.teacher, recipient: school.recipient).payload,
            as: .card,
            by: keys
        )
    }

    @Test("counts as soon as enough authorities signed, whichever they are")
    func quorum() throws {
        let school = try School(authorities: 3, threshold: 2)
        let keys = school.authorityKeys
        for (signers, expected) in [
            ([], Refusal.Reason.quorum), ([0], .quorum), ([2], .quorum),
            ([0, 1], nil), ([1, 2], nil), ([2, 0], nil), ([0, 1, 2], nil),
            ([0, 0], .quorum), ([1, 1, 1], .quorum), ([0, 0, 1], nil),
        ] {
            let document = try room(school, by: signers.map { keys[$0] })
            #expect(try judge(school, room: document) == expected, "\(signers)")
        }
    }

    @Test("is rejected whole for one signature that is unknown or bad among good ones")
    func oneBad() throws {
        let school = try School(authorities: 3, threshold: 2)
        let keys = school.authorityKeys
        let stranger = try SigningKey.generate(.es256)
        #expect(try judge(school, room: room(school, by: keys + [stranger])) == .unknownKey)
        #expect(try judge(school, room: room(school, by: [stranger] + keys)) == .unknownKey)
        #expect(try judge(school, room: room(school, by: [school.box] + keys)) == .unknownKey)
        #expect(try judge(school, room: room(school, by: [school.teacher] + keys)) == .unknownKey)
        let good = try room(school, by: keys)
        for index in 0..<3 {
            let altered = try alteringSignature(index, of: good)
            #expect(try judge(school, room: altered) == .signature)
        }
        #expect(try judge(school, room: room(school, by: keys, as: .card)) == .header)
        var mixed = try room(school, by: Array(keys.prefix(2)))
        try mixed.sign(as: .authorities, with: keys[2])
        #expect(try judge(school, room: mixed) == .header)
    }

    @Test("names a key's own algorithm in each header")
    func algorithm() throws {
        let school = try School(authorities: 3, threshold: 2)
        let good = try CanonicalJSON(parsing: room(school, by: school.authorityKeys).bytes)
        var signatures = try #require(signatureMembers(of: good))
        var header = try CanonicalJSON(parsing: bytes(signatures[0]["protected"])).members
        header["alg"] = .string("ES256")
        signatures[0]["protected"] = .string(Base64URL.encode(CanonicalJSON.object(header).bytes))
        let altered = good.changed { $0["signatures"] = .array(signatures.map { .object($0) }) }
        let document = try ThresholdDocument(parsing: altered.bytes)
        #expect(try judge(school, room: document) == .algorithm)
    }

    @Test("of a teacher needs the teacher's own signature and never counts it")
    func ownSignature() throws {
        let school = try School(authorities: 3, threshold: 2)
        let keys = school.authorityKeys
        #expect(try judge(school, card: card(school, by: keys)) == .signature)
        #expect(try judge(school, card: card(school, by: [school.teacher])) == .quorum)
        #expect(try judge(school, card: card(school, by: [school.teacher, keys[0]])) == .quorum)
        #expect(
            try judge(school, card: card(school, by: [school.teacher, keys[0], keys[1]])) == nil
        )
        #expect(
            try judge(school, card: card(school, by: [keys[1], school.teacher, keys[2]])) == nil
        )
    }

    @Test("of a teacher who is an authority needs as many others")
    func teacherAmongAuthorities() throws {
        let school = try School(authorities: 3, threshold: 2)
        let keys = school.authorityKeys
        func own(by signers: [Int]) throws -> ThresholdDocument {
            try School.document(
                School.teacherCard(key: keys[0], recipient: school.recipient).payload,
                as: .card,
                by: signers.map { keys[$0] }
            )
        }
        #expect(try judge(school, card: own(by: [0])) == .quorum)
        #expect(try judge(school, card: own(by: [0, 1])) == .quorum)
        #expect(try judge(school, card: own(by: [0, 0, 1])) == .quorum)
        #expect(try judge(school, card: own(by: [0, 1, 2])) == nil)
    }

    @Test("without its quorum is no card that a token could name, and leaves the others be")
    func rejectedCard() throws {
        let school = try School(authorities: 3, threshold: 2)
        let poor = try School.document(
            School.teacherCard(key: school.box, recipient: school.recipient).payload,
            as: .card,
            by: [school.box, school.authorityKeys[0]]
        )
        let trust = try school.trust(cards: [poor, school.card])
        #expect(trust.rejectedCards.map(\.name) == ["0.json"])
        #expect(trust.rejectedCards.map(\.refusal.reason) == [.quorum])
        #expect(trust.card(hash: poor.hash) == nil)
        #expect(try school.refusal(of: school.token(), trust: trust) == nil)
        let token = try school.token(claims: { $0["card"] = .string(poor.hash) })
        #expect(try school.refusal(of: token, trust: trust) == .unknownCard)
    }

    @Test("of a room belongs to the authorities that it names")
    func otherAuthorities() throws {
        let school = try School(room: {
            $0["authorities"] = .string(Base64URL.encode([UInt8](repeating: 0, count: 32)))
        })
        #expect(try judge(school, room: school.room) == .record)
    }

    @Test("of authorities is signed by enough of them, names each key once, asks for no more")
    func authorities() throws {
        let keys = try (0..<3).map { _ in try SigningKey.generate(.edDSA) }
        func judge(
            _ members: [Int],
            threshold: Int,
            by signers: [Int],
            _ change: (inout Members) -> Void = { _ in }
        ) throws -> Refusal.Reason? {
            let document = try School.document(
                Authorities.payload(
                    members: members.map {
                        Authorities.Member(key: keys[$0].verificationKey, role: .protection)
                    },
                    threshold: threshold,
                    sequence: 1,
                    issued: 1
                ),
                as: .authorities,
                by: signers.map { keys[$0] },
                change
            )
            return reason { () throws(Refusal) in _ = try Authorities(verifying: document) }
        }
        #expect(try judge([0, 1, 2], threshold: 2, by: [0, 2]) == nil)
        #expect(try judge([0, 1, 2], threshold: 2, by: [0]) == .quorum)
        #expect(try judge([0, 1], threshold: 2, by: [0, 2]) == .unknownKey)
        #expect(try judge([0, 0], threshold: 1, by: [0]) == .payload)
        #expect(try judge([0], threshold: 2, by: [0]) == .payload)
        #expect(try judge([0], threshold: 0, by: [0]) == .payload)
        #expect(try judge([], threshold: 1, by: []) == .payload)
        #expect(try judge([0], threshold: 1, by: [0]) { $0["keys"] = .array([]) } == .payload)
        let role = CanonicalJSON.object([
            "key": keys[0].verificationKey.jwk, "role": .string("technician"),
        ])
        #expect(try judge([0], threshold: 1, by: [0]) { $0["keys"] = .array([role]) } == .payload)
    }

    @Test(
        "refuses keys of low order, off their curve and of unknown kinds",
        arguments: [
            #"{"crv":"Ed25519","kty":"OKP","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#,
            #"{"crv":"Ed25519","kty":"OKP","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#,
            #"{"crv":"Ed25519","kty":"OKP","x":"7P_______________________________________38"}"#,
            #"{"crv":"Ed25519","kty":"OKP","x":""}"#,
            #"{"crv":"X25519","kty":"OKP","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#,
            #"{"crv":"P-256","kty":"EC","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#,
            #"{"crv":"P-384","kty":"EC","x":"AA","y":"AA"}"#,
            #"{"k":"AAAA","kty":"oct"}"#,
            #"{"e":"AQAB","kty":"RSA","n":"AAAA"}"#,
            #"{}"#,
        ]
    )
    func keys(jwk: String) throws {
        let value = try CanonicalJSON(parsing: Array(jwk.utf8))
        let school = try School(card: { $0["key"] = value })
        #expect(try school.trust().rejectedCards.map(\.refusal.reason) == [.payload])
    }

    @Test("has one spelling")
    func spelling() throws {
        let good = try School().card
        let read = try ThresholdDocument(parsing: good.bytes)
        #expect(read.bytes == good.bytes)
        #expect(read.hash == good.hash)
        let variants = HostileJSON.variants(of: try CanonicalJSON(parsing: good.bytes))
        #expect(variants.count == 2 * HostileJSON.eachMember + HostileJSON.whole)
        for variant in variants {
            // No signatures at all is a document that nobody has signed yet.
            if variant.description == "\"signatures\" is []" { continue }
            let expected: Refusal.Reason =
                variant.bytes.count > ThresholdDocument.byteLimit ? .oversized : .malformed
            let reason = reason { () throws(Refusal) in
                _ = try ThresholdDocument(parsing: variant.bytes)
            }
            #expect(reason == expected, "\(variant)")
        }
    }

    @Test("holds a signature of 64 bytes under a header, and nothing else beside them")
    func signatureSpelling() throws {
        let good = try CanonicalJSON(parsing: School().room.bytes)
        let signature = try #require(signatureMembers(of: good)?.first)
        let variants = HostileJSON.variants(of: .object(signature))
        #expect(variants.count == 73)
        for variant in variants {
            let document =
                Array("{\"payload\":\"e30\",\"signatures\":[".utf8) + variant.bytes
                + Array("]}".utf8)
            // An empty element is an empty list; a doubled bracket closes early.
            if variant.bytes.isEmpty { continue }
            #expect(
                reason { () throws(Refusal) in _ = try ThresholdDocument(parsing: document) }
                    != nil,
                "\(variant)"
            )
        }
        for count in [0, 1, 63, 65, 72, 128] {
            let altered = good.changed { members in
                var signature = signature
                signature["signature"] = .string(
                    Base64URL.encode([UInt8](repeating: 1, count: count))
                )
                members["signatures"] = .array([.object(signature)])
            }
            #expect(
                reason { () throws(Refusal) in _ = try ThresholdDocument(parsing: altered.bytes) }
                    == .malformed
            )
        }
        let many = good.changed {
            $0["signatures"] = .array([CanonicalJSON](repeating: .object(signature), count: 129))
        }
        #expect(
            reason { () throws(Refusal) in _ = try ThresholdDocument(parsing: many.bytes) }
                == .malformed
        )
    }

    @Test("of the largest size is read and one byte more is not")
    func size() {
        let bytes = [UInt8](repeating: 0x7B, count: ThresholdDocument.byteLimit)
        #expect(
            reason { () throws(Refusal) in _ = try ThresholdDocument(parsing: bytes) }
                == .malformed
        )
        #expect(
            reason { () throws(Refusal) in _ = try ThresholdDocument(parsing: bytes + [0x7B]) }
                == .oversized
        )
    }

    @Test("holds ASCII text only")
    func ascii() {
        #expect(
            reason { () throws(Refusal) in
                _ = try ThresholdDocument(payload: .object(["room": .string("Caffi Té")]))
            } == .payload
        )
    }

    @Test("of a room in any other spelling is not a room record")
    func roomSpelling() throws {
        let school = try School()
        let payload = School.roomRecord(box: school.box, authorities: "x").payload
        let document = try ThresholdDocument(payload: payload)
        #expect(try RoomRecord(reading: document).payload == payload)
        #expect(payload.members.count == 15)
        for (name, value) in payload.members {
            for other in [
                CanonicalJSON.string("\u{1}"), .integer(1 << 53 - 1), .array([.integer(1)]),
                .object([:]),
            ] {
                // A name or a number may be any.
                if case .string = value, case .string = other { continue }
                if case .integer = value, case .integer = other { continue }
                let altered = try ThresholdDocument(payload: payload.changed { $0[name] = other })
                #expect(
                    reason { () throws(Refusal) in _ = try RoomRecord(reading: altered) }
                        == .payload,
                    "\(name)"
                )
            }
            let fewer = try ThresholdDocument(payload: payload.changed { $0[name] = nil })
            #expect(
                reason { () throws(Refusal) in _ = try RoomRecord(reading: fewer) } == .payload
            )
        }
    }

    @Test("of a room keeps its numbers in their bounds and its sources in order")
    func roomBounds() throws {
        let school = try School()
        let payload = School.roomRecord(box: school.box, authorities: "x").payload
        func source(_ name: String, _ kind: String = "camera") -> CanonicalJSON {
            .object(["kind": .string(kind), "name": .string(name)])
        }
        func closed(_ from: Int64, _ to: Int64) -> CanonicalJSON {
            .array([.object(["from": .integer(from), "to": .integer(to)])])
        }
        func stop(_ kind: String, _ code: Int64) -> CanonicalJSON {
            .array([
                .object([
                    "code": .integer(code), "device": .string("d"), "kind": .string(kind),
                ])
            ])
        }
        let cases: [(String, CanonicalJSON, Bool)] = [
            ("maxDuration", .integer(59), false), ("maxDuration", .integer(3600), true),
            ("maxDuration", .integer(86_401), false), ("defaultDuration", .integer(59), false),
            ("defaultDuration", .integer(5401), false), ("holdMinutes", .integer(0), true),
            ("holdMinutes", .integer(10_081), false), ("unsentDays", .integer(3651), false),
            ("purposes", .array([]), false), ("closed", closed(1, 2), true),
            ("closed", closed(2, 2), false), ("closed", closed(3, 2), false),
            ("stop", stop("key", 1), true), ("stop", stop("line", 65_535), true),
            ("stop", stop("line-low", 0), true), ("stop", stop("line", 65_536), false),
            ("stop", stop("lever", 1), false),
            ("sources", .array([]), true), ("sources", .array([source("a"), source("b")]), true),
            ("sources", .array([source("b"), source("a")]), false),
            ("sources", .array([source("a"), source("a")]), false),
            ("sources", .array([source("")]), false), ("sources", .array([source("A")]), false),
            ("sources", .array([source("a,b")]), false),
            ("sources", .array([source("a/b")]), false),
            ("sources", .array([source(String(repeating: "a", count: 32))]), true),
            ("sources", .array([source(String(repeating: "a", count: 33))]), false),
            ("sources", .array([source("a", "screen")]), false),
        ]
        #expect(cases.count == 28)
        for (name, value, isAccepted) in cases {
            let document = try ThresholdDocument(payload: payload.changed { $0[name] = value })
            let reason = reason { () throws(Refusal) in _ = try RoomRecord(reading: document) }
            #expect(reason == (isAccepted ? nil : .payload), "\(name): \(value)")
        }
    }

    private func signatureMembers(of document: CanonicalJSON) -> [Members]? {
        guard case .array(let items)? = document.members["signatures"] else { return nil }
        return items.map(\.members)
    }

    private func bytes(_ value: CanonicalJSON?) throws -> [UInt8] {
        guard case .string(let text)? = value else { return [] }
        return try #require(Base64URL.decode(text))
    }

    private func alteringSignature(
        _ index: Int,
        of document: ThresholdDocument
    ) throws
        -> ThresholdDocument
    {
        let value = try CanonicalJSON(parsing: document.bytes)
        var all = try #require(signatureMembers(of: value))
        var signature = try bytes(all[index]["signature"])
        signature[40] ^= 1
        all[index]["signature"] = .string(Base64URL.encode(signature))
        let items = all
        return try ThresholdDocument(
            parsing: value.changed { $0["signatures"] = .array(items.map { .object($0) }) }.bytes
        )
    }
}
