import Authority
import CryptoPrimitives
import LinuxSystem
import Spool
import TeacherTools

/// What must hold, judged by what lies on the disk and in the account.
extension World {
    /// The box said that so many lines are signed for, or as many as its checkpoint says.
    func promise(_ recording: String, signed: Int?) {
        guard let folder = disk.look("\(Self.spool)/\(recording)"),
            let log = folder.entries[SpoolName.log]
        else { return }
        let note = folder.entries[SpoolName.checkpoint]?.cached
        let checkpoint = try? RecordingSigner(key: school.box).checkpoint(note, of: recording)
        let count = signed ?? checkpoint?.size ?? 0
        let promised = Array(Self.lines(log.cached).prefix(count))
        if promised.count < count {
            ledger.note("\(recording): more lines are signed for than there are")
        }
        ledger.promises[recording]?.lines = promised
        for line in promised {
            if let object = (try? Leaf(parsing: line))?.object {
                ledger.promises[recording]?.unnamed.remove(object.name)
            }
        }
    }

    private static func lines(_ bytes: [UInt8]) -> [[UInt8]] {
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map { Array($0) }
        lines.removeLast()
        return lines
    }

    /// The segments that were taken out, and nobody had, reach nobody.
    func noteCut(_ recording: String) {
        guard uploader == nil, let promise = ledger.promises[recording],
            let log = try? RecordingLog(
                parsing: Array(promise.lines.joined(separator: [0x0A])) + [0x0A],
                recording: recording
            )
        else { return }
        let there = disk.look("\(Self.account)/\(recording)")?.entries.keys
        let sent = Set((there.map { Array($0) } ?? []).map { $0.split(separator: "-")[0] })
        ledger.promises[recording]?.takenOut
            .formUnion(log.removed.filter { !sent.contains($0[...]) })
    }

    static var account: String { "/account/abcdefghijklmnopqrstuvwxyz" }

    func judgeDevices(mayBeOpen: Bool) {
        guard let recorder, recorder.areDevicesOpen, box?.process.isDead == false else { return }
        if !isLampLit { ledger.note("devices are open and the lamp is dark") }
    }

    // MARK: At every moment

    /// Nothing that was promised is lost.
    func judgePromises(_ when: String) {
        for (recording, promise) in ledger.promises {
            for problem in brokenPromises(recording, promise) {
                ledger.note("\(when), \(recording): \(problem)")
            }
        }
    }

    private func brokenPromises(_ recording: String, _ promise: Ledger.Promise) -> [String] {
        let hasTombstone = disk.look("\(Self.spool)/\(recording).deleted") != nil
        if promise.isDeleted && !hasTombstone { return ["its tombstone is lost"] }
        if promise.wantsDeletion || promise.lines.isEmpty { return [] }
        if hasTombstone { return ["nobody deleted it and it has a tombstone"] }
        let isHandedOver = hasInAccount(recording, SpoolName.checkpoint, nil)
        guard let folder = disk.look("\(Self.spool)/\(recording)") else {
            return isHandedOver ? [] : ["it is gone"]
        }
        let signer = RecordingSigner(key: school.box)
        guard let log = folder.entries[SpoolName.log],
            let note = folder.entries[SpoolName.checkpoint]
        else { return isHandedOver ? [] : ["its log or its checkpoint is gone"] }
        let lines = Self.lines(log.cached)
        guard let checkpoint = try? signer.checkpoint(note.cached, of: recording) else {
            return ["its checkpoint is none"]
        }
        guard checkpoint.covers(lines) else {
            return ["\(checkpoint.size) lines were signed, \(lines.count) others are here"]
        }
        guard checkpoint.size >= promise.lines.count, lines.starts(with: promise.lines) else {
            return ["\(promise.lines.count) lines were promised, \(checkpoint.size) are signed"]
        }
        return brokenLeaves(recording, Array(lines.prefix(checkpoint.size)), folder)
    }

