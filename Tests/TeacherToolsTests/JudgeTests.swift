import Age
import Consent
import CryptoPrimitives
import LinuxSystem
import Spool
import Testing

@testable import TeacherTools

/// What a store may do to a recording that it holds, and what the teacher's tool says of it.
@Suite("The teacher's tool as a judge")
struct JudgeTests {
    let room: Staffroom

    init() throws { room = try Staffroom() }

    private func check(_ folder: String) throws -> OpenReport {
        let report = try room.opener().open(folder, to: nil) { _ in }
        if report.isBoxKnown {
            let other = try other(folder)
            #expect(other.isGood == report.isComplete, "\(other.text) \(report.problems)")
        }
        return report
    }

    private var place: String { "spool/\(Staffroom.recording)" }

    private func lines() throws -> [[UInt8]] {
        try RecordingLog(parsing: room.read("\(place)/log"), recording: "").lines
    }

    private func write(log lines: some Sequence<[UInt8]>) throws {
        try room.write("\(place)/log", lines.flatMap { $0 + [0x0A] })
    }

    /// What the verifier in Python says, which shares no code with the tool.
    private func other(_ folder: String) throws -> (isGood: Bool, text: String) {
        try room.write("box.jwk", room.box.verificationKey.jwk.bytes)
        let tests = "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        let result = try runCommand(
            "python3",
            ["\(tests)/Verifier/verify_recording.py", folder, "\(room.path)/box.jwk"]
        )
        return (result.status.isSuccess, String(decoding: result.output, as: UTF8.self))
    }

    @Test("names a segment that is missing, truncated, altered, repeated or foreign, with its time")
    func kinds() throws {
        try room.record()
        let name = "000004.m4s.age"
        let good = try room.read("\(place)/\(name)")
        let other = try room.read("\(place)/000001.m4s.age")
        let what = "\(name) (8.0 s to 10.0 s)"
        func judge(_ bytes: [UInt8]) throws -> [String] {
            try room.write("\(place)/\(name)", bytes)
            let report = try check(room.spooled)
            #expect(report.segments == 3)
            return report.problems
        }
        #expect(
            try judge(Array(good.dropLast())) == [
                "\(what) is truncated: \(good.count - 1) of \(good.count) bytes are there"
            ]
        )
        #expect(try judge(good.dropLast() + [good.last! ^ 1]) == ["\(what) is altered"])
        #expect(try judge(good + [0]) == ["\(what) is altered"])
        #expect(
            try judge(other) == ["\(what) is lost: in its place 000001.m4s.age is repeated"]
        )
        try room.run("rm", "\(room.spooled)/\(name)")
        #expect(try check(room.spooled).problems == ["\(what) is missing"])
        try room.write("\(place)/000009.m4s.age", good)
        let moved = try check(room.spooled)
        #expect(moved.problems == ["\(what) lies under another name, 000009.m4s.age"])
        #expect(moved.segments == 4)
        try room.write("\(place)/\(name)", good)
        #expect(
            try check(room.spooled).problems
                == ["000009.m4s.age is foreign: the box did not sign for it"]
        )
        try room.run("rm", "\(room.spooled)/000009.m4s.age")
        #expect(try check(room.spooled).isComplete)
    }

    @Test("says which end is missing, and believes no line that the box did not sign for")
    func end() throws {
        try room.record()
        let all = try lines()
        for count in 1..<all.count {
            try write(log: all.prefix(count))
            let report = try check(room.spooled)
            #expect(!report.isComplete)
            #expect(
                report.problems.contains(
                    "the end of its log is missing: the box signed for \(all.count) lines, "
                        + "\(count) are here"
                )
            )
            let end = try #require(report.problems.first { $0.contains("end mark") })
            if count == 4 { #expect(end.contains("after 000002.m4s.age, at 6.0 s")) }
        }
        let gap = Leaf.gap(source: "board", reason: "stall", from: 1, to: 2).line
        try write(log: all.dropLast() + [gap, all[all.count - 1]])
        #expect(
            try check(room.spooled).problems
                == ["its log was altered: it is not what the box signed for"]
        )
        let cut = Leaf.cut(from: 0, to: 1 << 40, order: [UInt8](repeating: 1, count: 32)).line
        try write(log: all + [cut])
        let report = try check(room.spooled)
        #expect(
            report.problems
                == ["1 lines at the end of its log were never signed and are not believed"]
        )
        #expect((report.segments, report.cuts, report.end) == (4, [], "stopped"))
    }

    @Test("finds a lesson that was sealed anew for the teacher by somebody who is not the box")
    func forged() throws {
        try room.record()
        let stranger = try SigningKey.generate(.edDSA)
        let forged = try Age.seal(Array("not the lesson".utf8), to: [room.recipient])
        let object = Leaf.Object(
            name: "000001.m4s.age",
            bytes: Int64(forged.count),
            sha256: SHA256.hash(forged)
        )
        var all = try lines()
        all[2] = Leaf.segment(object, start: 2_000_000_000, duration: 2_000_000_000).line
        try room.write("\(place)/000001.m4s.age", forged)
        try write(log: all)
        #expect(try check(room.spooled).problems.count == 1)
        let none = "no checkpoint by the box is here: nothing shows that this is what it recorded"
        for note in [
            try room.note(over: all, by: stranger),
            try room.note(over: all, by: room.box, recording: String(repeating: "f", count: 32)),
            Array("garbage".utf8),
        ] {
            try room.write("\(place)/checkpoint", note)
            let problems = try check(room.spooled).problems
            #expect(problems.count == 2)
            #expect(
                problems.first?.hasPrefix("a checkpoint is not one that the box signed") == true
            )
            #expect(problems.last == none)
        }
        try room.run("rm", "\(room.spooled)/checkpoint")
        #expect(try check(room.spooled).problems == [none])
    }

    @Test("takes the latest that the box signed for of several logs and checkpoints")
    func versions() throws {
        try room.record()
        _ = try room.deliver()
        var open = try OpenRecording.recover(
            Staffroom.recording,
            in: try Folder(path: room.path + "/spool")
        )
        let order = [UInt8](repeating: 1, count: 32)
        _ = try open.cut(from: 4_000_000_000, to: 5_000_000_000, order: order, acknowledged: [])
        try room.sign(&open)
        let account = try room.deliver()
        let report = try check(account)
        #expect(report.problems == [])
        #expect(report.cuts == ["4.0 s to 5.0 s"])
        #expect(report.segments == 3)
        // A store that holds back the later log has the later checkpoint against it.
        let log = try room.names("account").filter { $0.hasPrefix("log-") }
        let sizes = try log.map { try room.read("account/\($0)").count }
        let latest = try #require(zip(log, sizes).max { $0.1 < $1.1 }?.0)
        try room.run("rm", "\(account)/\(latest)")
        let older = try check(account)
        #expect(older.problems.count == 1)
        #expect(older.problems.first?.hasPrefix("the end of its log is missing") == true)
        #expect(older.segments == 4)
        // And two logs of one box that are not one the beginning of the other.
        let fork = try lines().dropLast(2) + [Leaf.cut(from: 0, to: 1, order: order).line]
        try room.write("account/checkpoint-0", room.note(over: Array(fork), by: room.box))
        #expect(
            try check(account).problems
                .contains("the box signed for two different logs of this recording")
        )
    }

    @Test("warns where the room record of the box was not imported, and opens")
    func unknownBox() throws {
        try room.record()
        let known = try check(room.spooled)
        #expect(known.isBoxKnown && known.isComplete)
        try room.run("rm", "-r", "\(room.folder.path)/rooms")
        let report = try check(room.spooled)
        #expect(!report.isBoxKnown)
        #expect(report.box == room.box.verificationKey.thumbprint)
        #expect(report.problems.isEmpty && report.segments == 4)
        // Log and checkpoint still have to belong together.
        try write(log: try lines().dropLast())
        #expect(try !check(room.spooled).problems.isEmpty)
    }

    @Test("takes the whole chunks of a segment that is cut short, where that is asked for")
    func salvage() throws {
        try room.record(segmentSize: 200_000)
        _ = try Folder.make(path: room.path + "/out")
        let name = "000001.m4s.age"
        let good = try room.read("\(place)/\(name)")
        let plain = try room.opener().open(room.spooled, to: "\(room.path)/out/whole.mp4") { _ in }
        #expect(plain.isComplete)
        let whole = try room.read("out/whole.mp4")
        try room.write("\(place)/\(name)", Array(good.prefix(140_000)))
        let without = try room.opener().open(room.spooled, to: "\(room.path)/out/a.mp4") { _ in }
        #expect(without.segments == 3 && without.salvaged.isEmpty)
        let report = try room.opener(salvages: true)
            .open(room.spooled, to: "\(room.path)/out/b.mp4") { _ in }
        #expect(!report.isComplete)
        #expect(report.problems.count == 1)
        #expect(
            report.salvaged == ["\(name) (2.0 s to 4.0 s): 131072 of 200000 bytes"]
        )
        let salvaged = try room.read("out/b.mp4")
        #expect(salvaged.count == whole.count)
        let start = Staffroom.plain("000000.init.age").count
        #expect(salvaged.prefix(start + 131_072) == whole.prefix(start + 131_072))
        #expect(salvaged[(start + 131_072)..<(start + 200_000)].allSatisfy { $0 == 0 })
        #expect(salvaged.dropFirst(start + 200_000) == whole.dropFirst(start + 200_000))
        // Of a sealed file that ends before its first whole chunk there is nothing to take.
        try room.write("\(place)/\(name)", Array(good.prefix(60_000)))
        let nothing = try room.opener(salvages: true)
            .open(room.spooled, to: "\(room.path)/out/c.mp4") { _ in }
        #expect(nothing.salvaged.isEmpty && nothing.segments == 3)
    }
}
