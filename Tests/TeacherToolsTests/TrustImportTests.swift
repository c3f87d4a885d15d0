import Age
import Consent
import CryptoPrimitives
import LinuxSystem
import Testing

@testable import TeacherTools

@Suite("A technician's import")
struct TrustImportTests {
    let room: Staffroom

    init() throws {
        room = try Staffroom()
        _ = try Folder.make(path: room.path + "/records/cards")
        try room.write("records/authorities.json", room.authorities.bytes)
        try room.write("records/room.json", room.room.bytes)
        try room.write("records/cards/a.json", room.card.bytes)
    }

    private func run() throws -> TrustImport.Report {
        try TrustImport.run(from: room.path + "/records", to: room.path + "/trust")
    }

    private func installed() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in try room.names("trust") where name != "cards" {
            files[name] = try room.read("trust/\(name)")
        }
        for name in try room.names("trust/cards") {
            files["cards/\(name)"] = try room.read("trust/cards/\(name)")
        }
        return files
    }

    @Test("installs records that prove themselves, and doing it twice changes nothing")
    func idempotent() throws {
        let report = try run()
        #expect(report.room == "Science 2")
        #expect(report.cards == 1)
        #expect(report.rejected.isEmpty)
        let first = try installed()
        #expect(first["authorities.json"] == room.authorities.bytes)
        #expect(first["room.json"] == room.room.bytes)
        #expect(first["cards/a.json"] == room.card.bytes)
        #expect(first.count == 3)
        #expect(try run().cards == 1)
        #expect(try installed() == first)
    }

    @Test("works without any card")
    func noCards() throws {
        try room.run("rm", "-r", room.path + "/records/cards")
        #expect(try run().cards == 0)
    }

    @Test("names cards that do not verify and installs the others")
    func rejected() throws {
        let key = try SigningKey.generate(.edDSA)
        let recipient = try AgeIdentity.generate().recipient.text
        let unapproved = try Staffroom.card(key, recipient, by: nil)
        let foreign = try Staffroom.card(key, recipient, by: try SigningKey.generate(.edDSA))
        try room.write("records/cards/unapproved.json", unapproved.bytes)
        try room.write("records/cards/foreign.json", foreign.bytes)
        try room.write("records/cards/room.json", room.room.bytes)
        try room.write("records/cards/garbage.json", Array("garbage".utf8))
        try room.write("records/cards/notes.txt", Array("not a card".utf8))
        let report = try run()
        #expect(report.cards == 1)
        #expect(
            report.rejected.map(\.name).sorted()
                == ["foreign.json", "garbage.json", "room.json", "unapproved.json"]
        )
        #expect(try room.names("trust/cards") == ["a.json"])
    }

    @Test("does not put other authorities in the place of those installed")
    func otherAuthorities() throws {
        _ = try run()
        let first = try installed()
        let stranger = try SigningKey.generate(.edDSA)
        let others = try Staffroom.authorities(stranger, sequence: 2)
        let theirs = try Staffroom.room(room.box, others, by: stranger)
        try room.write("records/authorities.json", others.bytes)
        try room.write("records/room.json", theirs.bytes)
        #expect(kind { _ = try run() } == "quorum")
        #expect(try installed() == first)
        // Nor when the installed ones can no longer be read.
        try room.write("trust/authorities.json", Array("damaged".utf8))
        #expect(kind { _ = try run() } == "malformed")
        #expect(try room.read("trust/room.json") == room.room.bytes)
    }

    @Test("changes nothing where a record is missing or does not verify")
    func unsound() throws {
        let good = ["authorities.json": room.authorities.bytes, "room.json": room.room.bytes]
        for (name, bytes) in good {
            var altered = bytes
            altered[50] ^= 1
            for bad in [altered, [], Array(bytes.dropLast()), room.card.bytes] {
                try room.write("records/\(name)", bad)
                #expect(kind { _ = try run() } != "none")
            }
            try room.run("rm", "\(room.path)/records/\(name)")
            #expect(kind { _ = try run() } == "missing")
            try room.write("records/\(name)", bytes)
        }
        #expect(try !Folder(path: room.path).contains("trust"))
        #expect(try run().cards == 1)
    }
}

@Suite("An approval")
struct ApprovalTests {
    @Test("adds one signature for each key, however often it is given")
    func twice() throws {
        let room = try Staffroom()
        let stranger = try SigningKey.generate(.edDSA)
        let card = try Staffroom.card(stranger, room.recipient.text, by: nil)
        let path = room.path + "/card.json"
        try Enrolment.write(card.bytes, to: path, replacing: false)
        #expect(kind { try Enrolment.write([], to: path, replacing: false) } == "exists")
        try Enrolment.approve(path, as: .card, with: room.authority)
        let once = try room.read("card.json")
        let read = try Enrolment.read(path)
        let authorities = try Authorities(verifying: room.authorities)
        #expect(try TeacherCard(verifying: read, by: authorities).key == stranger.verificationKey)
        try Enrolment.approve(path, as: .card, with: room.authority)
        #expect(try room.read("card.json") == once)
    }

    @Test("is of the kind of document that it claims to be, or none")
    func kinds() throws {
        let room = try Staffroom()
        let path = room.path + "/card.json"
        try room.write("card.json", room.card.bytes)
        #expect(kind { try Enrolment.approve(path, as: .room, with: room.authority) } == "payload")
        #expect(
            kind { try Enrolment.approve(path, as: .authorities, with: room.authority) }
                == "payload"
        )
        #expect(kind { try Enrolment.approve(path, as: .start, with: room.authority) } == "header")
        #expect(
            kind { try Enrolment.approve(path, as: .challenge, with: room.authority) } == "header"
        )
        #expect(
            kind { try Enrolment.approve(path + "x", as: .card, with: room.authority) } == "missing"
        )
        #expect(try room.read("card.json") == room.card.bytes)
    }
}
