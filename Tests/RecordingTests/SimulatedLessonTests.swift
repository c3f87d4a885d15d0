internal import Camera
internal import LinuxSystem
internal import MediaTime
internal import Microphone
internal import Recording
internal import TestSupport
internal import Testing

/// Lessons by a clock that goes as fast as the machine records.
@Suite("Simulated lesson", .serialized)
struct SimulatedLessonTests {
    /// Records so many seconds; `watch` is called with the lesson before its devices are stopped.
    private func record(
        _ sources: [LessonSource],
        seconds: Double,
        _ sink: CollectingSink,
        watch: (LessonRecorder) -> Void = { _ in }
    ) throws -> LessonSummary {
        let clock = SimulatedClock()
        let recorder = try LessonRecorder(
            sources: sources,
            settings: simulatedSettings(),
            sink: sink,
            clock: clock
        )
        try recorder.start()
        clock.sleep(seconds: seconds)
        watch(recorder)
        #expect(recorder.stopCapture(deadline: soon()))
        clock.leave()
        return recorder.finish()
    }

    /// How many minutes a lesson of the tests lasts: `LENSCAP_TEST_MINUTES`, or a few.
    private static var minutes: Int {
        CurrentProcess.environment("LENSCAP_TEST_MINUTES").flatMap { Int($0) } ?? 10
    }

    @Test(
        "Flash and beep stay together in every minute with a microphone whose clock is off",
        arguments: [-500, 500]
    )
    func keepsSync(ppm: Int) throws {
        let sink = CollectingSink()
        let sources = [simulatedCamera("front"), simulatedMicrophone("desk", "?bed=0&ppm=\(ppm)")]
        let seconds = Double(Self.minutes * 60)
        let summary = try record(sources, seconds: seconds, sink)
        #expect(summary.failure == nil)
        let film = Film(path: sink.film())
        let flashes = film.flashes
        let beeps = film.beeps
        var worst = 0.0
        var last = 0
        for flash in flashes where flash < (beeps.last ?? 0) {
            let nearest = beeps.map { abs($0 - flash) }.min() ?? 9
            worst = max(worst, nearest)
            last = max(last, Int(flash / 60))
            #expect(nearest <= 0.010, "flash at \(flash)")
        }
        print("\(Self.minutes) minutes, \(ppm) ppm: \(flashes.count) flashes, worst \(worst) s")
        #expect(flashes.count >= Self.minutes * 60 - 2)
        #expect(last == Self.minutes - 1)
        #expect(sink.all.gaps.isEmpty, "\(sink.all.gaps)")
        let health = summary.health.sources[1]
        #expect(health.drift.map { abs($0 - Int64(ppm) * 1000) < 2_000 } == true)
        #expect(health.offset.map { abs($0.nanoseconds) < 1_000_000 } == true)
    }

    /// Every segment has a key frame of every camera and sound of every microphone.
    private func expectAllTracks(_ sink: CollectingSink, _ film: Film) {
        for (track, description) in sink.all.tracks.enumerated() {
            let packets = film.packets("\(track)")
            for segment in sink.all.segments.dropLast() {
                let start = Double(segment.start.nanoseconds) / 1e9
                let inside = packets.filter { $0.time >= start && $0.time < start + 2 }
                #expect(inside.first?.isKeyFrame == true, "\(description.name) at \(start)")
            }
        }
    }

    private func gaps(of name: String, _ sink: CollectingSink) -> [LessonGap] {
        sink.all.gaps.filter { $0.source == name }
    }

    /// From the first to the last instant at which a source was missing, in seconds.
    private func extent(_ gaps: [LessonGap]) -> (from: Double, to: Double)? {
        guard let from = gaps.map(\.from).min(), let to = gaps.map(\.to).max() else { return nil }
        return (Double(from.nanoseconds) / 1e9, Double(to.nanoseconds) / 1e9)
    }

