import CryptoPrimitives
import Testing

@testable import Consent

@Suite("A card")
struct CardTests {
    private func start(_ change: (inout Members) -> Void) throws -> Refusal.Reason? {
        let school = try School(card: change)
        return try school.refusal(of: try school.token())
    }

    @Test("starts nothing from the second in which it expires")
    func expiry() throws {
        #expect(try start { $0["expires"] = .integer(School.now + 1) } == nil)
        #expect(try start { $0["expires"] = .integer(School.now) } == .expired)
        #expect(try start { $0["expires"] = .integer(0) } == .expired)
    }

    @Test("that is dated in the future starts nothing")
    func future() throws {
        // The newest document lifts the time floor, so the card itself must not be that document.
        #expect(try start { $0["issued"] = .integer(School.now) } == nil)
        #expect(try start { $0["trained"] = .integer(School.now + 1) } == .notYetValid)
        #expect(try start { $0["trained"] = .integer(0) } == .notYetValid)
    }

    @Test("is held against the newest record where nothing keeps the clock right")
    func untrustedClock() throws {
        let school = try School()
        let token = try school.token()
        #expect(try school.refusal(of: token, clock: 0, isTimeTrusted: false) == nil)
        #expect(
            try school.refusal(of: token, clock: School.now * 2, isTimeTrusted: false) == nil
        )
        #expect(try school.refusal(of: token, clock: School.now * 2) == .expired)
        #expect(try school.refusal(of: token, clock: 0) == nil)
        let old = try School(card: { $0["expires"] = .integer(School.now - 850) })
        #expect(try old.refusal(of: old.token(), clock: 0, isTimeTrusted: false) == .expired)
    }

    @Test("without an agreement that the room accepts starts nothing")
    func agreement() throws {
        func agreement(_ id: String, _ hash: String) -> CanonicalJSON {
            .object(["id": .string(id), "language": .string("en"), "sha256": .string(hash)])
        }
        let other = Base64URL.encode([UInt8](repeating: 0, count: 32))
        #expect(try start { $0["agreement"] = agreement("2026", School.agreement) } == nil)
        #expect(try start { $0["agreement"] = agreement("2025", School.agreement) } == .agreement)
        #expect(try start { $0["agreement"] = agreement("2026", other) } == .agreement)
        #expect(try start { $0["agreement"] = agreement("", "") } == .agreement)
        let none = try School(room: { $0["agreements"] = .array([]) })
        #expect(try none.refusal(of: none.token()) == .agreement)
        for (last, expected) in [
            (School.now, nil), (School.now - 1, Refusal.Reason.agreement), (0, nil),
        ] {
            let school = try School(room: {
                $0["agreements"] = .array([
                    .object([
                        "id": .string("2026"), "last": .integer(last),
                        "sha256": .string(School.agreement),
                    ])
                ])
            })
            #expect(try school.refusal(of: school.token()) == expected)
        }
    }

    @Test("gives way to a later one of the same key, whichever is read first")
    func laterCard() throws {
        let school = try School()
        let later = try School.document(
            CanonicalJSON.object(
                School.teacherCard(key: school.teacher, recipient: school.recipient).payload.members
            ),
            as: .card,
            by: [school.teacher] + school.authorityKeys
        ) { $0["issued"] = .integer(School.now - 10) }
        let claims = try school.claims(card: later).bytes
        let fresh = try school.token(header: school.header.bytes, claims: claims)
        for cards in [[school.card, later], [later, school.card]] {
            let trust = try school.trust(cards: cards)
            #expect(trust.rejectedCards.isEmpty)
            #expect(try school.refusal(of: try school.token(), trust: trust) == .unknownCard)
            #expect(try school.refusal(of: fresh, trust: trust) == nil)
        }
    }

    @Test("of one teacher does not serve another's token")
    func anotherTeacher() throws {
        let school = try School()
        let colleague = try SigningKey.generate(.edDSA)
        let card = try School.document(
            School.teacherCard(key: colleague, recipient: try School.freshRecipient()).payload,
            as: .card,
            by: [colleague] + school.authorityKeys
        ) { $0["teacher"] = .string("cccccccccccccccccccccccccc") }
        let trust = try school.trust(cards: [school.card, card])
        // The colleague signs for the teacher's card, with either name for the key.
        #expect(try school.refusal(of: school.token(by: colleague), trust: trust) == .signature)
        let named = try school.token(
            header: { $0 = CanonicalJSON.start(of: colleague.verificationKey).members },
            by: colleague
        )
        #expect(try school.refusal(of: named, trust: trust) == .cardKey)
        // Or signs for the own card and lets the lesson go to the teacher's name.
        let mixed = try school.token(
            header: { $0 = CanonicalJSON.start(of: colleague.verificationKey).members },
            claims: { $0["card"] = .string(card.hash) },
            by: colleague
        )
        #expect(try school.refusal(of: mixed, trust: trust) == .teacher)
    }

    @Test("in any other spelling is not a card")
    func spelling() throws {
        let school = try School()
        let good = School.teacherCard(key: school.teacher, recipient: school.recipient).payload
        let variants = HostileJSON.variants(of: good)
        #expect(good.members.count == 9)
        #expect(variants.count == 9 * HostileJSON.eachMember + HostileJSON.whole)
        for variant in variants {
            let bytes = try signed(
                variant.bytes,
                as: .card,
                by: [school.teacher] + school.authorityKeys
            )
            let reason = reason { () throws(Refusal) in
                _ = try TeacherCard(reading: try ThresholdDocument(parsing: bytes))
            }
            // The two arrays and objects of a card take other values; those are refused as such.
            #expect(reason != nil, "\(variant)")
        }
    }

    @Test(
        "has a pseudonym of 26 characters of base32",
        arguments: [
            "", "a", "abcdefghijklmnopqrstuvwxy", "abcdefghijklmnopqrstuvwxyza",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxy1",
            "../../../../../../../../../",
            "abcdefghijklmnopqrstuvwxy ", "abcdefghijklmnopqrstuvwx/.",
        ]
    )
    func pseudonym(text: String) throws {
        let school = try School(card: { $0["teacher"] = .string(text) })
        #expect(try school.trust().rejectedCards.map(\.refusal.reason) == [.payload])
    }

    @Test("gets a pseudonym that is one")
    func newPseudonym() throws {
        let some = try (0..<100).map { _ in try TeacherCard.newPseudonym() }
        #expect(some.allSatisfy(TeacherCard.isPseudonym))
        #expect(Set(some).count == 100)
    }

    /// A document over bytes that are no canonical JSON, which the type itself would not make.
    private func signed(
        _ payload: [UInt8],
        as type: DocumentType,
        by keys: [SigningKey]
    ) throws
        -> [UInt8]
    {
        let signatures = try keys.map { key in
            let header = ProtectedHeader(
                algorithm: key.algorithm,
                keyIdentifier: key.verificationKey.thumbprint,
                type: type
            ).bytes
            let value = try key.sign(ProtectedHeader.signingInput(header: header, payload: payload))
            return CanonicalJSON.object([
                "protected": .string(Base64URL.encode(header)),
                "signature": .string(Base64URL.encode(value)),
            ])
        }
        return CanonicalJSON.object([
            "payload": .string(Base64URL.encode(payload)), "signatures": .array(signatures),
        ]).bytes
    }
}
