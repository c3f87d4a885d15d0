internal import CryptoPrimitives
package import LinuxSystem
package import Spool
internal import TransparencyLog

/// A recording's log and the checkpoint over it, as the authority writes them.
///
/// Rule: a leaf is durable before it is signed for, and the files of a `cut` go only when its leaf
/// is. What if not: a power cut leaves a signature over a leaf that is not there, or over a file
/// that is gone without a word. The tree is kept from leaves that were appended or read here; bytes
/// that somebody handed over are never signed.
///
/// Blocks on the disk: belongs to a worker thread.
package struct SignedRecording: ~Copyable, Sendable {
    private var recording: OpenRecording
    private var tree: CompactMerkleTree
    private let signer: RecordingSigner
    /// The last durable checkpoint, and how many leaves it covers.
    package private(set) var checkpoint: (size: Int, note: [UInt8]) = (0, [])
    /// Lines that ``recover(_:in:signer:)`` took away.
    package private(set) var dropped = 0
    /// Lines that it found unsigned, and signed for.
    package private(set) var adopted: [[UInt8]] = []

    /// Makes the folder with token, card, receipt, leaf 0 and the checkpoint over it, all durable.
    package static func create(
        _ recording: String,
        in spool: borrowing Folder,
        token: [UInt8],
        card: [UInt8],
        receipt: [UInt8],
        recorderGroup: UInt32?,
        signer: RecordingSigner
    ) throws(SpoolError) -> SignedRecording {
        let open = try OpenRecording.create(
            recording,
            in: spool,
            token: token,
            card: card,
            receipt: receipt,
            recorderGroup: recorderGroup
        )
        var tree = CompactMerkleTree()
        tree.append(
            Leaf.begin(
                token: SHA256.hash(token),
                card: SHA256.hash(card),
                receipt: SHA256.hash(receipt)
            ).line
        )
        var new = SignedRecording(open, tree, signer)
        try new.sign()
        return new
    }

    /// Opens a recording that is not being written: one that a crash left, or that waits.
    ///
    /// What ``FoundRecording`` finds sound is kept and signed for.
    package static func recover(
        _ recording: String,
        in spool: borrowing Folder,
        signer: RecordingSigner
    ) throws(SpoolError) -> SignedRecording {
        let found = try FoundRecording(recording, in: spool, signer: signer)
        let isSigned = found.signed == found.log.leaves.count
        let open = try OpenRecording.recover(
            recording,
            in: spool,
            keeping: found.kept,
            isSigned: isSigned
        )
        var tree = CompactMerkleTree()
        for line in found.log.lines.prefix(found.kept) { tree.append(line) }
        var recovered = SignedRecording(open, tree, signer)
        recovered.checkpoint = (found.signed, found.note)
        recovered.dropped = found.log.leaves.count - found.kept
        recovered.adopted = Array(found.log.lines[found.signed..<found.kept])
        if !isSigned { try recovered.sign() }
        return recovered
    }

    private init(
        _ recording: consuming OpenRecording,
        _ tree: CompactMerkleTree,
        _ signer: RecordingSigner
    ) {
        self.recording = recording
        self.tree = tree
        self.signer = signer
    }

    package var name: String { recording.recording }
    /// Nanoseconds of the timeline that segments cover.
    package var committed: Int64 { recording.committed }
    package var hasEnded: Bool { recording.hasEnded }

    /// Appends a leaf and signs for it; both are durable when this returns.
    package mutating func append(_ leaf: Leaf) throws(SpoolError) {
        try recording.append(leaf)
        tree.append(leaf.line)
        try sign()
    }

    /// Takes whole segments out: the `cut` leaf, its checkpoint, then the files.
    package mutating func cut(
        from: Int64,
        to: Int64,
        order: [UInt8],
        acknowledged: Set<Acknowledgement>
    ) throws(SpoolError) -> Removal {
        let removal = try recording.cut(
            from: from,
            to: to,
            order: order,
            acknowledged: acknowledged
        )
        tree.append(Leaf.cut(from: from, to: to, order: order).line)
        try sign()
        try recording.removeCut()
        return removal
    }

    /// Writes the end if nothing did, signs for it and closes the folder to later recorders.
    package mutating func end(_ cause: StopCause, time: Int64) throws(SpoolError) {
        if !recording.hasEnded {
            try append(
                .end(
                    reason: cause.rawValue,
                    time: time,
                    segments: recording.segments,
                    summary: nil
                )
            )
        } else if checkpoint.size < tree.size {
            try sign()
        }
        try recording.closeToRecorder()
    }

    /// Finishes what a crash interrupted: cuts whose files are still there, files half written.
    package borrowing func clear() throws(SpoolError) {
        try recording.removeCut()
        try recording.removeLeftovers()
    }

    private mutating func sign() throws(SpoolError) {
        let note = try signer.note(over: tree.head, of: recording.recording)
        try recording.keep(checkpoint: note)
        checkpoint = (tree.size, note)
    }
}
