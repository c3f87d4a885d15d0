internal import Consent
package import CryptoPrimitives
internal import LinuxSystem
private import Synchronization
package import TransparencyLog

/// The box's append-only record of every session (`/var/lib/lenscap/log`): `entries`, one line
/// each, and `checkpoint`, a signed note over all of them.
///
/// Rule: a line is durable before the checkpoint that covers it, and both before anything relies
/// on the entry. What if not: a power cut leaves a signature over an entry that is not there.
///
/// Blocks on the disk and is called on the authority's disk thread only; the lock is for the
/// compiler, nobody waits for it.
package final class ActivationLog: Sendable {
    private static let entriesName = "entries"
    private static let checkpointName = "checkpoint"
    /// Some twenty years of a busy room.
    private static let byteLimit = 1 << 28

    private struct State {
        var lines: [[UInt8]] = []
        var tree = MerkleTree()
        var note: [UInt8] = []
        /// A write failed: what is on the disk is not known, so nothing more is written.
        var isBroken = false
    }

    private let folder: Folder
    private let key: SigningKey
    private let origin: String
    private let state = Mutex(State())

    /// Opens the log, or begins it, and holds it to its own checkpoint.
    ///
    /// A log that is shorter than its checkpoint says, or not what it signed, is refused: the box
    /// then starts nothing.
    package init(folder path: String, key: SigningKey) throws(AuthorityError) {
        self.key = key
        origin = Checkpoint.activationOrigin(box: key.verificationKey.thumbprint)
        let opened: Folder
        do throws(SystemError) { opened = try Folder(path: path) } catch { throw .system(error) }
        folder = opened
        var lines: [[UInt8]] = []
        var tree = MerkleTree()
        let (whole, length) = try Self.wholeLines(in: folder)
        for line in whole {
            lines.append(line)
            tree.append(line)
        }
        // Before anything is changed: what an auditor has to see stays as it was found.
        try Self.check(tree, folder, key, origin)
        try Self.removeTornLine(in: folder, after: length)
        let note = try Self.sign(tree.head, key, origin)
        state.withLock { state in
            state = State(lines: lines, tree: tree, note: note)
        }
        do throws(SystemError) {
            try folder.writeDurably(Self.checkpointName, note, replacing: true)
        } catch { throw .system(error) }
    }

    /// Appends durably; returns the entry's index.
    @discardableResult
    package func append(_ entry: ActivationEntry) throws(AuthorityError) -> Int64 {
        let line = entry.line
        return try state.withLock { (state) throws(AuthorityError) in
            guard !state.isBroken else { throw Self.altered("an entry could not be written") }
            state.isBroken = true
            state.tree.append(line)
            let note = try Self.sign(state.tree.head, key, origin)
            do throws(SystemError) {
                let file = try folder.file(Self.entriesName, [.write, .append, .create])
                let isFirst = try file.status().size == 0
                try file.writeAll(line + [UInt8(ascii: "\n")])
                try file.synchronize()
                if isFirst { try folder.synchronize() }
                try folder.writeDurably(Self.checkpointName, note, replacing: true)
            } catch { throw .system(error) }
            state.isBroken = false
            state.note = note
            state.lines.append(line)
            return Int64(state.lines.count - 1)
        }
    }

    /// The state that challenges name.
    ///
    /// Without an entry whose write failed: nothing signs for it.
    package var head: TreeHead {
        state.withLock { $0.tree.head(atSize: $0.lines.count) ?? $0.tree.head }
    }

    /// The signed note over the present state, and its size.
    package var checkpoint: (size: Int, note: [UInt8]) {
        state.withLock { ($0.lines.count, $0.note) }
    }

    /// The lines from an index on, at most so many.
    package func lines(from index: Int, count: Int) -> [[UInt8]] {
        state.withLock { state in
            guard index >= 0, index < state.lines.count, count > 0 else { return [] }
            return Array(state.lines[index..<min(state.lines.count, index + count)])
        }
    }

    /// Nil when there are no such states.
    package func consistency(from old: Int, to new: Int) -> ConsistencyProof? {
        state.withLock { try? $0.tree.consistencyProof(from: old, to: new) }
    }

    /// The key under the name that notes know it by, for auditors.
    package var noteKey: NoteKey? { try? NoteKey(name: origin, key: key.verificationKey) }

    /// The lines, without one that a crash cut short, and the bytes that they take.
    private static func wholeLines(
        in folder: borrowing Folder
    ) throws(AuthorityError)
        -> (lines: [[UInt8]], length: Int)
    {
        do throws(SystemError) {
            guard try folder.contains(entriesName) else { return ([], 0) }
            let bytes = try folder.read(entriesName, limit: byteLimit)
            let end = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            // An empty line is none that was signed, so it is not passed over.
            let lines = bytes[..<end].split(
                separator: UInt8(ascii: "\n"),
                omittingEmptySubsequences: false
            ).dropLast()
            return (lines.map { Array($0) }, end)
        } catch { throw .system(error) }
    }

    private static func removeTornLine(
        in folder: borrowing Folder,
        after length: Int
    )
        throws(AuthorityError)
    {
        do throws(SystemError) {
            guard try folder.contains(entriesName) else { return }
            let file = try folder.file(entriesName, [.readWrite])
            guard try file.status().size > length else { return }
            try file.truncate(to: length)
            try file.synchronize()
        } catch { throw .system(error) }
    }

    private static func check(
        _ tree: MerkleTree,
        _ folder: borrowing Folder,
        _ key: SigningKey,
        _ origin: String
    ) throws(AuthorityError) {
        let note: [UInt8]
        do throws(SystemError) {
            guard try folder.contains(checkpointName) else {
                if tree.head.size == 0 { return }
                throw SystemError.missing("checkpoint", folder.path)
            }
            note = try folder.read(checkpointName, limit: SignedNote.maximumByteCount)
        } catch { throw altered("\(error)") }
        do {
            let checkpoint = try Checkpoint(
                verifying: note,
                with: try NoteKey(name: origin, key: key.verificationKey)
            )
            let head = checkpoint.head
            guard tree.head(atSize: head.size) == head else {
                throw altered("it is not what was signed")
            }
        } catch let error as AuthorityError {
            throw error
        } catch {
            throw altered("\(error)")
        }
    }

    private static func altered(_ why: String) -> AuthorityError {
        .refused(
            Refusal(
                .log,
                "The activation log was altered or cut: \(why). Nothing starts until an auditor "
                    + "has seen it."
            )
        )
    }

    private static func sign(
        _ head: TreeHead,
        _ key: SigningKey,
        _ origin: String
    )
        throws(AuthorityError) -> [UInt8]
    {
        do {
            return try Checkpoint(origin: origin, head: head).signed(with: key).bytes
        } catch {
            throw .refused(Refusal(.log, "The activation log cannot be signed: \(error)."))
        }
    }
}
