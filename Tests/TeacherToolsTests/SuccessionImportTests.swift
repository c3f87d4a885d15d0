import Consent
import CryptoPrimitives
import LinuxSystem
import Testing

@testable import TeacherTools

@Suite("A technician's import of later records")
struct SuccessionImportTests {
    let room: Staffroom
    let next: SigningKey

    init() throws {
        room = try Staffroom()
        next = try SigningKey.generate(.es256)
        _ = try Folder.make(path: room.path + "/records/cards")
        try room.write("records/authorities.json", room.authorities.bytes)
        try room.write("records/room.json", room.room.bytes)
        try room.write("records/cards/a.json", room.card.bytes)
    }

    private func run(to trust: String = "trust") throws {
        _ = try TrustImport.run(from: room.path + "/records", to: "\(room.path)/\(trust)")
    }

    private func installed(_ trust: String = "trust") throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in try room.names(trust) where name != "cards" {
            files[name] = try room.read("\(trust)/\(name)")
        }
        return files
    }

    private func revocations(
        _ sequence: Int64,
        by key: SigningKey? = nil
    ) throws -> [UInt8] {
        var document = try Enrolment.revocations(
            [
                Revocations.Entry(
                    keyIdentifier: room.teacher.verificationKey.thumbprint,
                    reason: .lost,
                    grace: 0
                )
            ],
            sequence: sequence,
            issued: Staffroom.now
        )
        try document.sign(as: .revocations, with: key ?? room.authority)
        return document.bytes
    }

    /// Later authorities, and their room and cards, under the signatures of `signers`.
    private func succeed(
        signers: [SigningKey],
        sequence: Int64 = 2,
        issuedBy keys: [SigningKey]? = nil
    ) throws -> ThresholdDocument {
        let keys = keys ?? [next]
        var document = try Enrolment.authorities(
            keys.map { Authorities.Member(key: $0.verificationKey, role: .registrar) },
            threshold: 1,
            sequence: sequence,
            issued: Staffroom.now
        )
        for key in signers { try document.sign(as: .authorities, with: key) }
        var payload = try CanonicalJSON(parsing: room.room.payload)
        if case .object(var members) = payload {
            members["authorities"] = .string(document.hash)
            members["sequence"] = .integer(sequence)
            payload = .object(members)
        }
        var record = try ThresholdDocument(payload: payload)
        try record.sign(as: .room, with: keys[0])
        let card = try Staffroom.card(room.teacher, room.recipient.text, by: keys[0])
        try room.write("records/authorities.json", document.bytes)
        try room.write("records/room.json", record.bytes)
        try room.write("records/cards/a.json", card.bytes)
        return document
    }

    /// Whether a box that remembers `memory` takes what is installed.
    private func trust(_ name: String = "trust", after memory: TrustMemory) throws -> Trust {
        let files = try installed(name)
        return try Trust(
            TrustFiles(
                authorities: try #require(files["authorities.json"]),
                succession: files["succession.json"],
                room: try #require(files["room.json"]),
                revocations: files["revocations.json"]
            ),
            memory: memory
        )
    }

    // MARK: Revocations

    @Test("installs revocations that the authorities signed")
    func revocations() throws {
        let document = try revocations(3)
        try room.write("records/revocations.json", document)
        try run()
        #expect(try installed()["revocations.json"] == document)
        let trust = try trust(after: TrustMemory())
        #expect(trust.revocations?.sequence == 3)
        #expect(trust.isRevoked(room.teacher.verificationKey.thumbprint))
    }

    @Test("takes no earlier revocations, and none by a stranger, and does not lose those it has")
    func earlier() throws {
        try room.write("records/revocations.json", revocations(3))
        try run()
        let first = try installed()
        for sequence: Int64 in [1, 2, 3] {
            // The same sequence with other signatures of the same payload is the same document.
            try room.write("records/revocations.json", revocations(sequence))
            #expect(kind { try run() } == (sequence == 3 ? "none" : "revoked"))
        }
        #expect(try installed().keys.sorted() == first.keys.sorted())
        let stranger = try SigningKey.generate(.edDSA)
        for bad in [try revocations(9, by: stranger), [], room.card.bytes] {
            try room.write("records/revocations.json", bad)
            #expect(kind { try run() } != "none")
        }
        try room.run("rm", room.path + "/records/revocations.json")
        #expect(kind { try run() } == "revoked")
        #expect(try trust(after: TrustMemory()).revocations?.sequence == 3)
        try room.write("records/revocations.json", revocations(4))
        #expect(kind { try run() } == "none")
        #expect(try trust(after: TrustMemory()).revocations?.sequence == 4)
    }

    // MARK: Succession

    @Test("splits authorities that both old and new signed, so that box and teachers take them")
    func split() throws {
        try run()
        let memory = try trust(after: TrustMemory()).remembered(in: TrustMemory())
        let document = try succeed(signers: [room.authority, next])
        try run()
        let files = try installed()
        #expect(files["succession.json"] == document.bytes)
        let own = try ThresholdDocument(parsing: try #require(files["authorities.json"]))
        #expect(own.hash == document.hash)
        #expect(own.signatures.count == 1)
        #expect(try Authorities(verifying: own).sequence == 2)
        let trust = try trust(after: memory)
        #expect(trust.room.record.sequence == 2)
        #expect(trust.authorities.hash == document.hash)
    }

    @Test("of the same succession again changes nothing")
    func again() throws {
        try run()
        _ = try succeed(signers: [room.authority, next])
        try run()
        let first = try installed()
        for _ in 0..<2 {
            try run()
            #expect(try installed() == first)
        }
    }

    @Test("puts authorities that succeeded others on a new box too")
    func newBox() throws {
        let document = try succeed(signers: [room.authority, next])
        try run(to: "new")
        #expect(try trust("new", after: TrustMemory()).authorities.hash == document.hash)
        #expect(try !installed("new").keys.contains("succession.json"))
    }

    @Test("refuses later authorities that either side did not sign, and changes nothing")
    func short() throws {
        try run()
        let first = try installed()
        let stranger = try SigningKey.generate(.edDSA)
        for (signers, expected) in [
            ([next], "quorum"), ([room.authority], "quorum"), ([], "quorum"),
            ([stranger, next], "unknown-key"), ([room.authority, next, stranger], "unknown-key"),
        ] {
            _ = try succeed(signers: signers)
            #expect(kind { try run() } == expected)
            #expect(try installed() == first)
        }
        for sequence: Int64 in [0, 1] {
            _ = try succeed(signers: [room.authority, next], sequence: sequence)
            #expect(kind { try run() } == "quorum")
            #expect(try installed() == first)
        }
        _ = try succeed(signers: [room.authority, next])
        #expect(kind { try run() } == "none")
        // The old ones do not come back.
        try room.write("records/authorities.json", room.authorities.bytes)
        try room.write("records/room.json", room.room.bytes)
        #expect(kind { try run() } == "quorum")
    }

    @Test("takes an older room record from nobody")
    func olderRoom() throws {
        _ = try succeed(signers: [room.authority], sequence: 5, issuedBy: [room.authority])
        try run()
        let first = try installed()
        try room.write("records/authorities.json", try #require(first["authorities.json"]))
        var payload = try CanonicalJSON(
            parsing: ThresholdDocument(parsing: try #require(first["room.json"])).payload
        )
        if case .object(var members) = payload {
            members["sequence"] = .integer(4)
            payload = .object(members)
        }
        var older = try ThresholdDocument(payload: payload)
        try older.sign(as: .room, with: room.authority)
        try room.write("records/room.json", older.bytes)
        #expect(kind { try run() } == "record")
        #expect(try installed() == first)
    }
}
