import Age
import Consent
import CryptoPrimitives
import LinuxSystem
import Testing

@testable import TeacherTools

@Suite("The teacher's folder")
struct KeyFileTests {
    let room: Staffroom

    init() throws { room = try Staffroom() }

    private func permissions(_ name: String) throws -> UInt32 {
        try Descriptor.open("\(room.path)/\(name)").status().permissions
    }

    @Test("is the teacher's alone, with everything in it")
    func modes() throws {
        #expect(try permissions("config") == 0o700)
        #expect(try permissions("config/rooms") == 0o700)
        let box = room.box.verificationKey.thumbprint
        for name in [
            "signing.pem", "identity.txt", "card.json", "authorities.json", "rooms/\(box).json",
        ] {
            #expect(try permissions("config/\(name)") == 0o600, "\(name)")
        }
        #expect(
            try room.names("config")
                == ["authorities.json", "card.json", "identity.txt", "rooms", "signing.pem"]
        )
    }

    @Test("never has its keys replaced, even by one of them alone or a link to nowhere")
    func neverReplaced() throws {
        let key = try room.read("config/signing.pem")
        let identity = try room.read("config/identity.txt")
        #expect(kind { _ = try room.folder.makeKeys(.es256) } == "exists")
        #expect(try room.read("config/signing.pem") == key)
        #expect(try room.read("config/identity.txt") == identity)
        try room.run("rm", "\(room.path)/config/signing.pem")
        #expect(kind { _ = try room.folder.makeKeys(.edDSA) } == "exists")
        #expect(try !Folder(path: room.path + "/config").contains("signing.pem"))
        #expect(try room.read("config/identity.txt") == identity)
        try room.run("rm", "\(room.path)/config/identity.txt")
        try room.run("ln", "-s", "/nonexistent", "\(room.path)/config/signing.pem")
        #expect(kind { _ = try room.folder.makeKeys(.edDSA) } == "exists")
        #expect(try !Folder(path: room.path + "/config").contains("identity.txt"))
    }

    @Test("gives back the keys that were made in it", arguments: SignatureAlgorithm.allCases)
    func keys(algorithm: SignatureAlgorithm) throws {
        let folder = TeacherFolder(path: "\(room.path)/deep/er/config")
        let made = try folder.makeKeys(algorithm)
        #expect(try folder.signingKey().verificationKey == made.key)
        #expect(made.key.algorithm == algorithm)
        #expect(try folder.identities().map(\.recipient) == [made.recipient])
    }

    @Test("says what is missing and what makes it")
    func missing() throws {
        let empty = TeacherFolder(path: room.path + "/nothing")
        #expect(kind { _ = try empty.signingKey() } == "missing")
        #expect(kind { _ = try empty.identities() } == "missing")
        #expect(kind { _ = try empty.card() } == "missing")
        #expect(kind { _ = try empty.room(box: "x") } == "missing")
        let other = try SigningKey.generate(.edDSA).verificationKey.thumbprint
        #expect(kind { _ = try room.folder.room(box: other) } == "missing")
        try room.write("config/signing.pem", Array("no key".utf8))
        try room.write("config/identity.txt", Array("no identity".utf8))
        try room.write("config/card.json", Array("no card".utf8))
        #expect(kind { _ = try room.folder.signingKey() } == "unreadable")
        #expect(kind { _ = try room.folder.identities() } == "unreadable")
        #expect(kind { _ = try room.folder.card() } == "malformed")
    }

    @Test("has key files made anew, mode 0600, and never over another")
    func keyFile() throws {
        let path = room.path + "/authority.pem"
        let key = try SigningKeyFile.make(path, .es256)
        #expect(try permissions("authority.pem") == 0o600)
        #expect(try SigningKeyFile.read(path).verificationKey == key)
        let before = try room.read("authority.pem")
        #expect(kind { _ = try SigningKeyFile.make(path, .es256) } == "exists")
        #expect(try room.read("authority.pem") == before)
        try room.run("ln", "-s", "/nonexistent", room.path + "/link.pem")
        #expect(kind { _ = try SigningKeyFile.make(room.path + "/link.pem", .es256) } == "exists")
        #expect(
            try runCommand("openssl", ["pkey", "-in", path, "-noout"]).status.isSuccess
        )
    }

    @Test("takes a room only under the authorities that it has")
    func importRoom() throws {
        let before = try room.read("config/authorities.json")
        let stranger = try SigningKey.generate(.edDSA)
        let others = try Staffroom.authorities(stranger)
        let theirs = try Staffroom.room(room.box, others, by: stranger)
        #expect(
            kind { _ = try room.folder.importRoom(theirs.bytes, authorities: others.bytes) }
                == "quorum"
        )
        #expect(
            kind { _ = try room.folder.importRoom(theirs.bytes, authorities: before) } != "none"
        )
        #expect(
            kind { _ = try room.folder.importRoom(room.card.bytes, authorities: before) } != "none"
        )
        #expect(try room.read("config/authorities.json") == before)
        #expect(try room.names("config/rooms").count == 1)
        let box = try SigningKey.generate(.edDSA)
        let second = try Staffroom.room(box, room.authorities, by: room.authority, named: "Art")
        let record = try room.folder.importRoom(second.bytes, authorities: before)
        #expect(record.room == "Art")
        #expect(try room.folder.room(box: record.box).record.room == "Art")
        #expect(try room.names("config/rooms").count == 2)
    }
}
