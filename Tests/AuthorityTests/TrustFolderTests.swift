import Consent
import CryptoPrimitives
import LinuxSystem
import Testing

@testable import Authority

@Suite("The folder of installed records")
struct TrustFolderTests {
    let folder: TemporaryFolder
    let school: School

    init() throws {
        folder = try TemporaryFolder()
        school = try School()
        try folder.make("trust/cards")
        try folder.make("log")
        try folder.write("trust/authorities.json", school.authorities.bytes)
        try folder.write("trust/room.json", school.room.bytes)
        try folder.write("trust/cards/a.json", school.card.bytes)
    }

    /// A new instance each time, as after a restart.
    private func read() throws -> Trust {
        try TrustFolder(path: "\(folder.path)/trust", log: "\(folder.path)/log").read()
    }

    private func room(_ sequence: Int64) throws -> [UInt8] {
        try School.document(
            School.roomRecord(box: school.box, authorities: school.authorities.hash).payload,
            as: .room,
            by: school.authorityKeys
        ) { $0["sequence"] = .integer(sequence) }.bytes
    }

    private func revocations(_ sequence: Int64) throws -> [UInt8] {
        try School.document(
            Revocations.payload(entries: [], sequence: sequence, issued: 1),
            as: .revocations,
            by: school.authorityKeys
        ).bytes
    }

    @Test("gives what is installed, and remembers it")
    func good() throws {
        let trust = try read()
        #expect(trust.room.hash == school.room.hash)
        #expect(trust.card(hash: school.card.hash) != nil)
        #expect(trust.rejectedCards.isEmpty)
        #expect(try folder.names("log") == ["accepted.json"])
        let memory = try folder.read("log/accepted.json")
        #expect(try TrustMemory(parsing: memory).roomHash == school.room.hash)
        _ = try read()
        #expect(try folder.read("log/accepted.json") == memory)
    }

    @Test("says that nobody is enrolled where a record is missing")
    func missing() throws {
        for name in ["authorities.json", "room.json"] {
            let bytes = try folder.read("trust/\(name)")
            try folder.run("rm", "\(folder.path)/trust/\(name)")
            #expect(kind { _ = try read() } == "not-enrolled")
            try folder.write("trust/\(name)", bytes)
        }
        try folder.run("rm", "-r", "\(folder.path)/trust/cards")
        #expect(try read().card(hash: school.card.hash) == nil)
        #expect(try !folder.contains("log/none"))
    }

    @Test("takes no older record that is put back by hand, also after a restart")
    func older() throws {
        try folder.write("trust/room.json", room(5))
        try folder.write("trust/revocations.json", revocations(7))
        _ = try read()
        for sequence: Int64 in [1, 4] {
            try folder.write("trust/room.json", room(sequence))
            #expect(kind { _ = try read() } == "record")
        }
        try folder.write("trust/room.json", room(6))
        #expect(try read().room.record.sequence == 6)
        try folder.write("trust/revocations.json", revocations(6))
        #expect(kind { _ = try read() } == "revoked")
        try folder.run("rm", "\(folder.path)/trust/revocations.json")
        #expect(kind { _ = try read() } == "revoked")
        try folder.write("trust/revocations.json", revocations(8))
        #expect(try read().revocations?.sequence == 8)
        // A refused record leaves the memory as it was.
        let memory = try folder.read("log/accepted.json")
        try folder.write("trust/room.json", room(5))
        #expect(kind { _ = try read() } == "record")
        #expect(try folder.read("log/accepted.json") == memory)
    }

    @Test("starts nothing on a memory that it cannot read")
    func damagedMemory() throws {
        _ = try read()
        let good = try folder.read("log/accepted.json")
        for bad in [[], Array(good.dropLast()), good + [0x0A], Array("{}".utf8)] {
            try folder.write("log/accepted.json", bad)
            #expect(kind { _ = try read() } == "not-enrolled")
        }
        try folder.write("log/accepted.json", good)
        #expect(kind { _ = try read() } == "none")
        // A crash while it was being replaced leaves the old one.
        try folder.write("log/.accepted.json.part", [1, 2])
        #expect(kind { _ = try read() } == "none")
    }

    @Test("keeps a teacher's own revocation, for every later instance")
    func revoke() throws {
        let key = school.teacher.verificationKey.thumbprint
        #expect(try !read().isRevoked(key))
        let instance = TrustFolder(path: "\(folder.path)/trust", log: "\(folder.path)/log")
        try instance.revoke(keyIdentifier: key, order: "the order")
        #expect(try read().isRevoked(key))
        #expect(try read().card(hash: school.card.hash) != nil)
        #expect(try folder.read("log/revoked/\(key)") == Array("the order".utf8))
        // Again, by another order: the first stays.
        try instance.revoke(keyIdentifier: key, order: "another")
        #expect(try folder.read("log/revoked/\(key)") == Array("the order".utf8))
        let other = try SigningKey.generate(.edDSA).verificationKey.thumbprint
        #expect(try !read().isRevoked(other))
        for hostile in ["", ".", "..", "../x", "a/b"] {
            _ = try? instance.revoke(keyIdentifier: hostile, order: "x")
        }
        #expect(try folder.names("log/revoked") == [key])
        #expect(try folder.names("log") == ["accepted.json", "revoked"])
        // One that a crash left half written is none.
        try folder.write("log/revoked/.\(other).part", [1])
        #expect(try !read().isRevoked(other))
        #expect(try !read().isRevoked(".\(other).part"))
    }

    @Test("is not read through planted links, nor are its own notes")
    func planted() throws {
        _ = try read()
        try folder.make("log/revoked")
        for name in [
            "trust/authorities.json", "trust/room.json", "trust/cards/a.json", "trust/cards",
            "log/accepted.json", "log/revoked",
        ] {
            let path = "\(folder.path)/\(name)"
            try folder.run("mv", path, "\(folder.path)/aside")
            try folder.run("ln", "-s", "\(folder.path)/aside", path)
            #expect(kind { _ = try read() } == "system", "\(name)")
            try folder.run("rm", path)
            try folder.run("mv", "\(folder.path)/aside", path)
            #expect(kind { _ = try read() } == "none", "\(name)")
        }
        for name in ["trust/revocations.json", "trust/succession.json"] {
            try folder.run("ln", "-s", "/nonexistent", "\(folder.path)/\(name)")
            #expect(kind { _ = try read() } != "none", "\(name)")
            try folder.run("rm", "\(folder.path)/\(name)")
        }
        // A device or a pipe does not hold the reader.
        try folder.run("rm", "\(folder.path)/trust/room.json")
        try folder.run("mkfifo", "\(folder.path)/trust/room.json")
        #expect(kind { _ = try read() } == "system")
    }
}