    @Test("Three cameras and two microphones are tracks, each with its own format and clock")
    func manySources() throws {
        let sink = CollectingSink()
        let large = LessonSource(
            name: "board",
            device: .camera(
                CameraRequest(path: "test:picture", width: 320, height: 240, frameRate: 10)
            )
        )
        let stereo = LessonSource(
            name: "room",
            device: .microphone(
                MicrophoneRequest(path: "test:sound?ppm=300&bed=0", sampleRate: 48_000, channels: 2)
            )
        )
        let sources = [
            simulatedCamera("front"), simulatedMicrophone("desk", "?ppm=-200&bed=0"), large, stereo,
            simulatedCamera("side", "?format=yuyv"),
        ]
        let summary = try record(sources, seconds: 61, sink)
        #expect(summary.failure == nil)
        #expect(sink.all.tracks.map(\.name) == ["front", "desk", "board", "room", "side"])
        #expect(
            sink.all.tracks[2].kind
                == .video(width: 320, height: 240, rateNumerator: 10, rateDenominator: 1)
        )
        #expect(sink.all.tracks[3].kind == .sound(sampleRate: 48_000, channels: 2))
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        expectAllTracks(sink, film)
        #expect(sink.all.gaps.isEmpty, "\(sink.all.gaps)")
        #expect(summary.health.sources[1].drift.map { abs($0 + 200_000) < 5_000 } == true)
        #expect(summary.health.sources[3].drift.map { abs($0 - 300_000) < 5_000 } == true)
        #expect(summary.health.sources[0].drift == nil)
    }

    @Test("A camera that is unplugged and plugged in again goes on, and its gap is said")
    func cameraReturns() throws {
        let sink = CollectingSink()
        let sources = [
            simulatedCamera("front", "?gone=50&back=12000"), simulatedMicrophone("desk", "?bed=0"),
        ]
        let summary = try record(sources, seconds: 45, sink)
        #expect(summary.failure == nil)
        #expect(summary.health.sources.map(\.state) == [.closed, .closed])
        let gaps = self.gaps(of: "front", sink)
        #expect(gaps.map(\.reason) == [.gone])
        let extent = try #require(self.extent(gaps))
        #expect(abs(extent.from - 9.8) < 0.5)
        // 10 s and 12 s later the node is there; it is opened within a second.
        #expect((21.5...23.5).contains(extent.to), "\(extent.to)")
        #expect(summary.health.sources[0].gaps == 1)
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        expectAllTracks(sink, film)
        expectBeeps(film, from: 24, to: 44)
    }

    @Test("A microphone that is unplugged and plugged in again goes on in its place")
    func microphoneReturns() throws {
        let sink = CollectingSink()
        let sources = [
            simulatedCamera("front"),
            simulatedMicrophone("desk", "?ppm=400&bed=0&gone=10000&back=30000"),
        ]
        let summary = try record(sources, seconds: 75, sink)
        #expect(summary.failure == nil)
        let gaps = self.gaps(of: "desk", sink)
        #expect(gaps.allSatisfy { $0.reason == .gone }, "\(gaps)")
        let extent = try #require(self.extent(gaps))
        #expect(abs(extent.from - 10) < 0.5)
        #expect((39.5...41.5).contains(extent.to), "\(extent.to)")
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        expectAllTracks(sink, film)
        expectBeeps(film, from: 42, to: 74)
        #expect(summary.health.sources[1].drift.map { abs($0 - 400_000) < 10_000 } == true)
    }

    @Test("Sound whose first stamps are late is in its place from the first beep on")
    func beginsLate() throws {
        let sink = CollectingSink()
        let sources = [
            simulatedCamera("front"),
            simulatedMicrophone("desk", "?bed=0&ppm=200&gone=30000&back=4000&stamps=late"),
        ]
        let summary = try record(sources, seconds: 60, sink)
        #expect(summary.failure == nil)
        let film = Film(path: sink.film())
        expectBeeps(film, from: 0.5, to: 29)
        expectBeeps(film, from: 36, to: 59)
        // The one time when it was away, and no leap of a sound that was put in the wrong place.
        #expect(gaps(of: "desk", sink).map(\.reason) == [.gone])
    }

    @Test("Another device in its place is not opened, and the gap lasts to the end")
    func otherDevice() throws {
        let sink = CollectingSink()
        let sources = [
            simulatedCamera("front", "?gone=50&back=3000&other=1"), simulatedMicrophone("desk"),
        ]
        let summary = try record(sources, seconds: 30, sink)
        #expect(summary.failure == nil)
        #expect(summary.health.sources.map(\.state) == [.failed, .closed])
        let extent = try #require(self.extent(self.gaps(of: "front", sink)))
        #expect(extent.to > 29)
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        expectAllTracks(sink, film)
    }

    @Test("A frozen camera is opened anew after five seconds, and the gap is said as a stall")
    func frozenCamera() throws {
        let sink = CollectingSink()
        let sources = [simulatedCamera("front", "?hang=50"), simulatedMicrophone("desk", "?bed=0")]
        let summary = try record(sources, seconds: 30, sink)
        #expect(summary.failure == nil)
        let gaps = self.gaps(of: "front", sink)
        #expect(gaps.map(\.reason) == [.stalled])
        let extent = try #require(self.extent(gaps))
        #expect((14...17.5).contains(extent.to), "\(extent.to)")
        expectAllTracks(sink, Film(path: sink.film()))
    }

    @Test("A camera that opens and never delivers is black from the beginning")
    func neverDelivers() throws {
        let sink = CollectingSink()
        let sources = [simulatedCamera("front", "?hang=0"), simulatedMicrophone("desk", "?bed=0")]
        let summary = try record(sources, seconds: 20, sink)
        #expect(summary.failure == nil)
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        expectAllTracks(sink, film)
        #expect(gaps(of: "front", sink).first?.from == .zero)
    }

    @Test("A stop ends the waiting for devices that are away, also when nothing else is left")
    func stopsWhileAway() throws {
        let clock = SimulatedClock()
        let sources = [
            simulatedCamera("front", "?gone=5"), simulatedMicrophone("desk", "?gone=900"),
        ]
        let recorder = try LessonRecorder(
            sources: sources,
            settings: simulatedSettings(),
            sink: CollectingSink(),
            clock: clock
        )
        try recorder.start()
        clock.sleep(seconds: 20.1)
        #expect(recorder.health.sources.map(\.state) == [.failed, .failed])
        // The clock stands still meanwhile: no waiting that only time ends would end.
        #expect(recorder.stopCapture(deadline: soon()))
        clock.leave()
        #expect(recorder.finish().failure == nil)
    }

    @Test("Without any source the lesson ends after the stated time and not before")
    func allGone() throws {
        let sink = CollectingSink()
        let sources = [
            simulatedCamera("front", "?gone=50"), simulatedMicrophone("desk", "?gone=10000"),
        ]
        let summary = try record(sources, seconds: 90, sink) { recorder in
            #expect(recorder.health.committed > .seconds(60))
        }
        guard case .noSourceLeft = summary.failure else {
            Issue.record("ended with \(String(describing: summary.failure))")
            return
        }
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        let end = film.packets("1").last?.time ?? 0
        #expect((69...73).contains(end), "\(end)")
    }

    @Test(
        "Times that the drivers state wrongly are replaced and counted, and sync is kept",
        arguments: ["future", "back", "stuck", "wrap"]
    )
    func wrongStamps(fault: String) throws {
        let sink = CollectingSink()
        let sources = [
            simulatedCamera("front", "?stamps=\(fault)"),
            simulatedMicrophone("desk", "?bed=0&ppm=100&stamps=\(fault)"),
        ]
        let summary = try record(sources, seconds: 40, sink)
        #expect(summary.failure == nil)
        for source in summary.health.sources {
            #expect(source.estimated > 0)
            #expect(source.checks == [.times])
        }
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        expectBeeps(film, from: 0.5, to: 39)
        #expect(sink.all.gaps.isEmpty, "\(sink.all.gaps)")
    }

    @Test("A microphone that gives nothing but zeros has no signal, and that is a gap")
    func noSignal() throws {
        let sink = CollectingSink()
        let sources = [
            simulatedCamera("front"), simulatedMicrophone("desk", "?mute=0"),
            simulatedMicrophone("room"), simulatedMicrophone("wall", "?mute=4000&unmute=16000"),
            simulatedMicrophone("door", "?mute=4000&unmute=8000"),
        ]
        var checks: [[SourceHealth.Check]] = []
        let summary = try record(sources, seconds: 30, sink) { recorder in
            checks = recorder.health.sources.map(\.checks)
        }
        #expect(checks == [[], [.noSignal], [], [], []])
        #expect(summary.health.sources.map(\.checks) == checks)
        #expect(summary.health.sources.map(\.gaps) == [0, 1, 0, 1, 0])
        #expect(sink.all.gaps.allSatisfy { $0.reason == .noSignal })
        let desk = try #require(gaps(of: "desk", sink).first)
        #expect(desk.from == .zero && desk.to > .seconds(29))
        let wall = try #require(gaps(of: "wall", sink).first)
        #expect(abs((wall.from - .seconds(4)).nanoseconds) < 300_000_000, "\(wall)")
        #expect(abs((wall.to - .seconds(16)).nanoseconds) < 300_000_000, "\(wall)")
        #expect(abs(wall.count - 12 * 16_000) < 2_000)
        #expect(sink.all.gaps.count == 2)
    }

    /// A beep within 10 ms of each flash between two times.
    private func expectBeeps(_ film: Film, from: Double, to: Double) {
        let beeps = film.beeps
        let flashes = film.flashes.filter { from < $0 && $0 < to }
        #expect(Double(flashes.count) >= to - from - 2)
        for flash in flashes {
            let nearest = beeps.map { abs($0 - flash) }.min() ?? 9
            #expect(nearest <= 0.010, "flash at \(flash): \(nearest)")
        }
    }
}
