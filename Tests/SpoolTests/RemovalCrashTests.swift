import CryptoPrimitives
internal import Glibc
import LinuxSystem
import Testing

@testable import Spool

/// In the same suite as the other crash tests, because only one at a time may stand between the
/// program and the C library.
extension CrashTests {
    private static let order = Array("the order's text".utf8)

    @Sendable private static func cut(in path: String) throws {
        var open = try OpenRecording.recover(Lesson.recording, in: try Folder(path: path))
        _ = try open.cut(
            from: 0,
            to: 3 * Lesson.second,
            order: SHA256.hash(order),
            acknowledged: []
        )
        try open.removeCut()
    }

    @Sendable private static func delete(in path: String) throws {
        _ = try SpoolFolder.delete(
            Lesson.recording,
            spool: path,
            order: order,
            acknowledged: []
        )
    }

    /// What the authority does with a recording at its start.
    private func recover(in path: String) throws {
        for recording in try SpoolFolder.recordings(path) {
            if try SpoolFolder.finishDeletion(recording, spool: path) { continue }
            let open = try OpenRecording.recover(recording, in: try Folder(path: path))
            try open.removeCut()
        }
    }

    /// Every leaf names a whole file, or one that a cut before any removal has named.
    private func expectSound(_ spool: TemporaryFolder, _ context: Comment) throws -> RecordingLog {
        let log = try RecordingLog(
            parsing: spool.read(Lesson.recording, "log"),
            recording: Lesson.recording
        )
        for content in log.contents {
            #expect(
                SHA256.hash(try spool.read(Lesson.recording, content.name)) == content.sha256,
                context
            )
        }
        return log
    }

    @Test("a cut has its leaf on the disk before any of its files goes, and the folder is synced")
    func cutOrder() throws {
        let spool = try TemporaryFolder()
        try Lesson.record(in: spool.path, segments: 3)
        let calls = try SystemCalls.run(.trace) { try Self.cut(in: spool.path) }.calls
        #expect(
            calls == [
                "write log", "fsync log", "unlink 000001.m4s.age",
                "unlink 000002.m4s.age", "fsync \(Lesson.recording)",
            ]
                || calls == [
                    "write log", "fsync log", "unlink 000002.m4s.age",
                    "unlink 000001.m4s.age", "fsync \(Lesson.recording)",
                ]
        )
    }

    @Test("a cut that is killed has either not begun or is finished by the recovery")
    func cut() async throws {
        let trial = try TemporaryFolder()
        try Lesson.record(in: trial.path, segments: 3)
        let steps = try SystemCalls.run(.trace) { try Self.cut(in: trial.path) }.steps
        #expect(steps >= 11)
        var begun = 0
        for step in 1...steps {
            let spool = try TemporaryFolder()
            try Lesson.record(in: spool.path, segments: 3)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = spool.path as String, step = step as Int] in
                _ = try SystemCalls.run(.kill(step: step)) { try Self.cut(in: path) }
            }
            _ = try expectSound(spool, "killed at step \(step)")
            try recover(in: spool.path)
            let log = try expectSound(spool, "recovered after step \(step)")
            let media = try spool.names(Lesson.recording).filter { $0.hasSuffix("m4s.age") }
            if log.removed.isEmpty {
                #expect(media.count == 3, "step \(step)")
            } else {
                begun += 1
                #expect(media == [SpoolName.media(3)], "step \(step)")
            }
            #expect(log.order.hasEnded)
            // Given again, the order comes to the same.
            try Self.cut(in: spool.path)
            let names = try spool.names(Lesson.recording)
            #expect(try names == trial.names(Lesson.recording), "step \(step)")
        }
        #expect(begun > 5 && begun < steps)
    }

    @Test("a discard has its tombstone on the disk before any file goes")
    func deletionOrder() throws {
        let spool = try TemporaryFolder()
        try Lesson.record(in: spool.path, segments: 1)
        let names = try spool.names(Lesson.recording)
        let calls = try SystemCalls.run(.trace) { try Self.delete(in: spool.path) }.calls
        let folder = String(spool.path.dropFirst(5))
        let tombstone = ".\(Lesson.recording).deleted.part"
        #expect(
            calls == [
                "unlink \(tombstone)", "write \(tombstone)", "fsync \(tombstone)",
                "fsync \(folder)",
            ] + names.map { "unlink \($0)" } + [
                "fsync \(Lesson.recording)", "unlink \(Lesson.recording)", "fsync \(folder)",
            ]
        )
    }

    @Test("a discard that is killed has either not begun or is finished by the recovery")
    func deletion() async throws {
        let trial = try TemporaryFolder()
        try Lesson.record(in: trial.path, segments: 1)
        let steps = try SystemCalls.run(.trace) { try Self.delete(in: trial.path) }.steps
        #expect(steps >= 28)
        var begun = 0
        for step in 1...steps {
            let spool = try TemporaryFolder()
            try Lesson.record(in: spool.path, segments: 1)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = spool.path as String, step = step as Int] in
                _ = try SystemCalls.run(.kill(step: step)) { try Self.delete(in: path) }
            }
            let tombstone = SpoolName.tombstone(Lesson.recording)
            let isDeleted = try spool.folder().contains(tombstone)
            if !isDeleted { _ = try expectSound(spool, "killed at step \(step)") }
            try recover(in: spool.path)
            let recordings = try SpoolFolder.recordings(spool.path)
            if isDeleted {
                begun += 1
                #expect(recordings.isEmpty, "step \(step)")
                #expect(
                    try spool.folder().read(tombstone, limit: 100) == Self.order,
                    "step \(step)"
                )
            } else {
                #expect(try spool.names(Lesson.recording).count == 8, "step \(step)")
                _ = try expectSound(spool, "recovered after step \(step)")
            }
            try Self.delete(in: spool.path)
            #expect(try spool.folder().names() == [tombstone], "step \(step)")
        }
        #expect(begun > 10 && begun < steps)
    }

    @Test("a cut whose leaf cannot be written removes nothing", arguments: ["write", "fsync"])
    func failedCut(call: String) throws {
        let spool = try TemporaryFolder()
        try Lesson.record(in: spool.path, segments: 3)
        let names = try spool.names(Lesson.recording)
        _ = SystemCalls.run(.fail(name: call, number: 1, error: EIO)) {
            #expect(kind { try Self.cut(in: spool.path) } == "system")
        }
        #expect(try spool.names(Lesson.recording) == names)
    }

    @Test("a discard whose tombstone is not durable removes nothing", arguments: [1, 2])
    func failedDeletion(number: Int) throws {
        let spool = try TemporaryFolder()
        try Lesson.record(in: spool.path)
        let names = try spool.names(Lesson.recording)
        _ = SystemCalls.run(.fail(name: "fsync", number: number, error: EIO)) {
            #expect(kind { try Self.delete(in: spool.path) } == "system")
        }
        #expect(try spool.names(Lesson.recording) == names)
    }
}
