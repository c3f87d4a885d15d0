import Consent
import CryptoPrimitives
import LinuxSystem
import Spool
import Testing

@testable import TeacherTools

@Suite("Opening a lesson that was cut")
struct CutLessonTests {
    private static let second: Int64 = 1_000_000_000
    let room: Staffroom

    init() throws {
        room = try Staffroom()
        try room.record()
    }

    /// Takes out the segments that touch a stretch; those of the first run last from 2 s to 6 s,
    /// those of the second from 8 s to 12 s.
    private func cut(_ from: Int64, _ to: Int64, removesFiles: Bool = true) throws {
        let spool = try Folder(path: room.path + "/spool")
        var open = try OpenRecording.recover(Staffroom.recording, in: spool)
        let order = [UInt8](repeating: 1, count: 32)
        guard removesFiles else {
            try open.append(
                .cut(from: from * Self.second, to: to * Self.second, order: order)
            )
            return try room.sign(&open)
        }
        _ = try open.cut(
            from: from * Self.second,
            to: to * Self.second,
            order: order,
            acknowledged: []
        )
        try room.sign(&open)
        try open.removeCut()
    }

    private func open(_ folder: String) throws -> OpenReport {
        _ = try Folder.make(path: room.path + "/out")
        return try room.opener().open(folder, to: room.path + "/out/lesson.mp4") { _ in }
    }

    @Test("says what its teacher took out, and does not call it missing", arguments: [false, true])
    func cutStretch(isDelivered: Bool) throws {
        try cut(4, 5)
        let report = try open(isDelivered ? room.deliver() : room.spooled)
        #expect(report.isComplete)
        #expect(report.problems.isEmpty)
        #expect(report.cuts == ["4.0 s to 5.0 s"])
        #expect((report.segments, report.seconds) == (3, 6))
        #expect(report.end == "stopped")
        #expect(
            try room.read("out/lesson.mp4")
                == Staffroom.plain("000000.init.age") + Staffroom.plain("000001.m4s.age")
        )
    }

    @Test("tells what is lost from what was cut")
    func lost() throws {
        try cut(4, 5)
        try room.run("rm", "\(room.spooled)/000004.m4s.age")
        let report = try open(room.spooled)
        #expect(!report.isComplete)
        #expect(report.problems == ["000004.m4s.age (8.0 s to 10.0 s) is missing"])
        #expect(report.cuts == ["4.0 s to 5.0 s"])
        #expect(report.segments == 2)
    }

    @Test("does not open a segment that was cut, even where its file is still there")
    func stillThere() throws {
        try cut(4, 5, removesFiles: false)
        #expect(try room.names("spool/\(Staffroom.recording)").contains("000002.m4s.age"))
        let report = try open(room.spooled)
        #expect(report.isComplete)
        #expect(report.segments == 3)
        #expect(
            try room.read("out/lesson.mp4").firstRange(of: Staffroom.plain("000002.m4s.age")) == nil
        )
    }

    @Test("of everything still opens, to its runs' beginnings")
    func everything() throws {
        try cut(0, 100)
        let report = try open(room.spooled)
        #expect(report.isComplete)
        #expect((report.segments, report.seconds, report.bytes) == (0, 0, 0))
        #expect(report.cuts == ["0.0 s to 100.0 s"])
        #expect(report.gaps.count == 2)
    }

    @Test("takes the latest of several logs that the account got")
    func severalLogs() throws {
        // The first log was delivered before the cut, the second after it.
        let account = try room.deliver()
        try cut(4, 5)
        _ = try room.deliver()
        #expect(try room.names("account").count { $0.hasPrefix("log-") } == 2)
        let report = try open(account)
        #expect(report.cuts == ["4.0 s to 5.0 s"])
        #expect(report.segments == 3)
    }
}
