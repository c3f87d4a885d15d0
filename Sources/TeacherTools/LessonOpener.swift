package import Age
package import CryptoPrimitives
internal import LinuxSystem
internal import Spool

/// Verifies, decrypts and joins a lesson.
///
/// Needs the teacher's identity, the key of the box from its imported room record, and nothing else
/// of the box.
///
/// Memory stays at one segment, whatever the lesson's length. The output appears under its name only
/// when it is whole.
package struct LessonOpener: Sendable {
    private let identities: [AgeIdentity]
    private let boxKey: @Sendable (String) throws(TeacherToolsError) -> VerificationKey?
    private let salvages: Bool
    private let dividesCameras: Bool

    /// `boxKey` gives the key of the box with an identifier, nil for a box that is not known here.
    ///
    /// With `salvages`, what can be opened of segments that are not whole is taken too. With
    /// `dividesCameras`, each camera gets a file of its own, with every microphone.
    package init(
        identities: [AgeIdentity],
        salvages: Bool = false,
        dividesCameras: Bool = false,
        boxKey: @escaping @Sendable (String) throws(TeacherToolsError) -> VerificationKey?
    ) {
        self.identities = identities
        self.salvages = salvages
        self.dividesCameras = dividesCameras
        self.boxKey = boxKey
    }

    /// Opens the recording in `folder` into `output`, or only checks it when `output` is nil.
    ///
    /// `progress` gets the fraction done.
    package func open(
        _ folder: String,
        to output: String?,
        progress: (Double) -> Void
    ) throws(TeacherToolsError) -> OpenReport {
        let recording = try DeliveredRecording(path: folder, boxKey: boxKey)
        var opening = Opening(recording, identities, salvages: salvages)
        try opening.readReceipt(recording)
        var file = LessonFile(output: output, dividesCameras: dividesCameras)
        for (index, leaf) in recording.log.leaves.enumerated() {
            try opening.take(leaf, recording, into: &file)
            progress(Double(index + 1) / Double(recording.log.leaves.count))
        }
        try file.finish()
        opening.conclude(recording)
        opening.report.files = file.paths
        return opening.report
    }
}

/// What has been found so far of one recording.
private struct Opening {
    var report = OpenReport()
    private let identities: [AgeIdentity]
    private let salvages: Bool
    private let removed: Set<String>
    private var damage: DamageReport
    /// The name of the last segment and its end, in nanoseconds of the lesson.
    private var last: (name: String, end: Int64)?

    init(
        _ recording: borrowing DeliveredRecording,
        _ identities: [AgeIdentity],
        salvages: Bool
    ) {
        self.identities = identities
        self.salvages = salvages
        removed = recording.log.removed
        damage = DamageReport(recording.log)
        report.recording = recording.token.recording
        report.box = recording.token.audience
        report.isBoxKnown = recording.isBoxKnown
        report.end = recording.log.end?.reason
        report.problems = recording.problems
    }

    mutating func take(
        _ leaf: Leaf,
        _ recording: borrowing DeliveredRecording,
        into file: inout LessonFile
    ) throws(TeacherToolsError) {
        switch leaf {
        case .run(let object, let tracks):
            try file.beginRun(plaintext(object, object.name, recording), tracks: tracks)
        case .segment(let object, let start, let duration):
            last = (object.name, start + duration)
            if removed.contains(object.name) { return }
            let words = "\(object.name) (\(Self.range(start, start + duration)))"
            guard let bytes = plaintext(object, words, recording, salvaging: salvages) else {
                return
            }
            if try !file.append(bytes) {
                report.problems.append("\(words) cannot be divided into its cameras")
            }
            report.segments += 1
            report.seconds += Double(duration) / 1e9
            report.bytes += bytes.count
        case .gap(let source, let reason, let from, let to):
            report.gaps.append("\(source): \(reason), \(Self.range(from, to))")
        case .cut(let from, let to, _):
            report.cuts.append(Self.range(from, to))
        case .end(_, _, _, let summary):
            if let summary { _ = plaintext(summary, summary.name, recording) }
        case .begin:
            break
        }
    }

