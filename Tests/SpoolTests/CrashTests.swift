import CryptoPrimitives
internal import Glibc
import LinuxSystem
import Testing

@testable import Spool

@Suite("Whatever the moment at which the process dies or the disk fails", .serialized)
struct CrashTests {
    @Test("every file is durable before its leaf is written, and the leaf before append returns")
    func order() throws {
        let spool = try TemporaryFolder()
        let calls = try SystemCalls.run(.trace) {
            try Lesson.record(in: spool.path, segments: 1)
        }.calls
        let recording = Lesson.recording
        func object(_ name: String) -> [String] {
            [
                "unlink .\(name).part", "write .\(name).part", "fsync .\(name).part",
                "fsync \(recording)",
            ]
        }
        let leaf = ["write log", "fsync log"]
        let beginning =
            ["mkdir \(recording)", "fchmod \(recording)", "fsync \(spool.path.dropFirst(5))"]
            + object("token.jws") + object("card.json") + object("receipt.json.age")
        #expect(
            calls
                == beginning + ["fsync \(recording)"] + leaf
                + object("000000.init.age") + leaf + object("000001.m4s.age") + leaf
                + object("summary.json.age") + leaf + object("checkpoint")
        )
    }

    @Test("an acknowledgement is durable when append returns")
    func acknowledgement() throws {
        let outbox = try TemporaryFolder()
        let entry = Acknowledgement(
            recording: Lesson.recording,
            name: "log",
            sha256: [UInt8](repeating: 1, count: 32)
        )
        let append = { try AcknowledgementJournal.append(entry, outbox: outbox.path) }
        for _ in 0..<2 {
            #expect(
                try SystemCalls.run(.trace, append).calls
                    == [
                        "write acknowledged", "fsync acknowledged",
                        "fsync \(outbox.path.dropFirst(5))",
                    ]
            )
        }
    }

    @Test("a recording killed while it is made has only leaves of complete files, and is recovered")
    func recording() async throws {
        let trial = try TemporaryFolder()
        let steps = try SystemCalls.run(.trace) { try Lesson.record(in: trial.path) }.steps
        #expect(steps > 80)
        for step in 1...steps {
            let spool = try TemporaryFolder()
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = spool.path as String, step = step as Int] in
                _ = try SystemCalls.run(.kill(step: step)) { try Lesson.record(in: path) }
            }
            try Lesson.expectInvariant(spool.path, "killed at step \(step)")
            try Lesson.recover(in: spool.path)
            try Lesson.expectInvariant(spool.path, "recovered after step \(step)")
            for recording in try SpoolFolder.recordings(spool.path) {
                let log = try RecordingLog(
                    parsing: spool.read(recording, "log"),
                    recording: recording
                )
                #expect(log.order.hasEnded, "step \(step)")
                #expect(
                    try spool.names(recording).allSatisfy { !$0.hasPrefix(".") },
                    "step \(step)"
                )
            }
        }
    }

    @Test("a recovery that is killed is finished by the next one")
    func recovery() async throws {
        func interrupted() throws -> TemporaryFolder {
            let spool = try TemporaryFolder()
            try Lesson.record(in: spool.path, ends: false)
            try spool.write("\(Lesson.recording)/log", Array("{\"duration".utf8), appending: true)
            try spool.write("\(Lesson.recording)/.000003.m4s.age.part", [1, 2, 3])
            return spool
        }
        let trial = try interrupted()
        let steps = try SystemCalls.run(.trace) { try Lesson.recover(in: trial.path) }.steps
        #expect(steps >= 8)
        let expected = try RecordingLog(
            parsing: trial.read(Lesson.recording, "log"),
            recording: Lesson.recording
        )
        for step in 1...steps {
            let spool = try interrupted()
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = spool.path as String, step = step as Int] in
                _ = try SystemCalls.run(.kill(step: step)) { try Lesson.recover(in: path) }
            }
            try Lesson.expectInvariant(spool.path, "killed at step \(step)")
            try Lesson.recover(in: spool.path)
            let log = try RecordingLog(
                parsing: spool.read(Lesson.recording, "log"),
                recording: Lesson.recording
            )
            #expect(log.leaves == expected.leaves, "step \(step)")
        }
    }

    @Test("a removal that is killed is finished by the next one")
    func removal() async throws {
        let trial = try TemporaryFolder()
        try Lesson.record(in: trial.path, segments: 1)
        let all = try Lesson.acknowledgements(in: trial.path)
        for entry in all { try AcknowledgementJournal.append(entry, outbox: trial.path) }
        let steps = try SystemCalls.run(.trace) {
            _ = try SpoolFolder.removeIfDelivered(
                Lesson.recording,
                spool: trial.path,
                acknowledged: all
            )
        }.steps
        #expect(steps >= 20)
        for step in 1...steps {
            let spool = try TemporaryFolder()
            try Lesson.record(in: spool.path, segments: 1)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = spool.path as String, outbox = trial.path as String, step = step as Int] in
                let all = try AcknowledgementJournal.read(outbox: outbox)
                _ = try SystemCalls.run(.kill(step: step)) {
                    _ = try SpoolFolder.removeIfDelivered(
                        Lesson.recording,
                        spool: path,
                        acknowledged: all
                    )
                }
            }
            if try !SpoolFolder.recordings(spool.path).isEmpty {
                #expect(
                    try SpoolFolder.removeIfDelivered(
                        Lesson.recording,
                        spool: spool.path,
                        acknowledged: all
                    ),
                    "step \(step)"
                )
            }
            #expect(try spool.folder().names().isEmpty, "step \(step)")
        }
    }

    @Test("a failed write tears nothing: the next leaf follows the last whole one")
    func failedWrite() throws {
        let spool = try TemporaryFolder()
        var open = try Lesson.create(in: try spool.folder())
        let before = try spool.read(Lesson.recording, "log")
        let gap = Leaf.gap(source: "board", reason: "stall", from: 1, to: 2)
        _ = SystemCalls.run(.fail(name: "write", number: 1, error: ENOSPC)) {
            #expect(kind { try open.append(gap) } == "no space")
        }
        #expect(try spool.read(Lesson.recording, "log") == before)
        try open.append(gap)
        #expect(try spool.read(Lesson.recording, "log") == before + gap.line + [0x0A])
    }

    @Test("a failed sync of the log is not tried again: nothing more is written to it")
    func failedSync() throws {
        let spool = try TemporaryFolder()
        var open = try Lesson.create(in: try spool.folder())
        let gap = Leaf.gap(source: "board", reason: "stall", from: 1, to: 2)
        _ = SystemCalls.run(.fail(name: "fsync", number: 1, error: EIO)) {
            #expect(kind { try open.append(gap) } == "system")
        }
        let after = try spool.read(Lesson.recording, "log")
        let calls = SystemCalls.run(.trace) {
            #expect(kind { try open.append(gap) } == "damaged")
        }.calls
        #expect(calls.isEmpty)
        #expect(try spool.read(Lesson.recording, "log") == after)
        try Lesson.recover(in: spool.path)
        try Lesson.expectInvariant(spool.path, "after the failed sync")
    }

    @Test("a journal whose sync fails goes on in another file")
    func failedJournal() throws {
        let outbox = try TemporaryFolder()
        let entries = (0..<3).map { number in
            Acknowledgement(
                recording: Lesson.recording,
                name: "\(number)",
                sha256: SHA256.hash([UInt8(number)])
            )
        }
        try AcknowledgementJournal.append(entries[0], outbox: outbox.path)
        let failed = try Descriptor.open("\(outbox.path)/acknowledged")
        _ = SystemCalls.run(.fail(name: "fsync", number: 1, error: EIO)) {
            #expect(
                kind { try AcknowledgementJournal.append(entries[1], outbox: outbox.path) }
                    == "system"
            )
        }
        #expect(try failed.status().links == 0)
        try AcknowledgementJournal.append(entries[2], outbox: outbox.path)
        #expect(try AcknowledgementJournal.read(outbox: outbox.path) == Set(entries))
        #expect(try outbox.folder().names() == ["acknowledged"])
    }

    @Test("a checkpoint whose sync fails is the last that is tried", arguments: [1, 2])
    func failedCheckpoint(number: Int) throws {
        let spool = try TemporaryFolder()
        var open = try Lesson.create(in: try spool.folder())
        try open.keep(checkpoint: [1])
        let failed = SystemCalls.run(.fail(name: "fsync", number: number, error: EIO)) {
            #expect(kind { try open.keep(checkpoint: [2]) } == "system")
        }
        #expect(failed.calls.count { $0.hasPrefix("fsync") } == number)
        let calls = SystemCalls.run(.trace) {
            #expect(kind { try open.keep(checkpoint: [3]) } == "damaged")
        }.calls
        #expect(calls.isEmpty)
        // The old one whole or the new one whole.
        #expect(try [[1], [2]].contains(spool.read(Lesson.recording, "checkpoint")))
        #expect(try spool.names(Lesson.recording).allSatisfy { !$0.hasPrefix(".") })
    }

    @Test("a checkpoint that finds no space leaves the last one and may be tried again")
    func fullCheckpoint() throws {
        let spool = try TemporaryFolder()
        var open = try Lesson.create(in: try spool.folder())
        try open.keep(checkpoint: [1])
        _ = SystemCalls.run(.fail(name: "write", number: 1, error: ENOSPC)) {
            #expect(kind { try open.keep(checkpoint: [2, 2]) } == "no space")
        }
        #expect(try spool.read(Lesson.recording, "checkpoint") == [1])
        try open.keep(checkpoint: [3])
        #expect(try spool.read(Lesson.recording, "checkpoint") == [3])
    }

    @Test("an object whose sync fails is not there", arguments: [1, 2])
    func failedObject(number: Int) throws {
        let spool = try TemporaryFolder()
        _ = try Lesson.create(in: try spool.folder())
        let writer = try ObjectWriter(recording: Lesson.recording, spool: spool.path)
        _ = SystemCalls.run(.fail(name: "fsync", number: number, error: EIO)) {
            #expect(kind { _ = try writer.write("000000.init.age", Lesson.bytes(0)) } == "system")
        }
        #expect(try spool.names(Lesson.recording).allSatisfy { !$0.hasPrefix(".") })
        // After a failed sync of the folder the name may be there; no leaf names it.
        #expect(try spool.names(Lesson.recording).contains("000000.init.age") == (number == 2))
    }

    @Test(
        "a full disk is said as such and tears nothing",
        .enabled(if: FullDisk.isPossible, "mounting a small disk needs root")
    )
    func fullDisk() throws {
        let disk = try FullDisk(size: "160k")
        var open = try Lesson.create(in: try disk.mount.folder())
        let writer = try ObjectWriter(recording: Lesson.recording, spool: disk.mount.path)
        let initial = try writer.write("000000.init.age", Lesson.bytes(0))
        try open.append(.run(initial: initial, tracks: Lesson.tracks))
        // An object that does not fit leaves nothing behind.
        let large = [UInt8](repeating: 1, count: 1 << 20)
        #expect(kind { _ = try writer.write("000001.m4s.age", large) } == "no space")
        #expect(
            try disk.mount.names(Lesson.recording)
                == ["000000.init.age", "card.json", "log", "receipt.json.age", "token.jws"]
        )
        // Leaves until none fits any more; the file system counts in pages.
        try disk.fill()
        let gap = Leaf.gap(
            source: String(repeating: "b", count: 500),
            reason: "stall",
            from: 1,
            to: 2
        )
        var count = 0
        while kind({ try open.append(gap) }) == "none" { count += 1 }
        #expect(count < 10)
        #expect(kind { try open.append(gap) } == "no space")
        try Lesson.expectInvariant(disk.mount.path, "on the full disk")
        let log = try disk.mount.read(Lesson.recording, "log")
        #expect(log.last == 0x0A)
        // With space again the recording goes on and ends.
        try disk.mount.folder().remove("filler")
        try open.append(.end(reason: "space", time: 1, segments: 0, summary: nil))
        let read = try RecordingLog(
            parsing: disk.mount.read(Lesson.recording, "log"),
            recording: Lesson.recording
        )
        #expect(read.leaves.count == 3 + count)
        #expect(read.order.hasEnded)
        // A recording that cannot even begin is taken away by the next start.
        try disk.mount.folder().folder(Lesson.recording).remove("000000.init.age")
        try disk.fill()
        let other = "ff" + Lesson.recording.dropFirst(2)
        #expect(
            kind {
                _ = try OpenRecording.create(
                    other,
                    in: try disk.mount.folder(),
                    token: large,
                    card: [],
                    receipt: [],
                    recorderGroup: nil
                )
            } == "no space"
        )
        if try SpoolFolder.recordings(disk.mount.path).contains(other) {
            #expect(try SpoolFolder.removeIfUnbegun(other, spool: disk.mount.path))
        }
    }
}

/// A small disk of its own, so that it can be full.
final class FullDisk {
    static let isPossible: Bool = {
        guard getuid() == 0, let folder = try? TemporaryFolder() else { return false }
        let result = try? runCommand("mount", ["-t", "tmpfs", "tmpfs", folder.path])
        guard result?.status.isSuccess == true else { return false }
        _ = try? runCommand("umount", [folder.path])
        return true
    }()

    let mount: TemporaryFolder

    init(size: String) throws {
        mount = try TemporaryFolder()
        let result = try runCommand(
            "mount",
            ["-t", "tmpfs", "-o", "size=\(size)", "tmpfs", mount.path]
        )
        #expect(result.status.isSuccess, "\(result.errorText)")
    }

    deinit { _ = try? runCommand("umount", [mount.path]) }

    /// Takes every page that is left.
    func fill() throws {
        let file = try mount.folder().file("filler", [.write, .create, .append])
        while (try? file.writeAll([UInt8](repeating: 0, count: 4096))) != nil {}
    }
}
