internal import Camera
internal import LinuxSystem
internal import Microphone
internal import Recording
internal import TestSupport
internal import Testing

/// Pictures of a file, made by ffmpeg, as a camera delivers them.
private struct Clip {
    let folder = TemporaryFolder()
    let file: String

    /// `arguments` end with how the pictures are written: a pixel format, or a codec.
    init(_ source: String, _ arguments: String) throws {
        file = "\(folder.path)/clip"
        let made = tool("ffmpeg -v error -f lavfi -i '\(source)' \(arguments) \(file) 2>&1")
        try #require(made.succeeded, "\(made.output)")
    }

    func camera(_ options: String, passThrough: PassThroughLimits? = nil) -> LessonSource {
        var request = CameraRequest(
            path: "test:clip?file=\(file)&\(options)",
            width: 320,
            height: 240,
            frameRate: 30
        )
        request.passThrough = passThrough
        return LessonSource(name: "front", device: .camera(request))
    }
}

private let motionJPEG = "-frames:v 30 -q:v 3 -huffman default -c:v mjpeg -f mjpeg"

private let ownH264 =
    "-frames:v 90 -c:v libx264 -preset ultrafast -bf 0 -g 12 -keyint_min 12 -sc_threshold 0 "
    + "-color_range pc -colorspace bt709 -f h264"
private let limits = PassThroughLimits(bitRate: 20_000_000, keyFrameInterval: 1_000_000_000)

private func settings() -> LessonSettings {
    var settings = LessonSettings()
    settings.videoBitRate = 2_000_000
    settings.segmentLength = .milliseconds(500)
    return settings
}

/// Records for two seconds.
private func record(_ source: LessonSource, _ sink: CollectingSink) throws -> LessonSummary {
    let recorder = try LessonRecorder(sources: [source], settings: settings(), sink: sink)
    try recorder.start()
    pause(milliseconds: 2_000)
    #expect(recorder.stopCapture(deadline: soon()))
    return recorder.finish()
}

/// What ffprobe and ffmpeg say of the colours of a film.
private struct Colours {
    /// Range and matrix as signalled.
    let signalled: String
    /// Y, Cb and Cr in the middle of a picture, unconverted.
    let middle: [Int]

    init(_ film: Film) {
        let entries = "-select_streams v -show_entries stream=color_range,color_space"
        signalled = tool("ffprobe -v error \(entries) -of csv=p=0 \(film.path)").output
        let raw = tool(
            "ffmpeg -v error -i \(film.path) -frames:v 1 -f rawvideo - | python3 -c \""
                + "import sys;p=sys.stdin.buffer.read();w,h=320,240;c=w*h+h//4*w//2+w//4;"
                + "print(p[h//2*w+w//2],p[c],p[c+w*h//4])\""
        )
        middle = raw.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    }
}

@Suite("Camera formats", .serialized)
struct FormatTests {
    @Test("MJPEG is recorded whole, in full range and BT.601 as JPEG has it")
    func motionJPEGColours() throws {
        // Beyond what limited range can hold.
        let clip = try Clip(
            "color=0xFF0000:s=320x240,format=yuvj422p,lutyuv=y=250:u=90:v=240",
            motionJPEG
        )
        let sink = CollectingSink()
        let summary = try record(clip.camera("format=mjpeg"), sink)
        #expect(summary.failure == nil)
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        let health = try #require(summary.health.sources.first)
        #expect(health.damaged == 0)
        #expect(film.packets("v").count + health.dropped == health.delivered)
        let colours = Colours(film)
        #expect(colours.signalled.hasPrefix("pc,smpte170m"))
        #expect(zip(colours.middle, [250, 90, 240]).allSatisfy { abs($0 - $1) <= 3 })
        #expect(colours.middle.count == 3)
    }

    @Test(
        "Raw formats are recorded with their samples unchanged and their colours said",
        arguments: ["yuyv", "uyvy", "yvyu", "nv12", "yu12"],
        [("limited", "601"), ("full", "709")]
    )
    func rawColours(format: String, colour: (range: String, matrix: String)) throws {
        let names = ["yuyv": "yuyv422", "uyvy": "uyvy422", "yvyu": "yvyu422", "yu12": "yuv420p"]
        let clip = try Clip(
            "color=gray:s=320x240,format=yuv422p,lutyuv=y=180:u=90:v=200",
            "-frames:v 3 -pix_fmt \(names[format] ?? format) -f rawvideo"
        )
        let sink = CollectingSink()
        let options = "format=\(format)&range=\(colour.range)&matrix=\(colour.matrix)"
        let summary = try record(clip.camera(options), sink)
        #expect(summary.failure == nil)
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        let colours = Colours(film)
        let range = colour.range == "full" ? "pc" : "tv"
        let matrix = colour.matrix == "709" ? "bt709" : "smpte170m"
        #expect(colours.signalled.hasPrefix("\(range),\(matrix)"))
        #expect(zip(colours.middle, [180, 90, 200]).allSatisfy { abs($0 - $1) <= 3 })
        #expect(colours.middle.count == 3)
    }

