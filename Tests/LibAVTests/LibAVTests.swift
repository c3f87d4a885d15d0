internal import LibAV
internal import MediaTime
internal import Synchronization
internal import TestSupport
internal import Testing

@Suite("libav")
struct LibAVTests {
    @Test("Init and fragments together decode without an error, every picture and sample once")
    func decodes() throws {
        let lesson = try SyntheticLesson()
        let written = try lesson.encode(seconds: 6)
        #expect(written.count { $0.track == 0 } == 150)
        let files = "cat init.mp4 0.m4s 1.m4s 2.m4s > all.mp4"
        let path = lesson.folder.path
        #expect(tool("cd \(path) && \(files)").succeeded)
        #expect(tool("ffmpeg -v error -xerror -i \(path)/all.mp4 -f null - 2>&1") == (true, ""))
        let frames = tool(
            "ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_read_frames "
                + "-of csv=p=0 \(path)/all.mp4 2>&1"
        )
        #expect(frames.output.hasPrefix("150"))
    }

    @Test(
        "Every segment begins with a key frame, and one fragment alone plays behind the init segment"
    )
    func startsWithKeyFrame() throws {
        let lesson = try SyntheticLesson()
        let written = try lesson.encode(seconds: 6)
        for segment in 0..<3 {
            let first = written.first { $0.segment == segment && $0.track == 0 }
            #expect(first?.isKeyFrame == true)
            #expect(first?.presentation == Int64(segment) * 180_000)
        }
        let path = lesson.folder.path
        let result = tool(
            "cd \(path) && cat init.mp4 2.m4s > part.mp4 && ffmpeg -v error -xerror -i part.mp4 -f null - 2>&1"
        )
        #expect(result == (true, ""))
    }

    @Test("Times are absolute: a lesson that starts at 100 s says so in both tracks")
    func absoluteTimes() throws {
        let lesson = try SyntheticLesson()
        _ = try lesson.encode(seconds: 4, from: 100)
        let path = lesson.folder.path
        _ = tool("cd \(path) && cat init.mp4 0.m4s 1.m4s > all.mp4")
        for stream in ["v", "a"] {
            let first = tool(
                "ffprobe -v error -select_streams \(stream) -show_entries packet=pts_time "
                    + "-of csv=p=0 \(path)/all.mp4 | head -1"
            )
            let time = Double(first.output.prefix { $0.isNumber || $0 == "." }) ?? -1
            #expect(abs(time - 100) < 0.022, "\(stream): \(first.output)")
        }
    }

    @Test("Pictures after a stall of several segments are where they belong")
    func survivesStall() throws {
        let lesson = try SyntheticLesson()
        _ = try lesson.encode(seconds: 10, stall: 3..<8)
        let path = lesson.folder.path
        _ = tool("cd \(path) && cat init.mp4 0.m4s 1.m4s 2.m4s 3.m4s 4.m4s > all.mp4")
        let times = tool(
            "ffprobe -v error -select_streams v -show_entries packet=pts_time "
                + "-of csv=p=0 \(path)/all.mp4"
        )
        let seconds = times.output.split(whereSeparator: { $0 == "\n" || $0 == "," })
            .compactMap { Double($0) }
        #expect(seconds.count == 125)
        #expect(seconds.contains(2.96) && seconds.contains(8.0))
        #expect(!seconds.contains { $0 > 2.97 && $0 < 7.99 })
        #expect(tool("ffmpeg -v error -xerror -i \(path)/all.mp4 -f null - 2>&1") == (true, ""))
    }

    @Test("There is no edit list, whose support differs from player to player")
    func hasNoEditList() throws {
        let lesson = try SyntheticLesson()
        _ = try lesson.encode(seconds: 2)
        #expect(!tool("grep -q elst \(lesson.folder.path)/init.mp4").succeeded)
        #expect(tool("grep -q mvex \(lesson.folder.path)/init.mp4").succeeded)
    }

    @Test("Flash and beep decode at the same instant, with the encoder's priming gone")
    func keepsSync() throws {
        let lesson = try SyntheticLesson()
        _ = try lesson.encode(seconds: 4)
        let path = lesson.folder.path
        _ = tool("cd \(path) && cat init.mp4 0.m4s 1.m4s > all.mp4")
        let raw = tool(
            "ffmpeg -v error -i \(path)/all.mp4 -map 0:a -f f32le -ac 1 - | "
                + "python3 -c \"import sys,array; a=array.array('f',sys.stdin.buffer.read());"
                + "q=next(i for i in range(24000,len(a)) if abs(a[i])>0.1); print(q)\""
        )
        let onset = Int(raw.output.filter(\.isNumber)) ?? -1
        #expect(abs(onset - 48_000) < 480, "beep at sample \(onset)")
        let picture = tool(
            "ffprobe -v error -f lavfi -i 'movie=\(path)/all.mp4,signalstats' -show_entries "
                + "frame=pts_time:frame_tags=lavfi.signalstats.YAVG -of csv=p=0 2>&1"
        )
        let bright = picture.output.split(separator: "\n").compactMap { line -> Double? in
            let parts = line.split(separator: ",").compactMap { Double($0) }
            return parts.count == 2 && parts[1] > 150 && parts[0] > 0.5 ? parts[0] : nil
        }
        #expect(bright.first == 1.0)
    }

