internal import Age
internal import Camera
internal import CryptoPrimitives
internal import LinuxSystem
internal import MediaTime
internal import Microphone
internal import Recording
internal import Spool
internal import Synchronization

/// The whole pipeline: devices, encoders, muxer, sealing, durable files.
///
/// Prints one line of JSON: the sources' counts, and for each segment how long after its end (ns)
/// it was durable.
struct RecordBenchmark {
    let seconds: Int64
    let folder: String
    let sources: [String]

    private static let recording = "recording"

    func run() throws {
        // As the recorder does.
        try ProcessMemory.keepSmall()
        let spool = try Folder.make(path: folder, permissions: 0o700)
        _ = try Folder.make(path: "\(folder)/\(Self.recording)", permissions: 0o700)
        let identity = try AgeIdentity.generate()
        try spool.writeDurably("identity", try identity.fileContents().withUnsafeBytes(Array.init))
        let sealed = SealedLesson(
            recipient: identity.recipient,
            writer: try ObjectWriter(recording: Self.recording, spool: folder),
            lowWater: 0,
            report: { _ in }
        )
        let sink = TimedSink(sealed)
        var settings = LessonSettings()
        settings.audioBitRate = 96_000
        let lesson = try LessonRecorder(
            sources: try sources.map(source),
            settings: settings,
            sink: sink,
            ended: { print("ended: \($0)") }
        )
        try lesson.start()
        let first = try firstInstant(of: lesson)
        Clock.monotonic.sleep(until: first + seconds * 1_000_000_000)
        lesson.stopCapture(deadline: Clock.monotonic.now() + 5_000_000_000)
        report(lesson.finish(), sink.delays(since: first))
    }

    private func source(_ text: String) throws -> LessonSource {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw BenchmarkFailure("\(text) is no source") }
        guard let at = parts[1].lastIndex(of: "@") else {
            return LessonSource(
                name: parts[0],
                device: .microphone(MicrophoneRequest(path: parts[1]))
            )
        }
        let size = try PictureSize(parts[1][parts[1].index(after: at)...])
        let request = CameraRequest(
            path: String(parts[1][..<at]),
            width: size.width,
            height: size.height,
            frameRate: 30
        )
        return LessonSource(name: parts[0], device: .camera(request))
    }

    private func firstInstant(of lesson: LessonRecorder) throws -> Int64 {
        let limit = Clock.monotonic.now() + 5_000_000_000
        while Clock.monotonic.now() < limit {
            if let first = lesson.firstInstant { return first }
            Clock.monotonic.sleep(until: Clock.monotonic.now() + 10_000_000)
        }
        throw BenchmarkFailure("no source delivered anything")
    }

    private func report(_ summary: LessonSummary, _ delays: [Int64]) {
        let sources = summary.health.sources.map { source in
            """
            {"name":"\(source.name)","delivered":\(source.delivered),"dropped":\(source.dropped),\
            "lost":\(source.lost),"damaged":\(source.damaged),"gaps":\(source.gaps)}
            """
        }
        let failure = summary.failure.map { "\"\($0)\"" } ?? "null"
        print(
            """
            {"sources":[\(sources.joined(separator: ","))],"failure":\(failure),\
            "delays":[\(delays.map(String.init).joined(separator: ","))]}
            """
        )
    }
}

/// Notes when each segment was durable.
private final class TimedSink: LessonSink {
    private struct Note: Sendable {
        let end: MediaTime
        let durable: Int64
    }

    private let sink: any LessonSink
    private let notes = Mutex<[Note]>([])

    init(_ sink: any LessonSink) {
        self.sink = sink
    }

    /// Of all whole segments; the last one ends when the lesson does.
    func delays(since first: Int64) -> [Int64] {
        notes.withLock { notes in notes.dropLast().map { $0.durable - first - $0.end.nanoseconds } }
    }

    func begin(
        initSegment: UnsafeRawBufferPointer,
        tracks: [TrackDescription]
    ) throws(LessonSinkError) {
        try sink.begin(initSegment: initSegment, tracks: tracks)
    }

    func segment(
        bytes: UnsafeRawBufferPointer,
        start: MediaTime,
        duration: MediaTime
    ) throws(LessonSinkError) {
        try sink.segment(bytes: bytes, start: start, duration: duration)
        let note = Note(end: start + duration, durable: Clock.monotonic.now())
        notes.withLock { $0.append(note) }
    }

    func gap(_ gap: LessonGap) throws(LessonSinkError) {
        try sink.gap(gap)
    }
}
