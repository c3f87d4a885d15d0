package import LinuxSystem
package import Spool
internal import TransparencyLog

/// What the disk says of a recording that is not being written, held against its checkpoint.
///
/// Lines beyond the checkpoint were written and never signed for: a crash came between. They are
/// good as far as they are leaves and the files that they name are sound; the first that is not, and
/// what follows it, was never promised to anybody. A log that is shorter than its checkpoint, or is not what was signed,
/// is damage: nothing of it is ever signed over.
package struct FoundRecording: Sendable {
    package let log: RecordingLog
    /// Leaves under the checkpoint.
    package let signed: Int
    /// The checkpoint, empty when there is none.
    package let note: [UInt8]
    /// Leaves that may be signed for.
    package let kept: Int

    package init(
        _ recording: String,
        in spool: borrowing Folder,
        signer: RecordingSigner
    ) throws(SpoolError) {
        let folder: Folder
        do throws(SystemError) {
            folder = try spool.folder(recording)
        } catch { throw .system(error) }
        let note = try Self.note(in: folder)
        let log = try RecordingLog(beginningIn: folder, recording: recording)
        let checkpoint = try signer.checkpoint(note, of: recording)
        // The first checkpoint stands before any device opens, and is never taken away.
        guard checkpoint?.covers(log.lines) ?? (log.leaves.count <= 1) else {
            throw .damaged(recording: recording, "its log is not what its checkpoint stands for")
        }
        signed = checkpoint?.size ?? 0
        var kept = signed
        for leaf in log.leaves.dropFirst(signed) {
            if let object = leaf.object, try !folder.holds(object) { break }
            kept += 1
        }
        self.log = log
        self.note = note ?? []
        self.kept = kept
    }

    private static func note(in folder: borrowing Folder) throws(SpoolError) -> [UInt8]? {
        do throws(SystemError) {
            guard try folder.contains(SpoolName.checkpoint) else { return nil }
            return try folder.read(SpoolName.checkpoint, limit: SignedNote.maximumByteCount)
        } catch { throw .system(error) }
    }
}