    @Test("Damaged JPEG pictures are counted, said as gaps, and the rest is recorded")
    func damagedPictures() throws {
        let clip = try Clip("testsrc2=s=320x240,format=yuvj422p", motionJPEG)
        // Every picture but the first loses its quantisation tables in turn with staying whole.
        let spoil = tool(
            "python3 -c \"import sys;p=open('\(clip.file)','rb').read().split(b'\\xff\\xd8\\xff');"
                + "o=b''.join(b'\\xff\\xd8\\xff'+(q if i%3 else q[:len(q)//2]+b'\\xff\\xd9')"
                + " for i,q in enumerate(p[1:],1));open('\(clip.file)','wb').write(o)\""
        )
        try #require(spoil.succeeded)
        let sink = CollectingSink()
        let summary = try record(clip.camera("format=mjpeg"), sink)
        #expect(summary.failure == nil)
        let health = try #require(summary.health.sources.first)
        #expect(health.damaged >= 10)
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        #expect(film.packets("v").count + health.dropped + health.damaged == health.delivered)
        let gaps = sink.all.gaps
        #expect(gaps.contains { $0.reason == .damaged && $0.source == "front" })
        #expect(!gaps.contains { $0.reason == .overload })
    }

    @Test("A camera whose every picture is damaged gives none, and the lesson still ends")
    func onlyDamage() throws {
        let clip = try Clip("testsrc2=s=160x120,format=yuvj422p", motionJPEG)
        let sink = CollectingSink()
        let summary = try record(clip.camera("format=mjpeg"), sink)
        #expect(summary.failure == nil)
        // Black, where a segment ended meanwhile.
        #expect(sink.all.segments.isEmpty || Film(path: sink.film()).complaints.isEmpty)
        let health = try #require(summary.health.sources.first)
        #expect(health.damaged > 20 && health.damaged == health.delivered)
    }

    @Test("H.264 of the camera's own is recorded as it came")
    func passedThrough() throws {
        let clip = try Clip("testsrc2=s=320x240:r=30,format=yuv420p", ownH264)
        let sink = CollectingSink()
        let camera = clip.camera("format=h264", passThrough: limits)
        let summary = try record(camera, sink)
        #expect(summary.failure == nil)
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        let health = try #require(summary.health.sources.first)
        #expect(film.packets("v").count + health.dropped == health.delivered)
        // As many as come before the first key frame.
        #expect(health.dropped < 12)
        #expect(Colours(film).signalled.hasPrefix("pc,bt709"))
        for index in sink.all.segments.indices {
            let packets = Film(path: sink.film(ofSegment: index)).packets("v")
            #expect(packets.first?.isKeyFrame ?? true)
        }
        #expect(sink.all.segments.count >= 3)
        // Bit by bit: what is decoded are the pictures of the clip.
        let sums = "-an -f framemd5 - | grep -v '#' | awk '{print $NF}' | sort -u"
        let recorded = tool("ffmpeg -v error -i \(film.path) \(sums)").output
            .split(separator: "\n")
        let given = tool("ffmpeg -v error -i \(clip.file) \(sums)").output.split(separator: "\n")
        #expect(recorded.count > 30 && Set(recorded).isSubset(of: given))
    }

    @Test("After a lost picture of the camera's own H.264 nothing is taken until a key frame")
    func brokenReferences() throws {
        let clip = try Clip("testsrc2=s=320x240:r=30,format=yuv420p", ownH264)
        let sink = CollectingSink()
        let camera = clip.camera("format=h264&damage=17", passThrough: limits)
        let summary = try record(camera, sink)
        #expect(summary.failure == nil)
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        let health = try #require(summary.health.sources.first)
        #expect(health.damaged >= 1)
        // More where a busy machine made a key frame stand in at a bound.
        #expect(film.packets("v").count + health.dropped >= health.delivered)
        #expect(sink.all.gaps.contains { $0.reason == .damaged })
        #expect(sink.all.gaps.contains { $0.reason == .reference && $0.count > 0 })
    }

    @Test("A stalled camera that encodes by itself repeats its last key frame at each bound")
    func stalledOwnH264() throws {
        let clip = try Clip("testsrc2=s=320x240:r=30,format=yuv420p", ownH264)
        let sink = CollectingSink()
        let sources = [
            clip.camera("format=h264&hang=75", passThrough: limits),
            LessonSource(name: "desk", device: .microphone(MicrophoneRequest(path: "test:sound"))),
        ]
        let recorder = try LessonRecorder(sources: sources, settings: settings(), sink: sink)
        try recorder.start()
        #expect(eventually { sink.all.segments.count >= 9 })
        #expect(recorder.stopCapture(deadline: soon()))
        #expect(recorder.finish().failure == nil)
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        let times = film.packets("v").map(\.time)
        #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 < 0.9 })
        #expect((times.last ?? 0) > 3)
    }
}
