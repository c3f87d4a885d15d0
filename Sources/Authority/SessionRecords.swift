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
    private let open = Mutex<OpenRecording?>(nil)
    private let spool: String
    private let recorderGroup: UInt32?

    package init(spool: String, recorderGroup: UInt32?) {
        self.spool = spool
        self.recorderGroup = recorderGroup
    }

    /// Folder, token, card, sealed receipt and leaf 0, all durable.
    package func create(_ start: VerifiedStart, receipt: [UInt8]) throws(SpoolError) {
        let folder: Folder
        do throws(SystemError) { folder = try Folder(path: spool) } catch { throw .system(error) }
        let created = try OpenRecording.create(
            start.token.recording,
            in: folder,
            token: Array(start.tokenText.utf8),
            card: start.card.document,
            receipt: receipt,
            recorderGroup: recorderGroup
        )
        hold(created)
    }

    private func hold(_ recording: consuming OpenRecording) {
        // A consumed parameter cannot go into the lock's closure but by way of an optional.
        var slot: OpenRecording? = consume recording
        open.withLock { $0 = slot.take() }
    }

    /// Appends a leaf that the recorder reported.
    ///
    /// Returns the seconds committed so far.
    package func append(line: String) throws(SpoolError) -> Int64 {
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
            return (recording?.committed ?? 0) / 1_000_000_000
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

    /// Writes the end if the recorder did not, and lets go of the recording.
    package func seal(_ cause: StopCause, time: Int64) throws(SpoolError) {
        try open.withLock { (recording) throws(SpoolError) in
            guard let segments = recording?.segments, let ended = recording?.hasEnded else {
                return
            }
            if !ended {
                try recording?.append(
                    .end(reason: cause.rawValue, time: time, segments: segments, summary: nil)
                )
            }
            try recording?.closeToRecorder()
            recording = nil
        }
    }
}
