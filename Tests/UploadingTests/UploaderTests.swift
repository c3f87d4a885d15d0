import CryptoPrimitives
internal import Glibc
import LinuxSystem
import Spool
import Testing

@testable import Uploading

@Suite("A pass of the uploader")
struct UploaderTests {
    let classroom: Classroom

    init() throws { classroom = try Classroom() }

    @Test("delivers every ended recording and acknowledges each object")
    func delivers() throws {
        let first = try classroom.record(1)
        let second = try classroom.record(2)
        try classroom.record(3, ended: nil)
        var uploader = try classroom.uploader()
        let outcome = uploader.pass(now: Classroom.now)
        #expect(kind(outcome.error) == "none")
        #expect((outcome.delivered, outcome.pending, outcome.unfinished) == (2, 0, 1))
        #expect(try classroom.delivered(first).count == 8)
        #expect(try classroom.delivered(second).count == 8)
        #expect(try classroom.delivered(classroom.identifier(3)).isEmpty)
        #expect(try AcknowledgementJournal.read(outbox: classroom.outbox).count == 16)
        try classroom.expectAcknowledgedIsStored()
        // Nothing is left to do, for it and for one that starts afresh.
        let again = uploader.pass(now: Classroom.now)
        #expect((again.delivered, again.pending) == (0, 0))
        let journal = try classroom.read("outbox/acknowledged")
        var fresh = try classroom.uploader()
        #expect(fresh.pass(now: Classroom.now).delivered == 0)
        #expect(try classroom.read("outbox/acknowledged") == journal)
        // What it acknowledged is what the authority needs to let the recording go.
        #expect(
            try SpoolFolder.removeIfDelivered(
                first,
                spool: classroom.spool,
                acknowledged: AcknowledgementJournal.read(outbox: classroom.outbox)
            )
        )
    }

    @Test("with nothing in the spool does nothing and needs nothing")
    func empty() throws {
        try classroom.run("rm", "-r", classroom.trust, classroom.account)
        var uploader = try classroom.uploader()
        let outcome = uploader.pass(now: Classroom.now)
        #expect(kind(outcome.error) == "none")
        #expect((outcome.delivered, outcome.pending) == (0, 0))
    }

    @Test("sends nothing before the hold of the room record is over")
    func hold() throws {
        let recording = try classroom.record(1, ended: Classroom.now)
        try classroom.record(2, ended: Classroom.now + 60)
        var uploader = try classroom.uploader()
        for now in [0, Classroom.now, Classroom.now + 899] {
            let outcome = uploader.pass(now: now)
            #expect((outcome.delivered, outcome.pending) == (0, 2))
            #expect(outcome.nextRelease == Classroom.now + 900)
            #expect(try classroom.delivered(recording).isEmpty)
        }
        let outcome = uploader.pass(now: Classroom.now + 900)
        #expect((outcome.delivered, outcome.pending) == (1, 1))
        #expect(outcome.nextRelease == Classroom.now + 960)
        #expect(try classroom.delivered(recording).count == 8)
    }

    @Test("sends at once where the room has no hold")
    func noHold() throws {
        let classroom = try Classroom(holdMinutes: 0)
        try classroom.record(1, ended: Classroom.now)
        var uploader = try classroom.uploader()
        #expect(uploader.pass(now: Classroom.now).delivered == 1)
    }

    @Test(
        "without a sound room record sends nothing and says what waits",
        arguments: ["missing", "altered", "other authorities", "unsigned"]
    )
    func noRoom(what: String) throws {
        let recording = try classroom.record(1)
        switch what {
        case "missing": try classroom.run("rm", "\(classroom.trust)/room.json")
        case "altered":
            var bytes = classroom.room.bytes
            bytes[100] ^= 1
            try classroom.write("trust/room.json", bytes)
        case "other authorities":
            try classroom.write("trust/authorities.json", try Classroom().authorities.bytes)
        default:
            try classroom.write("trust/room.json", classroom.card.bytes)
        }
        var uploader = try classroom.uploader()
        let outcome = uploader.pass(now: Classroom.now)
        #expect(outcome.error != nil)
        #expect(outcome.pending == 1)
        #expect(try classroom.delivered(recording).isEmpty)
        #expect(try AcknowledgementJournal.read(outbox: classroom.outbox).isEmpty)
    }

    @Test("is not kept by one bad recording from delivering another", arguments: [1, 2, 3])
    func oneBad(bad: UInt8) throws {
        for number: UInt8 in 1...3 { try classroom.record(number) }
        try classroom.write("spool/\(classroom.identifier(bad))/000001.m4s.age", [0])
        var uploader = try classroom.uploader()
        let outcome = uploader.pass(now: Classroom.now)
        #expect(kind(outcome.error) == "unsound")
        #expect((outcome.delivered, outcome.pending) == (2, 1))
        for number: UInt8 in 1...3 {
            let delivered = try classroom.delivered(classroom.identifier(number))
            #expect(delivered.count == (number == bad ? 4 : 8))
            // The log last: without it nobody takes the recording for delivered.
            #expect(delivered.contains("log") == (number != bad))
        }
        try classroom.expectAcknowledgedIsStored()
    }

    @Test("is not kept by a folder without a log, or with a damaged one")
    func damaged() throws {
        try classroom.record(1)
        try classroom.record(2)
        _ = try Folder.make(path: "\(classroom.spool)/\(classroom.identifier(3))")
        try classroom.write("spool/\(classroom.identifier(1))/log", Array("garbage\n".utf8))
        try classroom.write("spool/lost", [])
        var uploader = try classroom.uploader()
        let outcome = uploader.pass(now: Classroom.now)
        #expect(kind(outcome.error) == "spool")
        #expect((outcome.delivered, outcome.pending, outcome.unfinished) == (1, 1, 1))
    }

    @Test("goes on where it was once the account is back")
    func accountBack() throws {
        let recording = try classroom.record(1)
        try classroom.run("mv", classroom.account, classroom.account + "2")
        var uploader = try classroom.uploader()
        let away = uploader.pass(now: Classroom.now)
        #expect(kind(away.error) == "missing")
        #expect((away.delivered, away.pending) == (0, 1))
        #expect(try AcknowledgementJournal.read(outbox: classroom.outbox).isEmpty)
        #expect(try !Folder(path: classroom.path).contains("account"))
        try classroom.run("mv", classroom.account + "2", classroom.account)
        let back = uploader.pass(now: Classroom.now)
        #expect(kind(back.error) == "none")
        #expect((back.delivered, back.pending) == (1, 0))
        #expect(try classroom.delivered(recording).count == 8)
    }

    @Test("acknowledges what was stored before a fault, and sends only the rest after it")
    func resumes() throws {
        let recording = try classroom.record(1)
        let place = "spool/\(recording)/000002.m4s.age"
        let good = try classroom.read(place)
        try classroom.write(place, [0])
        var uploader = try classroom.uploader()
        #expect(kind(uploader.pass(now: Classroom.now).error) == "unsound")
        let before = try AcknowledgementJournal.read(outbox: classroom.outbox)
        #expect(before.count == 5)
        try classroom.expectAcknowledgedIsStored()
        try classroom.write(place, good)
        var fresh = try classroom.uploader()
        #expect(fresh.pass(now: Classroom.now).delivered == 1)
        let after = try AcknowledgementJournal.read(outbox: classroom.outbox)
        #expect(after.isSuperset(of: before) && after.count == 8)
        // Appended, never written again.
        let lines = try classroom.read("outbox/acknowledged").split(separator: 0x0A)
        #expect(lines.count == 8)
    }

    @Test("acknowledges nothing that the account holds otherwise")
    func conflict() throws {
        let recording = try classroom.record(1)
        let delivery = try #require(try classroom.delivery(recording))
        let content = delivery.remaining([])[3]
        let place = "account/\(Classroom.teacher)/\(recording)"
        _ = try Folder.make(path: "\(classroom.path)/\(place)")
        try classroom.write("\(place)/\(content.name)-\(Hex.encode(content.sha256))", [1])
        var uploader = try classroom.uploader()
        #expect(kind(uploader.pass(now: Classroom.now).error) == "conflict")
        let acknowledged = try AcknowledgementJournal.read(outbox: classroom.outbox)
        #expect(
            acknowledged.map(\.name).sorted() == ["card.json", "receipt.json.age", "token.jws"]
        )
        try classroom.expectAcknowledgedIsStored()
    }

    @Test("acknowledges nothing while the journal cannot be written")
    func journal() throws {
        try classroom.record(1)
        try classroom.run("mkdir", "\(classroom.outbox)/acknowledged")
        #expect(kind { () throws(UploadError) in _ = try Uploader(settings) } == "spool")
        try classroom.run("rmdir", "\(classroom.outbox)/acknowledged")
        var uploader = try classroom.uploader()
        try classroom.run("mkdir", "\(classroom.outbox)/acknowledged")
        let outcome = uploader.pass(now: Classroom.now)
        #expect(kind(outcome.error) == "spool")
        #expect((outcome.delivered, outcome.pending) == (0, 1))
        try classroom.run("rmdir", "\(classroom.outbox)/acknowledged")
        #expect(uploader.pass(now: Classroom.now).delivered == 1)
        try classroom.expectAcknowledgedIsStored()
    }

    @Test("is told without a teacher, a recording, a place or an address")
    func withoutIdentity() throws {
        let recording = try classroom.record(1)
        try classroom.run("mv", classroom.account, classroom.account + "2")
        var uploader = try classroom.uploader()
        var errors = [try #require(uploader.pass(now: Classroom.now).error)]
        try classroom.run("mv", classroom.account + "2", classroom.account)
        try classroom.write("account/\(Classroom.teacher)", [])
        errors.append(try #require(uploader.pass(now: Classroom.now).error))
        try classroom.run("rm", "\(classroom.account)/\(Classroom.teacher)")
        try classroom.write("spool/\(recording)/000001.m4s.age", [0])
        errors.append(try #require(uploader.pass(now: Classroom.now).error))
        try classroom.run("rm", "\(classroom.spool)/\(recording)/000001.m4s.age")
        errors.append(try #require(uploader.pass(now: Classroom.now).error))
        try classroom.write("spool/\(recording)/log", Array("garbage\n".utf8))
        errors.append(try #require(uploader.pass(now: Classroom.now).error))
        try classroom.run("rm", "\(classroom.spool)/\(recording)/log")
        try classroom.run("ln", "-s", "/x", "\(classroom.spool)/\(recording)/log")
        errors.append(try #require(uploader.pass(now: Classroom.now).error))
        #expect(errors.count == 6)
        for error in errors {
            for secret in [Classroom.teacher, recording, classroom.path, "file://"] {
                #expect(!"\(error)".contains(secret), "\(error)")
            }
        }
    }

    private var settings: Uploader.Settings {
        Uploader.Settings(
            spool: classroom.spool,
            outbox: classroom.outbox,
            trust: classroom.trust,
            report: classroom.path + "/uploader.json"
        )
    }
}
