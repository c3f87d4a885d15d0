package import Age
internal import CryptoPrimitives
internal import LinuxSystem
internal import Spool

/// What opening a recording found.
package struct OpenReport: Sendable {
    package var recording = ""
    /// Segments decrypted and written (or checked).
    package var segments = 0
    /// Seconds that they cover.
    package var seconds = 0.0
    package var bytes = 0
    /// What is missing or not sound, in words.
    package var problems: [String] = []
    /// Gaps that the box itself recorded.
    package var gaps: [String] = []
    /// Stretches that the teacher removed.
    package var cuts: [String] = []
    /// Why the recording ended; nil: it was interrupted and has no end mark.
    package var end: String?
    package var purpose = ""
    package var room = ""
    /// The files written, one for each run.
    package var files: [String] = []

    /// Whether everything that the log names is there and sound, and the log has its end.
    package var isComplete: Bool { problems.isEmpty && end != nil }
}

/// Verifies, decrypts and joins a lesson.
///
/// Needs the teacher's identity and nothing of the box.
///
/// Memory stays at one segment. The output appears under its name only when it is whole.
package struct LessonOpener: Sendable {
    private let identities: [AgeIdentity]

    package init(identities: [AgeIdentity]) {
        self.identities = identities
    }

    /// Opens the recording in `folder` into `output`, or only checks it when `output` is nil.
    ///
    /// `progress` gets the fraction done.
    package func open(
        _ folder: String,
        to output: String?,
        progress: (Double) -> Void
    ) throws(TeacherToolsError) -> OpenReport {
        let recording = try DeliveredRecording(path: folder)
        var report = OpenReport()
        report.recording = recording.token.recording
        report.end = recording.log.end?.reason
        try readReceipt(recording, &report)
        let removed = recording.log.removed
        var writer: JoinedFile?
        var run = 0
        for (index, leaf) in recording.log.leaves.enumerated() {
            switch leaf {
            case .run(let object, _):
                try writer?.finish()
                writer = nil
                let path = output.map { Self.path($0, run: run) }
                run += 1
                guard let bytes = try plaintext(object, recording, &report) else { continue }
                if let path {
                    writer = try JoinedFile(path: path)
                    report.files.append(path)
                }
                try writer?.append(bytes)
            case .segment(let object, _, let duration):
                if removed.contains(object.name) { continue }
                guard let bytes = try plaintext(object, recording, &report) else { continue }
                try writer?.append(bytes)
                report.segments += 1
                report.seconds += Double(duration) / 1e9
                report.bytes += bytes.count
            case .gap(let source, let reason, let from, let to):
                report.gaps.append(
                    "\(source): \(reason), \(Self.seconds(from)) s to \(Self.seconds(to)) s"
                )
            case .cut(let from, let to, _):
                report.cuts.append("\(Self.seconds(from)) s to \(Self.seconds(to)) s")
            case .end(_, _, _, let summary):
                if let summary { _ = try plaintext(summary, recording, &report) }
            case .begin:
                break
            }
            progress(Double(index + 1) / Double(recording.log.leaves.count))
        }
        try writer?.finish()
        if report.end == nil {
            report.problems.append("the recording has no end mark: it was interrupted")
        }
        return report
    }

    private func readReceipt(
        _ recording: borrowing DeliveredRecording,
        _ report: inout OpenReport
    )
        throws(TeacherToolsError)
    {
        guard
            let content = recording.log.contents.first(where: { $0.name == SpoolName.receipt }),
            let sealed = try recording.object(content)
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

    private func plaintext(
        _ object: Leaf.Object,
        _ recording: borrowing DeliveredRecording,
        _ report: inout OpenReport
    ) throws(TeacherToolsError) -> [UInt8]? {
        let content = RecordingLog.Content(name: object.name, sha256: object.sha256)
        guard let sealed = try recording.object(content) else {
            report.problems.append("\(object.name) is missing or altered")
            return nil
        }
        do throws(AgeError) {
            return try Age.open(sealed, with: identities)
        } catch {
            report.problems.append("\(object.name) does not open: \(error)")
            return nil
        }
    }

    /// `lesson.mp4`, then `lesson-2.mp4` for a second run.
    private static func path(_ output: String, run: Int) -> String {
        guard run > 0 else { return output }
        let stem = output.hasSuffix(".mp4") ? String(output.dropLast(4)) : output
        return "\(stem)-\(run + 1).mp4"
    }

    private static func seconds(_ nanoseconds: Int64) -> String {
        let tenths = nanoseconds / 100_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}

/// An output file that gets its name when it is whole, and goes away when it never is.
private struct JoinedFile: ~Copyable {
    private let folder: Folder
    private let name: String
    private let file: Descriptor
    private var isFinished = false

    init(path: String) throws(TeacherToolsError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        let name = parts.last.map { String($0) } ?? ""
        let parent = path.hasPrefix("/") ? "/" : "./"
        let folderPath = parent + parts.dropLast().joined(separator: "/")
        let folder: Folder
        let file: Descriptor
        do throws(SystemError) {
            let opened = try Folder(path: folderPath)
            let temporary = Folder.temporaryName(for: name)
            if opened.contains(temporary) { try opened.remove(temporary) }
            file = try opened.file(
                temporary,
                [.write, .create, .exclusive],
                permissions: 0o600
            )
            folder = opened
        } catch { throw .system(error) }
        self.folder = folder
        self.name = name
        self.file = file
    }

    borrowing func append(_ bytes: [UInt8]) throws(TeacherToolsError) {
        do throws(SystemError) { try file.writeAll(bytes) } catch { throw .system(error) }
    }

    deinit {
        // Whatever kept it from being whole is the error that matters.
        if !isFinished { try? folder.remove(Folder.temporaryName(for: name)) }
    }

    mutating func finish() throws(TeacherToolsError) {
        do throws(SystemError) {
            try file.synchronize()
            try folder.rename(Folder.temporaryName(for: name), to: name, replacing: true)
            isFinished = true
            try folder.synchronize()
        } catch { throw .system(error) }
    }
}
