package import Consent
internal import CryptoPrimitives
internal import LinuxSystem
package import Spool
private import Synchronization

/// The spool's side of one session.
///
/// Every call blocks on the disk and is made on the authority's disk thread only; the lock is for
/// the compiler, nobody waits for it.
package final class SessionRecords: Sendable {
    private let open = Mutex<SignedRecording?>(nil)
    private let spool: String
    private let recorderGroup: UInt32?
    private let signer: RecordingSigner

    /// How far a recording has come, durably.
    package struct Progress: Sendable {
        /// Whole seconds in segments.
        package let committed: Int64
        /// The checkpoint over its log: how many leaves, and the signed note.
        package let signed: Int64
        package let note: String
    }

    package init(spool: String, recorderGroup: UInt32?, signer: RecordingSigner) {
        self.spool = spool
        self.recorderGroup = recorderGroup
        self.signer = signer
    }

    /// Folder, token, card, sealed receipt, leaf 0 and the checkpoint over it, all durable.
    package func create(_ start: VerifiedStart, receipt: [UInt8]) throws(SpoolError) {
        let folder: Folder
        do throws(SystemError) { folder = try Folder(path: spool) } catch { throw .system(error) }
        let created = try SignedRecording.create(
            start.token.recording,
            in: folder,
            token: Array(start.tokenText.utf8),
            card: start.card.document,
            receipt: receipt,
            recorderGroup: recorderGroup,
            signer: signer
        )
        hold(created)
    }

    private func hold(_ recording: consuming SignedRecording) {
        // A consumed parameter cannot go into the lock's closure but by way of an optional.
        var slot: SignedRecording? = consume recording
        open.withLock { $0 = slot.take() }
    }

    /// Appends a leaf that the recorder reported, and signs for it.
    package func append(line: String) throws(SpoolError) -> Progress {
        let leaf: Leaf
        do {
            leaf = try Leaf(parsing: Array(line.utf8))
        } catch {
            throw .disorder("the recorder sent something that is no leaf: \(error)")
        }
        switch leaf {
        case .begin: throw .disorder("leaf 0 is the authority's own")
        case .cut: throw .disorder("only the teacher's signed order cuts")
        case .run, .segment, .gap, .end: break
        }
        return try open.withLock { (recording) throws(SpoolError) in
            guard recording != nil else { throw .disorder("no recording is open") }
            try recording?.append(leaf)
            let checkpoint = recording?.checkpoint ?? (size: 0, note: [])
            return Progress(
                committed: (recording?.committed ?? 0) / 1_000_000_000,
                signed: Int64(checkpoint.size),
                note: String(decoding: checkpoint.note, as: UTF8.self)
            )
        }
    }

    /// Takes a stretch out of the recording that is being written.
    package func cut(
        _ order: DeleteOrder,
        text: String,
        acknowledged: Set<Acknowledgement>
    )
        throws(SpoolError) -> Removal
    {
        try open.withLock { (recording) throws(SpoolError) in
            guard recording != nil else { throw .disorder("no recording is open") }
            return try recording?.cut(
                from: order.from,
                to: order.to,
                order: SHA256.hash(Array(text.utf8)),
                acknowledged: acknowledged
            ) ?? Removal()
        }
    }

    /// Writes and signs the end if that was not done, and lets go of the recording.
    package func seal(_ cause: StopCause, time: Int64) throws(SpoolError) {
        try open.withLock { (recording) throws(SpoolError) in
            try recording?.end(cause, time: time)
            recording = nil
        }
    }
}
