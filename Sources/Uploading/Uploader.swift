internal import Consent
internal import CryptoPrimitives
internal import LinuxSystem
package import Spool

/// Delivers every ended recording to its owner's account and acknowledges each object.
///
/// Thread-bound, blocking. It reads the spool and appends to the journal; it changes nothing else.
package struct Uploader: ~Copyable {
    package struct Settings: Sendable {
        package var spool: String
        package var outbox: String
        package var trust: String
        /// Replaced atomically after each step.
        package var report: String

        package init(spool: String, outbox: String, trust: String, report: String) {
            self.spool = spool
            self.outbox = outbox
            self.trust = trust
            self.report = report
        }
    }

    /// What one pass over the spool came to.
    package struct Outcome: Sendable {
        /// Recordings that still have something to deliver.
        package var pending = 0
        package var delivered = 0
        /// Recordings that have not ended yet.
        package var unfinished = 0
        package var error: UploadError?
        /// Unix seconds when the first hold ends.
        package var nextRelease: Int64?
    }

    private let settings: Settings
    private var acknowledged: Set<Acknowledgement>

    package init(_ settings: Settings) throws(UploadError) {
        self.settings = settings
        do throws(SpoolError) {
            acknowledged = try AcknowledgementJournal.read(outbox: settings.outbox)
        } catch { throw .spool(error) }
    }

    /// Looks through the spool once.
    ///
    /// An error with one recording does not keep back another.
    package mutating func pass(now: Int64) -> Outcome {
        var outcome = Outcome()
        do throws(UploadError) {
            let recordings: [String]
            do throws(SpoolError) {
                recordings = try SpoolFolder.recordings(settings.spool)
            } catch { throw .spool(error) }
            guard !recordings.isEmpty else { return outcome }
            let room: RoomRecord
            do throws(UploadError) {
                room = try self.room()
            } catch {
                outcome.pending = recordings.count
                throw error
            }
            for recording in recordings {
                do throws(UploadError) {
                    try deliver(recording, room, now: now, outcome: &outcome)
                } catch {
                    outcome.pending += 1
                    outcome.error = error
                }
            }
        } catch { outcome.error = error }
        return outcome
    }

    private mutating func deliver(
        _ recording: String,
        _ room: RoomRecord,
        now: Int64,
        outcome: inout Outcome
    ) throws(UploadError) {
        let found = try Delivery(recording, spool: settings.spool, box: room.boxKey)
        guard let delivery = found else {
            outcome.unfinished += 1
            return
        }
        let remaining = delivery.remaining(acknowledged)
        guard !remaining.isEmpty else { return }
        // Until then nobody has a copy, and the teacher can still take it back.
        let release = delivery.ended + room.holdMinutes * 60
        guard release <= now else {
            outcome.pending += 1
            outcome.nextRelease = min(outcome.nextRelease ?? release, release)
            return
        }
        for content in remaining {
            try delivery.send(content)
            let entry = delivery.acknowledgement(content)
            do throws(SpoolError) {
                try AcknowledgementJournal.append(entry, outbox: settings.outbox)
            } catch { throw .spool(error) }
            acknowledged.insert(entry)
        }
        outcome.delivered += 1
    }

    /// The installed room record: whose signature counts, and how long recordings are held back.
    ///
    /// Without a sound one nothing leaves the box.
    private func room() throws(UploadError) -> RoomRecord {
        let authorities: [UInt8]
        let room: [UInt8]
        do throws(SystemError) {
            let folder = try Folder(path: settings.trust)
            authorities = try folder.read(
                "authorities.json",
                limit: ThresholdDocument.byteLimit
            )
            room = try folder.read("room.json", limit: ThresholdDocument.byteLimit)
        } catch { throw .system(error) }
        do throws(Refusal) {
            return try Trust(authorities: authorities, room: room, cards: []).room.record
        } catch { throw .unsound(recording: "", "the room record: \(error.message)") }
    }

    /// Tells how it fares, without identity.
    package func report(_ report: UploaderReport) throws(UploadError) {
        do throws(SpoolError) {
            try report.write(to: settings.report)
        } catch { throw .spool(error) }
    }
}
