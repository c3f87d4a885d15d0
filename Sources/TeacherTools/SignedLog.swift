internal import Consent
internal import CryptoPrimitives
internal import LinuxSystem
package import Spool
internal import TransparencyLog

/// The log of a recording as far as its box signed for it.
///
/// An account may hold several logs and checkpoints, of before and after a cut, and a store may hold
/// back, change or add some. The largest checkpoint that the box signed decides, together with a log
/// that is what it stands for; lines after those are nobody's word.
package struct SignedLog: Sendable {
    package let log: RecordingLog
    /// What is not as the box would have left it, in words.
    package let problems: [String]

    /// Judges what is in a recording's folder; nil when no log of it can be read at all.
    ///
    /// Without the box's `key` its signature cannot be checked, only that log and checkpoint belong
    /// together.
    init?(
        _ folder: borrowing RecordingFolder,
        recording: String,
        box: String,
        key: VerificationKey?
    ) throws(TeacherToolsError) {
        let logs = try folder.versions(of: SpoolName.log, limit: RecordingLog.byteLimit)
            .compactMap { try? RecordingLog(parsing: $0, recording: recording) }
            .sorted { $0.leaves.count > $1.leaves.count }
        guard let longest = logs.first else { return nil }
        var problems: [String] = []
        var signed: [Checkpoint] = []
        let origin = Checkpoint.recordingOrigin(box: box, recording: recording)
        for note in try folder.versions(
            of: SpoolName.checkpoint,
            limit: SignedNote.maximumByteCount
        ) {
            do throws(TransparencyLogError) {
                signed.append(try Self.checkpoint(note, origin, key))
            } catch {
                problems.append("a checkpoint is not one that the box signed: \(error)")
            }
        }
        signed.sort { $0.size > $1.size }
        let lines = logs.map(\.lines)
        guard let (checkpoint, index) = Self.match(signed, lines) else {
            self.log = longest
            self.problems =
                problems + [Self.unmatched(largest: signed.first, lines: longest.leaves.count)]
            return
        }
        if let largest = signed.first, largest.size > checkpoint.size {
            problems.append(Self.unmatched(largest: largest, lines: longest.leaves.count))
        }
        if signed.contains(where: { $0.size <= checkpoint.size && !$0.covers(lines[index]) }) {
            problems.append("the box signed for two different logs of this recording")
        }
        let extra = longest.leaves.count - checkpoint.size
        if extra > 0 {
            problems.append(
                "\(extra) lines at the end of its log were never signed and are not believed"
            )
        }
        do throws(SpoolError) {
            log = try logs[index].prefix(checkpoint.size)
        } catch { throw .notARecording("The recording's log is damaged: \(error).") }
        self.problems = problems
    }

    private static func checkpoint(
        _ note: [UInt8],
        _ origin: String,
        _ key: VerificationKey?
    ) throws(TransparencyLogError) -> Checkpoint {
        if let key { return try Checkpoint(verifying: note, origin: origin, key: key) }
        let checkpoint = try Checkpoint(text: try SignedNote(parsing: note).text)
        guard checkpoint.origin == origin else { throw .checkpointRefused(.otherLog) }
        return checkpoint
    }

    /// The largest checkpoint that one of the logs is covered by, and that log's index.
    private static func match(
        _ checkpoints: [Checkpoint],
        _ logs: [[[UInt8]]]
    )
        -> (Checkpoint, Int)?
    {
        for checkpoint in checkpoints {
            if let index = logs.firstIndex(where: { checkpoint.covers($0) }) {
                return (checkpoint, index)
            }
        }
        return nil
    }

    private static func unmatched(largest: Checkpoint?, lines: Int) -> String {
        guard let largest else {
            return "no checkpoint by the box is here: nothing shows that this is what it recorded"
        }
        if largest.size > lines {
            return "the end of its log is missing: the box signed for \(largest.size) lines, "
                + "\(lines) are here"
        }
        return "its log was altered: it is not what the box signed for"
    }
}
