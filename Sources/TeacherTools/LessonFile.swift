/// The opened lesson: its runs, joined where one continues the other.
struct LessonFile: ~Copyable {
    private let output: String?
    private var file: JoinedFile?
    private var initial: [UInt8]?
    private var runs = 0
    private(set) var paths: [String] = []

    /// Writes nothing where `output` is nil.
    init(output: String?) {
        self.output = output
    }

    /// Begins a run with its init segment, nil when that is lost: its segments cannot be played.
    ///
    /// A run that begins as the one before did goes on in its file.
    mutating func beginRun(_ initial: [UInt8]?) throws(TeacherToolsError) {
        defer { runs += 1 }
        if let initial, initial == self.initial { return }
        try finish()
        self.initial = initial
        guard let output, let initial else { return }
        let path = Self.path(output, run: runs)
        file = try JoinedFile(path: path)
        paths.append(path)
        try file?.append(initial)
    }

    borrowing func append(_ bytes: [UInt8]) throws(TeacherToolsError) {
        try file?.append(bytes)
    }

    mutating func finish() throws(TeacherToolsError) {
        try file?.finish()
        file = nil
    }

    /// `lesson.mp4`, then `lesson-2.mp4` for a second run.
    private static func path(_ output: String, run: Int) -> String {
        guard run > 0 else { return output }
        let stem = output.hasSuffix(".mp4") ? String(output.dropLast(4)) : output
        return "\(stem)-\(run + 1).mp4"
    }
}
