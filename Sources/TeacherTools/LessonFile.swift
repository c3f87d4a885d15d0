internal import Spool

/// The opened lesson: its runs, joined where one continues the other, in one file or in one for
/// each camera.
struct LessonFile {
    private struct Part {
        let file: JoinedFile
        /// Nil for the whole lesson.
        let selection: TrackSelection?
    }

    private let output: String?
    private let dividesCameras: Bool
    private var parts: [Part] = []
    private var initial: [UInt8]?
    private var runs = 0
    private(set) var paths: [String] = []

    /// Writes nothing where `output` is nil.
    ///
    /// A camera's file has every microphone, too.
    init(output: String?, dividesCameras: Bool) {
        self.output = output
        self.dividesCameras = dividesCameras
    }

    /// Begins a run with its init segment, nil when that is lost: its segments cannot be played.
    ///
    /// A run that begins as the one before did goes on in its files.
    mutating func beginRun(
        _ initial: [UInt8]?,
        tracks: [Leaf.Track]
    ) throws(TeacherToolsError) {
        defer { runs += 1 }
        if let initial, initial == self.initial { return }
        try finish()
        self.initial = initial
        guard let output, let initial else { return }
        let cameras = tracks.indices.filter { tracks[$0].kind == "video" }
        guard dividesCameras, !cameras.isEmpty else {
            return try begin(output, "", nil, with: initial)
        }
        let sound = tracks.indices.filter { tracks[$0].kind == "audio" }
        for camera in cameras {
            let selection = TrackSelection(tracks: Set(([camera] + sound).map { UInt32($0) + 1 }))
            guard let bytes = selection.initial(initial) else {
                throw .notARecording("The lesson's tracks cannot be told apart; open it as one.")
            }
            try begin(output, "-\(tracks[camera].source)", selection, with: bytes)
        }
    }

    /// Whether the segment is in every file; false when its tracks cannot be told apart.
    func append(_ bytes: [UInt8]) throws(TeacherToolsError) -> Bool {
        var isWhole = true
        for part in parts {
            if let own = part.selection.map({ $0.segment(bytes) }) ?? bytes {
                try part.file.append(own)
            } else {
                isWhole = false
            }
        }
        return isWhole
    }

    mutating func finish() throws(TeacherToolsError) {
        for part in parts { try part.file.finish() }
        parts = []
    }

    private mutating func begin(
        _ output: String,
        _ name: String,
        _ selection: TrackSelection?,
        with initial: [UInt8]
    ) throws(TeacherToolsError) {
        let path = Self.path(output, name, run: runs)
        let file = try JoinedFile(path: path)
        parts.append(Part(file: file, selection: selection))
        paths.append(path)
        try file.append(initial)
    }

    /// `lesson.mp4`, then `lesson-2.mp4` for a second run; `lesson-front.mp4` for a camera.
    private static func path(_ output: String, _ name: String, run: Int) -> String {
        let number = run > 0 ? "-\(run + 1)" : ""
        guard !name.isEmpty || run > 0 else { return output }
        let stem = output.hasSuffix(".mp4") ? String(output.dropLast(4)) : output
        return "\(stem)\(name)\(number).mp4"
    }
}
