import CryptoPrimitives
internal import Glibc
import LinuxSystem
import Testing

@testable import Uploading

@Suite("An account that is a folder")
struct DirectoryAccountTests {
    let classroom: Classroom
    let account: DirectoryAccount
    let bytes = [UInt8](repeating: 3, count: 3_000_000)

    init() throws {
        classroom = try Classroom()
        account = try DirectoryAccount(url: "file://" + classroom.account)
        try classroom.write("object", bytes)
    }

    private var object: OutgoingObject {
        OutgoingObject(
            teacher: Classroom.teacher,
            recording: classroom.identifier(1),
            name: "log",
            sha256: SHA256.hash(bytes)
        )
    }

    private var place: String { "account/\(Classroom.teacher)/\(classroom.identifier(1))" }
    private var stored: String { "\(place)/log-\(Hex.encode(SHA256.hash(bytes)))" }

    private func store(
        _ object: OutgoingObject? = nil,
        from name: String = "object"
    ) throws
        -> String
    {
        let file = try Descriptor.open("\(classroom.path)/\(name)")
        do throws(UploadError) {
            try account.store(object ?? self.object, from: file)
            return "none"
        } catch { return kind(error) }
    }

    @Test("holds the object under teacher, recording, name and hash, and nothing else")
    func stores() throws {
        #expect(try store() == "none")
        #expect(try classroom.read(stored) == bytes)
        let names = try Folder(path: "\(classroom.path)/\(place)").names()
        #expect(names == ["log-\(Hex.encode(SHA256.hash(bytes)))"])
    }

    @Test("takes what it has already for success and leaves it untouched")
    func storedBefore() throws {
        #expect(try store() == "none")
        let before = try Descriptor.open("\(classroom.path)/\(stored)").status().modified
        #expect(try store() == "none")
        #expect(try Descriptor.open("\(classroom.path)/\(stored)").status().modified == before)
    }

    @Test("that has something else under the name is a conflict and keeps it")
    func conflict() throws {
        #expect(try store() == "none")
        for other in [[], [1, 2, 3], Array(bytes.dropLast())] as [[UInt8]] {
            try classroom.write(stored, other)
            #expect(try store() == "conflict")
            #expect(try classroom.read(stored) == other)
        }
    }

    @Test("never holds bytes that are not of the object's hash")
    func otherBytes() throws {
        var wrong = bytes
        wrong[1_500_000] ^= 1
        try classroom.write("wrong", wrong)
        #expect(try store(from: "wrong") == "conflict")
        #expect(try Folder(path: "\(classroom.path)/\(place)").names().isEmpty)
    }

    @Test("without its marker, or gone altogether, gets nothing")
    func marker() throws {
        try classroom.run("rm", "\(classroom.account)/\(DirectoryAccount.markerName)")
        #expect(try store() == "missing")
        #expect(try Folder(path: classroom.account).names().isEmpty)
        try classroom.run("rmdir", classroom.account)
        #expect(try store() == "missing")
        #expect(try !Folder(path: classroom.path).contains("account"))
        try classroom.write("account", [])
        #expect(try store() == "system")
    }

    @Test("takes over what a crash left half written")
    func leftover() throws {
        _ = try Folder.make(path: "\(classroom.path)/\(place)")
        try classroom.write(
            "\(place)/.log-\(Hex.encode(SHA256.hash(bytes))).part",
            Array(bytes.prefix(1000))
        )
        #expect(try store() == "none")
        #expect(try Folder(path: "\(classroom.path)/\(place)").names().count == 1)
    }

    @Test("is not written through planted links")
    func links() throws {
        try classroom.run("mkdir", "\(classroom.path)/elsewhere")
        try classroom.run(
            "ln",
            "-s",
            "\(classroom.path)/elsewhere",
            "\(classroom.account)/\(Classroom.teacher)"
        )
        #expect(try store() == "system")
        try classroom.run("rm", "\(classroom.account)/\(Classroom.teacher)")
        _ = try Folder.make(path: "\(classroom.path)/\(place)")
        try classroom.run(
            "ln",
            "-s",
            "\(classroom.path)/elsewhere/x",
            "\(classroom.path)/\(stored)"
        )
        #expect(try store() == "system")
        #expect(try Folder(path: "\(classroom.path)/elsewhere").names().isEmpty)
    }

    @Test("has no object whose names lead elsewhere", arguments: ["", ".", "..", "../x", "a/b"])
    func hostileNames(name: String) throws {
        let hash = SHA256.hash(bytes)
        let objects = [
            OutgoingObject(teacher: name, recording: "r", name: "log", sha256: hash),
            OutgoingObject(teacher: "t", recording: name, name: "log", sha256: hash),
        ]
        for object in objects { #expect(try store(object) == "system") }
        try #expect(!Folder(path: classroom.path).contains("x"))
    }

    @Test(
        "that is full or read-only says so and keeps nothing half",
        .enabled(if: getuid() == 0, "mounting a small disk needs root")
    )
    func fullAndReadOnly() throws {
        let disk = classroom.account
        try classroom.run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk)
        defer { _ = try? runCommand("umount", [disk]) }
        #expect(try store() == "missing")
        try classroom.write("account/\(DirectoryAccount.markerName)", [])
        #expect(try store() == "system")
        #expect(try Folder(path: "\(classroom.path)/\(place)").names().isEmpty)
        try classroom.run("mount", "-o", "remount,ro", disk)
        #expect(try store() == "system")
        try classroom.run("mount", "-o", "remount,rw,size=8m", disk)
        #expect(try store() == "none")
        #expect(try classroom.read(stored) == bytes)
    }

    @Test(
        "has a url of a local folder and no other",
        arguments: [
            "", "/account", "account", "file:account", "file://", "file://host/account",
            "file:///a%2Fb", "https://example.org/", "FILE:///a", " file:///a",
        ]
    )
    func url(text: String) {
        #expect(
            kind { () throws(UploadError) in _ = try DirectoryAccount(url: text) } == "unsupported"
        )
    }
}

@Suite("The schedule of retries")
struct RetryScheduleTests {
    @Test("doubles up to its maximum and begins anew after a success")
    func doubling() {
        var schedule = RetrySchedule(minimum: 10, maximum: 100)
        let waits = (0..<6).map { _ in schedule.failed(random: 0.999_999) }
        #expect(waits == [9, 19, 39, 79, 99, 99])
        schedule.succeeded()
        #expect(schedule.failed(random: 0) == 5)
        #expect(schedule.failed(random: 0) == 10)
    }

    @Test("stays between half of the wait and the maximum, and never at zero")
    func bounds() {
        for (minimum, maximum) in [(1, 1), (1, 3600), (30, 3600), (60, 10), (0, 0), (0, 5)]
            as [(Int64, Int64)]
        {
            for random in [0, 0.25, 0.5, 0.75, 0.999_999_999] {
                var schedule = RetrySchedule(minimum: minimum, maximum: maximum)
                for _ in 0..<100 {
                    let wait = schedule.failed(random: random)
                    #expect((1...max(1, minimum, maximum)).contains(wait))
                    #expect(wait >= minimum / 2)
                }
            }
        }
    }
}