    @Test(
        "The stream says range and matrix as the camera delivered them",
        arguments: [true, false]
    )
    func signalsColour(fullRange: Bool) throws {
        let folder = TemporaryFolder()
        let colour = ColourDescription(fullRange: fullRange, matrix: fullRange ? .bt601 : .bt709)
        let settings = VideoEncoderSettings(
            width: 64,
            height: 64,
            frameRate: TimeRate(30),
            bitRate: 100_000,
            colour: colour
        )
        let pool = try VideoFramePool(count: 2, width: 64, height: 64, colour: colour)
        let encoder = try VideoEncoder(settings)
        var muxer = try FragmentMuxer(tracks: [encoder.parameters])
        try encoder.send(0, of: pool, presentation: 0, asKeyFrame: true)
        try encoder.finish()
        while let packet = try encoder.receive() { try muxer.write(packet) }
        try muxer.flushFragment()
        let path = muxer.takeBytes().withUnsafeBytes { folder.append($0, to: "all.mp4") }
        let said = tool(
            "ffprobe -v error -show_entries stream=color_range,color_space -of csv=p=0 \(path)"
        )
        #expect(said.output.hasPrefix(fullRange ? "pc,smpte170m" : "tv,bt709"))
    }

    @Test("The codecs have their RFC 6381 names")
    func codecNames() throws {
        let lesson = try SyntheticLesson()
        let video = try VideoEncoder(lesson.videoSettings)
        let audio = try AudioEncoder(lesson.audioSettings)
        #expect(video.parameters.codec.hasPrefix("avc1.4d"))
        #expect(video.parameters.codec.utf8.count == 11)
        #expect(audio.parameters.codec == "mp4a.40.2")
    }

    @Test("The last, short block of sound is encoded and silence counts as sound")
    func soundIsWhole() throws {
        let settings = AudioEncoderSettings(sampleRate: 48_000, channels: 2, bitRate: 96_000)
        var encoder = try AudioEncoder(settings)
        encoder.begin(at: 0)
        var end: Int64 = 0
        var next: Int64 = 0
        let check = { (packet: consuming EncodedPacket) in
            #expect(packet.presentation == next)
            next = packet.presentation + packet.duration
            end = next
        }
        let samples = [Int16](repeating: 1000, count: 2 * 1500)
        try samples.withUnsafeBufferPointer { try encoder.encode($0, deliver: check) }
        try encoder.encodeSilence(48_000, deliver: check)
        #expect(encoder.position == 49_500)
        try encoder.finish(deliver: check)
        #expect(end >= 49_500)
    }

    @Test("Settings that no encoder takes are refused, not obeyed halfway")
    func refusals() {
        let colour = ColourDescription(fullRange: false, matrix: .bt709)
        #expect(throws: LibAVError.self) {
            _ = try VideoFramePool(count: 2, width: 63, height: 64, colour: colour)
        }
        #expect(throws: LibAVError.self) {
            let settings = VideoEncoderSettings(
                width: 64,
                height: 64,
                frameRate: TimeRate(30),
                bitRate: 0,
                colour: colour
            )
            _ = try VideoEncoder(settings)
        }
        #expect(throws: LibAVError.self) {
            _ = try AudioEncoder(AudioEncoderSettings(sampleRate: 7, channels: 1, bitRate: 64_000))
        }
    }

    @Test("libav's own messages reach the receiver and not standard error")
    func routesLog() throws {
        let lines = LineBox()
        LibAVLog.route(.info) { _, line in lines.add(line) }
        defer { LibAVLog.route(.panic) { _, _ in } }
        let lesson = try SyntheticLesson()
        _ = try VideoEncoder(lesson.videoSettings)
        #expect(lines.all.contains { $0.contains("profile") || $0.contains("cpu") })
        #expect(lines.all.allSatisfy { !$0.hasSuffix("\n") })
    }
}

private final class LineBox: Sendable {
    private let lines = Mutex<[String]>([])
    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}