    mutating func readReceipt(
        _ recording: borrowing DeliveredRecording
    ) throws(TeacherToolsError) {
        guard case .begin(_, _, let hash)? = recording.log.leaves.first,
            case .sound(let sealed) = recording.folder.find(
                SpoolName.receipt,
                sha256: hash,
                bytes: nil
            )
        else {
            report.problems.append("\(SpoolName.receipt) is missing or altered")
            return
        }
        let bytes: [UInt8]
        do throws(AgeError) {
            bytes = try Age.open(sealed, with: identities)
        } catch {
            throw .sealedToSomebodyElse
        }
        guard let value = try? CanonicalJSON(parsing: bytes),
            var reader = try? MemberReader(value),
            let room = try? reader.string("room"),
            var details = try? reader.object("details"),
            let purpose = try? details.string("purpose")
        else {
            report.problems.append("\(SpoolName.receipt) is not as specified")
            return
        }
        report.room = room
        report.purpose = purpose
    }

    /// Says what is missing at the end, and what lies here that is not the lesson's.
    mutating func conclude(_ recording: borrowing DeliveredRecording) {
        if report.end == nil {
            let after = last.map { "after \($0.name), at \(Self.seconds($0.end)) s, " } ?? ""
            report.problems.append(
                "the recording has no end mark: \(after)it was interrupted, or its end is missing"
            )
        }
        var places: Set<String> = []
        var known: [(name: String, sha256: [UInt8])] = recording.log.leaves.compactMap(\.object)
            .map { ($0.name, $0.sha256) }
        if case .begin(_, _, let receipt)? = recording.log.leaves.first {
            known.append((SpoolName.receipt, receipt))
        }
        for object in known {
            if let place = recording.folder.place(of: object.name, object.sha256) {
                places.insert(place)
            }
        }
        for name in recording.folder.sealedFiles(besides: places.union(damage.found)) {
            report.problems.append("\(name) is foreign: the box did not sign for it")
        }
    }

    private mutating func plaintext(
        _ object: Leaf.Object,
        _ words: String,
        _ recording: borrowing DeliveredRecording,
        salvaging: Bool = false
    ) -> [UInt8]? {
        let finding = recording.folder.find(
            object.name,
            sha256: object.sha256,
            bytes: object.bytes
        )
        var sealed: [UInt8]?
        if case .sound(let bytes) = finding {
            sealed = bytes
        } else {
            let judged = damage.judge(object, finding, in: recording.folder)
            report.problems.append("\(words) \(judged.words)")
            sealed = judged.bytes
        }
        guard let sealed else {
            return salvaging ? salvage(object, words, recording) : nil
        }
        do throws(AgeError) {
            return try Age.open(sealed, with: identities)
        } catch {
            report.problems.append("\(words) does not open: \(error)")
            return nil
        }
    }

    /// The whole chunks at the start of a file that is not what the box sealed, filled up with zeros
    /// so that players find what follows.
    private mutating func salvage(
        _ object: Leaf.Object,
        _ words: String,
        _ recording: borrowing DeliveredRecording
    ) -> [UInt8]? {
        guard
            let bytes = recording.folder.beginning(
                of: object.name,
                sha256: object.sha256,
                limit: Int(object.bytes)
            )
        else { return nil }
        var opener = AgeOpener(identities: identities)
        var plaintext: [UInt8] = []
        try? bytes.span.withUnsafeBytes { (bytes) throws(AgeError) in
            try opener.update(bytes, appendingTo: &plaintext)
        }
        guard !plaintext.isEmpty else { return nil }
        let wanted = Age.plaintextByteCount(sealedByteCount: Int(object.bytes))
        report.salvaged.append("\(words): \(plaintext.count) of \(wanted) bytes")
        plaintext += repeatElement(0, count: max(0, wanted - plaintext.count))
        return plaintext
    }

    private static func range(_ from: Int64, _ to: Int64) -> String {
        "\(seconds(from)) s to \(seconds(to)) s"
    }

    private static func seconds(_ nanoseconds: Int64) -> String {
        let tenths = nanoseconds / 100_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
