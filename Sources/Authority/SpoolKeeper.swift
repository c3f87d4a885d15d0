package import Consent
internal import CryptoPrimitives
internal import LinuxSystem
package import Spool
internal import TransparencyLog

/// What the authority does to the spool outside a session.
///
/// Blocks on the disk.
package enum SpoolKeeper {
    /// What is in the spool.
    package struct Inventory: Sendable {
        /// Every recording that is or was here, by folder or tombstone.
        package var used: Set<String> = []
        /// Recordings without an end that is signed for, or with something left over: the one that
        /// is being written, and what an error kept from being finished.
        package var unfinished: Set<String> = []
        package var recordings = 0
        package var objects = 0
        package var bytes = 0
        /// Unix seconds of the oldest ended recording that waits.
        package var oldest: Int64?
        package var available = 0
        /// Whether the spool can be written at all.
        package var problem: String?
    }

    package static func inventory(spool path: String) -> Inventory {
        var inventory = Inventory()
        do throws(SystemError) {
            let spool = try Folder(path: path)
            inventory.available = try spool.space().available
            for name in try spool.names() {
                if name.hasSuffix(".deleted") {
                    inventory.used.insert(String(name.dropLast(8)))
                } else if SpoolName.isRecording(name) {
                    inventory.used.insert(name)
                    inventory.recordings += 1
                    try add(try spool.folder(name), name, to: &inventory)
                }
            }
            for name in inventory.used where try spool.contains(SpoolName.tombstone(name)) {
                if try spool.contains(name) { inventory.unfinished.insert(name) }
            }
        } catch {
            inventory.problem = "\(error)"
        }
        return inventory
    }

    private static func add(
        _ folder: borrowing Folder,
        _ recording: String,
        to inventory: inout Inventory
    ) throws(SystemError) {
        let names = try folder.names()
        for name in names where !name.hasPrefix(".") {
            inventory.objects += 1
            inventory.bytes += try folder.file(name).status().size
        }
        let log = try? RecordingLog(reading: folder, recording: recording)
        if let end = log?.end { inventory.oldest = min(inventory.oldest ?? end.time, end.time) }
        if log.map({ isFinished($0, folder, names) }) != true {
            inventory.unfinished.insert(recording)
        }
    }

    private static func isFinished(
        _ log: RecordingLog,
        _ folder: borrowing Folder,
        _ names: [String]
    ) -> Bool {
        guard log.order.hasEnded, !names.contains(where: { $0.hasPrefix(".") }),
            log.removed.isDisjoint(with: names),
            let bytes = try? folder.read(
                SpoolName.checkpoint,
                limit: SignedNote.maximumByteCount
            ),
            let note = try? SignedNote(parsing: bytes),
            let checkpoint = try? Checkpoint(text: note.text)
        else { return false }
        return checkpoint.size == log.leaves.count
    }

    /// Ends what a crash left open as interrupted and signs for it, removes folders that no device
    /// ever wrote for, and takes away leftovers of half-written files.
    ///
    /// Looks at those in `chosen`, or at all. No session may be writing one of them. Returns what it
    /// could not mend, and where something was found that nobody had signed for.
    package static func recover(
        spool path: String,
        only chosen: Set<String>? = nil,
        time: Int64,
        signer: RecordingSigner
    ) -> [SpoolError] {
        var problems: [SpoolError] = []
        let recordings: [String]
        do throws(SpoolError) {
            recordings = try SpoolFolder.recordings(path)
        } catch {
            return [error]
        }
        if chosen == nil {
            do throws(SpoolError) {
                try SpoolFolder.removeLeftovers(path)
            } catch { problems.append(error) }
        }
        for recording in recordings where chosen?.contains(recording) != false {
            do throws(SpoolError) {
                if try SpoolFolder.finishDeletion(recording, spool: path) { continue }
                if try SpoolFolder.removeIfUnbegun(recording, spool: path) { continue }
                try seal(recording, spool: path, time: time, signer: signer)
            } catch { problems.append(error) }
        }
        return problems
    }

    private static func seal(
        _ recording: String,
        spool path: String,
        time: Int64,
        signer: RecordingSigner
    )
        throws(SpoolError)
    {
        let spool = try folder(path)
        var found = try SignedRecording.recover(recording, in: spool, signer: signer)
        try found.clear()
        try found.end(.interrupted, time: time)
        guard found.dropped == 0 else {
            throw .damaged(
                recording: recording,
                "\(found.dropped) lines that were never signed named files that are not sound"
            )
        }
    }

    static func folder(_ path: String) throws(SpoolError) -> Folder {
        do throws(SystemError) { return try Folder(path: path) } catch { throw .system(error) }
    }

    /// Removes recordings that may go unsent by signed words (``Retention``).
    ///
    /// Returns the SHA-256 of the start tokens of those that went, and what went wrong.
    static func removeExpired(
        spool path: String,
        trust: Trust,
        time: JudgementTime
    )
        -> (removed: [[UInt8]], problems: [SpoolError])
    {
        var removed: [[UInt8]] = []
        var problems: [SpoolError] = []
        do throws(SpoolError) {
            for recording in try SpoolFolder.recordings(path) {
                guard let reason = reasonToRemove(recording, path, trust, time) else { continue }
                do throws(SpoolError) {
                    let token = try SpoolFolder.startToken(recording, spool: path)
                    _ = try SpoolFolder.delete(
                        recording,
                        spool: path,
                        order: Array(reason.utf8),
                        acknowledged: []
                    )
                    removed.append(SHA256.hash(token))
                } catch { problems.append(error) }
            }
        } catch { problems.append(error) }
        return (removed, problems)
    }

    /// What cannot be read whole stays.
    private static func reasonToRemove(
        _ recording: String,
        _ path: String,
        _ trust: Trust,
        _ time: JudgementTime
    ) -> String? {
        guard let spool = try? Folder(path: path), let folder = try? spool.folder(recording),
            let end = (try? RecordingLog(reading: folder, recording: recording))?.end,
            let bytes = try? folder.read(SpoolName.card, limit: ThresholdDocument.byteLimit),
            let document = try? ThresholdDocument(parsing: bytes),
            let card = try? TeacherCard(reading: document)
        else { return nil }
        return Retention(trust: trust).reasonToRemove(
            keyIdentifier: card.key.thumbprint,
            ended: end.time,
            time: time
        )
    }

    /// Takes a stretch out of a recording that waits.
    package static func cut(
        _ order: DeleteOrder,
        text: String,
        spool path: String,
        signer: RecordingSigner,
        acknowledged: Set<Acknowledgement>
    ) throws(SpoolError) -> Removal {
        let spool = try folder(path)
        var waiting = try SignedRecording.recover(order.recording, in: spool, signer: signer)
        return try waiting.cut(
            from: order.from,
            to: order.to,
            order: SHA256.hash(Array(text.utf8)),
            acknowledged: acknowledged
        )
    }

    /// Removes every ended recording whose account has acknowledged all of it.
    package static func removeDelivered(spool path: String, outbox: String) -> [SpoolError] {
        do throws(SpoolError) {
            let recordings = try SpoolFolder.recordings(path)
            if recordings.isEmpty { return [] }
            let acknowledged = try AcknowledgementJournal.read(outbox: outbox)
            var problems: [SpoolError] = []
            for recording in recordings {
                do throws(SpoolError) {
                    _ = try SpoolFolder.removeIfDelivered(
                        recording,
                        spool: path,
                        acknowledged: acknowledged
                    )
                } catch { problems.append(error) }
            }
            return problems
        } catch {
            return [error]
        }
    }
}
