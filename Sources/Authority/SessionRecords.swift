package import Consent
internal import CryptoPrimitives
internal import LinuxSystem
package import Spool
private import Synchronization

/// The spool's side of one session.
///
/// What the disk refused is not given up: the lines wait until the session is over, and are then
/// written to what the disk is found to hold. So a passing error costs no segment.
///
/// Every call blocks on the disk and is made on the authority's disk thread only; the lock is for
/// the compiler, nobody waits for it.
package final class SessionRecords: Sendable {
    /// A lesson that is being stopped has its last segments, gaps and its end to say, and no more.
    fileprivate static let waitingLimit = 64

    fileprivate struct Session: ~Copyable {
        var recording: SignedRecording?
        /// Leaves that are not known to be durable and signed for, from the first that failed on.
        var waiting: [Leaf] = []
        /// Why that one failed.
        var failure: SpoolError?
    }

    private let session = Mutex(Session())
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
        let created = try SignedRecording.create(
            start.token.recording,
            in: try SpoolKeeper.folder(spool),
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
        session.withLock { session in
            session = Session()
            session.recording = slot.take()
        }
    }

    /// Appends a leaf that the recorder reported, and signs for it.
    ///
    /// After an error of the disk this and all that follow are kept for ``seal(_:time:)``.
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
        return try session.withLock { (session) throws(SpoolError) in
            guard session.recording != nil else { throw .disorder("no recording is open") }
            do throws(SpoolError) {
                if let failure = session.failure { throw failure }
                try session.recording?.append(leaf)
            } catch {
                if case .disorder = error { throw error }
                session.failure = error
                session.wait(leaf)
                throw error
            }
            let checkpoint = session.recording?.checkpoint ?? (size: 0, note: [])
            return Progress(
                committed: (session.recording?.committed ?? 0) / 1_000_000_000,
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
        try session.withLock { (session) throws(SpoolError) in
            guard session.recording != nil else { throw .disorder("no recording is open") }
            return try session.recording?.cut(
                from: order.from,
                to: order.to,
                order: SHA256.hash(Array(text.utf8)),
                acknowledged: acknowledged
            ) ?? Removal()
        }
    }

    /// Writes what waits and the end, if that was not done, signs for them, and lets go of the
    /// recording.
    ///
    /// Call it when no recorder writes to the folder any more.
    package func seal(_ cause: StopCause, time: Int64) throws(SpoolError) {
        try session.withLock { (session) throws(SpoolError) in
            guard session.recording != nil else { return }
            do throws(SpoolError) {
                if let failure = session.failure { throw failure }
                try session.recording?.end(cause, time: time)
            } catch {
                try session.reopen(in: try SpoolKeeper.folder(spool), signer: signer)
                try session.writeWaiting()
                try session.recording?.end(cause, time: time)
            }
            session.recording = nil
        }
    }
}

extension SessionRecords.Session {
    fileprivate mutating func wait(_ leaf: Leaf) {
        if waiting.count < SessionRecords.waitingLimit { waiting.append(leaf) }
    }

    /// Reads the recording again: after an error its files may hold more than is known here, or less.
    fileprivate mutating func reopen(
        in spool: borrowing Folder,
        signer: RecordingSigner
    ) throws(SpoolError) {
        guard let name = recording?.name else { return }
        recording = nil
        let found = try SignedRecording.recover(name, in: spool, signer: signer)
        try found.clear()
        let adopted = found.adopted
        waiting.removeAll { adopted.contains($0.line) }
        recording = consume found
    }

    /// A line whose file is not there after all is left out, with those that cannot stand without it.
    fileprivate mutating func writeWaiting() throws(SpoolError) {
        for leaf in waiting {
            do throws(SpoolError) {
                try recording?.append(leaf)
            } catch {
                guard case .disorder = error else { throw error }
            }
        }
        waiting = []
    }
}