    /// Every leaf under the checkpoint names a file that is there whole, or one that was taken out or
    /// handed over.
    private func brokenLeaves(
        _ recording: String,
        _ lines: [[UInt8]],
        _ folder: SimulatedNode
    ) -> [String] {
        let text: [UInt8] = lines.flatMap { $0 + [0x0A] }
        guard let log = try? RecordingLog(parsing: text, recording: recording) else {
            return ["its signed lines are no log"]
        }
        return log.contents.compactMap { content in
            guard let file = folder.entries[content.name] else {
                return hasInAccount(recording, content.name, content.sha256)
                    ? nil : "\(content.name) was signed for and is missing"
            }
            return SHA256.hash(file.cached) == content.sha256
                ? nil : "\(content.name) was signed for and has another content"
        }
    }

    private func hasInAccount(_ recording: String, _ name: String, _ sha256: [UInt8]?) -> Bool {
        guard let folder = disk.look("\(Self.account)/\(recording)") else { return false }
        guard let sha256 else { return folder.entries.keys.contains { $0.hasPrefix(name + "-") } }
        return folder.entries["\(name)-\(Hex.encode(sha256))"] != nil
    }

    // MARK: When the box has put itself in order

    func judgeRest(_ when: String) {
        judgePromises(when)
        for (name, folder) in disk.look(Self.spool)?.entries ?? [:] where folder.isFolder {
            for problem in unrest(name, folder) { ledger.note("\(when), \(name): \(problem)") }
        }
    }

    private func unrest(_ recording: String, _ folder: SimulatedNode) -> [String] {
        guard let bytes = folder.entries[SpoolName.log]?.cached,
            let log = try? RecordingLog(parsing: bytes, recording: recording),
            let note = folder.entries[SpoolName.checkpoint]?.cached,
            let checkpoint = try? RecordingSigner(key: school.box)
                .checkpoint(note, of: recording)
        else { return ["its log or its checkpoint is not whole"] }
        var problems: [String] = []
        if log.wholeBytes != bytes.count { problems.append("its log ends in half a line") }
        if log.end == nil { problems.append("it has no end") }
        if checkpoint.size != log.leaves.count { problems.append("not all of it is signed for") }
        let named = Set(log.contents.map(\.name)).union([SpoolName.log, SpoolName.checkpoint])
        let unnamed = ledger.promises[recording]?.unnamed ?? []
        var unheardOf = 0
        for name in folder.entries.keys.sorted() where !named.contains(name) {
            if name.hasPrefix(".") || log.removed.contains(name) {
                problems.append("\(name) is left over")
            } else if !unnamed.contains(name) && name != SpoolName.summary {
                // The one that was being written when the recorder died.
                unheardOf += 1
                if unheardOf > 1 { problems.append("no line names \(name)") }
            }
        }
        return problems + untruth(recording, log)
    }

    /// What the end says is so.
    private func untruth(_ recording: String, _ log: RecordingLog) -> [String] {
        guard let promise = ledger.promises[recording] else { return [] }
        for case .end(let reason, _, let segments, .some) in log.leaves
        where reason != "failed" && reason != "space" && segments < promise.segments {
            return ["it ended for \(reason) and has \(segments) of \(promise.segments) segments"]
        }
        return []
    }

    // MARK: At the end of the world

    /// The account holds every lesson that nobody deleted, whole, and nothing that was taken back.
    func judgeAccount() {
        for (recording, promise) in ledger.promises {
            if let before = promise.sentBefore, countInAccount(recording) > before {
                ledger.note("\(recording): some of it was delivered after it was deleted")
            }
        }
        let opener = LessonOpener(identities: [school.identity]) { [school] _ in
            school.box.verificationKey
        }
        for (recording, promise) in ledger.promises.sorted(by: { $0.key < $1.key })
        where !promise.lines.isEmpty && !promise.wantsDeletion {
            do throws(TeacherToolsError) {
                let report = try opener.open("\(Self.account)/\(recording)", to: nil) { _ in }
                for problem in report.problems { ledger.note("\(recording): \(problem)") }
                if report.end == nil { ledger.note("\(recording): it is delivered without an end") }
                ledger.ends[report.end ?? "none", default: 0] += 1
                ledger.openedSegments += report.segments
            } catch { ledger.note("\(recording): \(error)") }
            for name in promise.takenOut where hasInAccount(recording, name, nil) {
                ledger.note("\(recording): \(name) was taken out and is delivered")
            }
        }
    }

    func countInAccount(_ recording: String) -> Int {
        disk.look("\(Self.account)/\(recording)")?.entries.count ?? 0
    }
}
