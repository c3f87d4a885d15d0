internal import Camera
internal import LibAV
internal import LinuxSystem
internal import MediaTime
internal import Microphone
internal import Recording
internal import Synchronization
internal import Testing

/// Stands in for an encoder that is a device: libx264 with other parameter sets, and a fault.
private final class StandIn: PictureEncoder {
    enum Fault {
        case none
        /// The call for this picture never comes back.
        case hangs(at: Int)
        case fails(at: Int)
        /// From this picture on each one takes so many milliseconds.
        case slows(at: Int, milliseconds: Int64)
        /// The end never comes.
        case hangsAtEnd
    }

    private let encoder: VideoEncoder
    private let fault: Fault
    private var pictures = 0

    init(_ settings: VideoEncoderSettings, _ track: Int, _ fault: Fault) throws(LibAVError) {
        var settings = settings
        settings.preset = .veryfast
        settings.threads = 1
        encoder = try VideoEncoder(settings, track: track)
        self.fault = fault
    }

    var parameters: TrackParameters { encoder.parameters }

    func send(
        _ index: Int,
        of pool: VideoFramePool,
        presentation: Int64,
        asKeyFrame: Bool
    ) throws(LibAVError) {
        defer { pictures += 1 }
        switch fault {
        case .hangs(let picture) where pictures == picture: hang()
        case .fails(let picture) where pictures == picture:
            throw .failed(call: "stand-in", reason: "told to")
        case .slows(let picture, let milliseconds) where pictures >= picture:
            pause(milliseconds: milliseconds)
        default: break
        }
        try encoder.send(index, of: pool, presentation: presentation, asKeyFrame: asKeyFrame)
    }

    func finish() throws(LibAVError) {
        if case .hangsAtEnd = fault { hang() }
        try encoder.finish()
    }

    func receive() throws(LibAVError) -> EncodedPacket? { try encoder.receive() }

    /// As long as the process lives, like a driver's call that is stuck.
    private func hang() {
        while true { pause(milliseconds: 3_600_000) }
    }
}

private func factory(_ fault: StandIn.Fault) -> EncoderFactory {
    EncoderFactory { (codec, settings, track) throws(LibAVError) in
        switch codec {
        case .vaapi: try StandIn(settings, track, fault)
        case .v4l2m2m: throw .missing(name: codec.rawValue)
        case .libx264: try VideoEncoder(settings, track: track)
        }
    }
}

private func settings(_ codecs: [VideoCodec]) -> LessonSettings {
    var settings = LessonSettings()
    settings.videoBitRate = 500_000
    settings.segmentLength = .milliseconds(500)
    settings.videoCodecs = codecs
    settings.encoderLagLimit = .milliseconds(600)
    settings.encoderOpenLimit = .seconds(10)
    return settings
}

private let sources = [
    LessonSource(
        name: "front",
        device: .camera(CameraRequest(path: "test:", width: 320, height: 240, frameRate: 30))
    ),
    LessonSource(name: "desk", device: .microphone(MicrophoneRequest(path: "test:sound"))),
]

@Suite("Encoders", .serialized)
struct EncoderTests {
    @Test(
        "An encoder that hangs, fails or gets slow is replaced at a segment's bound, and the lesson goes on",
        arguments: [
            StandIn.Fault.hangs(at: 40), .fails(at: 40), .slows(at: 40, milliseconds: 120),
        ]
    )
    fileprivate func replaces(fault: StandIn.Fault) throws {
        let sink = CollectingSink()
        let recorder = try LessonRecorder(
            sources: sources,
            settings: settings([.vaapi]),
            sink: sink,
            encoders: factory(fault)
        )
        try recorder.start()
        #expect(eventually { sink.all.runs.count == 2 })
        let secondRun = sink.all.runs[1]
        #expect(eventually { sink.all.segments.count >= secondRun + 3 })
        #expect(recorder.stopCapture(deadline: soon()))
        let summary = recorder.finish()
        #expect(summary.failure == nil)

        let content = sink.all
        #expect(content.runs.count == 2)
        let start = content.segments[secondRun].start
        #expect(start.nanoseconds % 500_000_000 == 0)
        for run in 0..<2 {
            let film = Film(path: sink.film(ofRun: run))
            #expect(film.complaints.isEmpty)
            #expect(film.packets("v").first?.isKeyFrame == true)
        }
        let first = Film(path: sink.film(ofRun: 0))
        let second = Film(path: sink.film(ofRun: 1))
        #expect((second.packets("v").first?.time ?? 0) >= Double(start.nanoseconds) / 1e9)
        // Two encoders: what a decoder has to know of the track is another thing.
        #expect(content.tracks[0].codec.hasPrefix("avc1.4d"))
        let pictures = first.packets("v").count + second.packets("v").count
        let health = try #require(summary.health.sources.first)
        #expect(pictures + health.dropped == health.delivered)
        let gap = try #require(content.gaps.first { $0.reason == .encoder })
        #expect(gap.source == "front" && gap.count > 0)
        #expect(gap.from < gap.to && gap.to >= start)
        // The sound does not notice.
        let times = first.packets("a").map(\.time) + second.packets("a").map(\.time)
        for (time, next) in zip(times, times.dropFirst())
        where abs(next - time - 1_024.0 / 48_000) > 0.000_1 {
            Issue.record("a hole in the sound from \(time) to \(next)")
        }
    }

    @Test("An encoder that works is kept, and its pictures are all there")
    func keeps() throws {
        let sink = CollectingSink()
        let summary = try record([.vaapi], .none, sink)
        #expect(summary.failure == nil)
        #expect(sink.all.runs == [0])
        #expect(sink.all.tracks[0].codec.hasPrefix("avc1.64"))
        let health = try #require(summary.health.sources.first)
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        #expect(film.packets("v").count + health.dropped == health.delivered)
        #expect(!sink.all.gaps.contains { $0.reason == .encoder })
    }

    @Test("The first encoder that opens is taken, in the order of the settings")
    func firstThatOpens() throws {
        let sink = CollectingSink()
        _ = try record([.v4l2m2m, .vaapi, .libx264], .none, sink)
        #expect(sink.all.tracks[0].codec.hasPrefix("avc1.64"))
        let other = CollectingSink()
        _ = try record([.v4l2m2m, .libx264, .vaapi], .none, other)
        #expect(other.all.tracks[0].codec.hasPrefix("avc1.4d"))
    }

    @Test("An encoder that is asked for and not there ends the start, with its name")
    func missing() throws {
        let recorder = try LessonRecorder(
            sources: sources,
            settings: settings([.v4l2m2m]),
            sink: CollectingSink(),
            encoders: factory(.none)
        )
        let expected = RecordingError.encoderFailed(
            source: "front",
            .missing(name: "h264_v4l2m2m")
        )
        #expect(throws: expected) { try recorder.start() }
    }

    @Test("An encoder that hangs at the end costs its last pictures and not the lesson")
    func hangsAtEnd() throws {
        let sink = CollectingSink()
        let summary = try record([.vaapi], .hangsAtEnd, sink)
        #expect(summary.failure == nil)
        #expect(Film(path: sink.film()).complaints.isEmpty)
        let health = try #require(summary.health.sources.first)
        #expect(Film(path: sink.film()).packets("v").count + health.dropped == health.delivered)
    }

    private func record(
        _ codecs: [VideoCodec],
        _ fault: StandIn.Fault,
        _ sink: CollectingSink
    ) throws -> LessonSummary {
        let recorder = try LessonRecorder(
            sources: sources,
            settings: settings(codecs),
            sink: sink,
            encoders: factory(fault)
        )
        try recorder.start()
        #expect(eventually { sink.all.segments.count >= 3 })
        #expect(recorder.stopCapture(deadline: soon()))
        return recorder.finish()
    }
}
