internal import Camera
internal import Glibc
internal import LinuxSystem
internal import MediaTime
internal import Microphone
internal import Recording
internal import Synchronization
internal import TestSupport
internal import Testing

private func camera(_ name: String = "front", _ options: String = "") -> LessonSource {
    LessonSource(
        name: name,
        device: .camera(
            CameraRequest(path: "test:picture" + options, width: 320, height: 240, frameRate: 30)
        )
    )
}

private func microphone(_ options: String = "") -> LessonSource {
    LessonSource(
        name: "desk",
        device: .microphone(MicrophoneRequest(path: "test:sound" + options))
    )
}

/// Short segments, so that a few seconds hold several.
private func quick() -> LessonSettings {
    var settings = LessonSettings()
    settings.videoBitRate = 500_000
    settings.segmentLength = .milliseconds(500)
    settings.lagLimit = .seconds(1)
    return settings
}

/// Records for a while and gives the summary.
private func record(
    _ sources: [LessonSource],
    _ settings: LessonSettings,
    _ sink: CollectingSink,
    milliseconds: Int64
) throws -> LessonSummary {
    let recorder = try LessonRecorder(sources: sources, settings: settings, sink: sink)
    try recorder.start()
    pause(milliseconds: milliseconds)
    #expect(recorder.stopCapture(deadline: soon()))
    return recorder.finish()
}

/// Expects a beep within 10 ms of each flash; the number of flashes compared.
///
/// A flash at the very edge of the sound is left out: devices open and close one after the other,
/// so its beep may lie outside.
@discardableResult
private func expectBeepsOnFlashes(_ film: Film, after start: Double = 0) -> Int {
    let beeps = film.beeps
    let sound = film.packets("a").map(\.time)
    let from = max(start, sound.first ?? 0) + 0.1
    let to = (sound.last ?? 0) - 0.1
    let flashes = film.flashes.filter { from < $0 && $0 < to }
    for flash in flashes {
        let nearest = beeps.map { abs($0 - flash) }.min() ?? 9
        #expect(nearest <= 0.010, "flash at \(flash), beeps at \(beeps)")
    }
    return flashes.count
}

@Suite("Lesson", .serialized)
struct LessonTests {
    @Test(
        "A lesson of two cameras and a microphone decodes cleanly and keeps flash and beep together"
    )
    func records() throws {
        let sink = CollectingSink()
        let sources = [camera(), microphone(), camera("side", "?format=yuyv&pad=64")]
        let summary = try record(sources, quick(), sink, milliseconds: 4_200)
        #expect(summary.failure == nil)
        let content = sink.all
        #expect(content.tracks.map(\.name) == ["front", "desk", "side"])
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        let compared = expectBeepsOnFlashes(film)
        #expect(compared >= 2)
        #expect(summary.health.segments == content.segments.count)
        #expect(summary.health.sources.allSatisfy { $0.state == .closed })
        #expect(summary.health.sources.allSatisfy { $0.committed == summary.health.committed })
    }

    @Test("Every segment stands at its bound and starts with a key frame in every video track")
    func cutsSegments() throws {
        let sink = CollectingSink()
        _ = try record(
            [camera(), microphone(), camera("side")],
            quick(),
            sink,
            milliseconds: 2_300
        )
        let segments = sink.all.segments
        #expect(segments.count >= 4)
        for (index, segment) in segments.enumerated() {
            #expect(segment.start == .milliseconds(500) * Int64(index))
            let film = Film(path: sink.film(ofSegment: index))
            let start = Double(segment.start.nanoseconds) / 1e9
            for track in ["0", "2"] {
                let first = film.packets(track).first
                #expect(first?.isKeyFrame == true)
                // The bound lies between this picture and the one before.
                #expect((first?.time ?? -1) - start >= 0 && (first?.time ?? 9) - start < 0.1)
            }
            #expect((film.packets("1").first?.time ?? -1) >= start)
        }
        #expect(segments.dropLast().allSatisfy { $0.duration == .milliseconds(500) })
    }

    @Test("Lost and damaged pictures are counted where they were, and the rest is there")
    func countsLosses() throws {
        let sink = CollectingSink()
        let source = camera("front", "?lose=10&damage=7")
        let summary = try record([source], quick(), sink, milliseconds: 2_000)
        let health = try #require(summary.health.sources.first)
        #expect(health.lost >= 4)
        #expect(health.damaged >= 4)
        let gaps = sink.all.gaps
        let lost = gaps.filter { $0.reason == .lost }.map(\.count).reduce(0, +)
        // The last one may have had no picture after it.
        #expect((health.lost - 1...health.lost).contains(lost))
        #expect(gaps.contains { $0.reason == .damaged && $0.source == "front" })
        #expect(Film(path: sink.film()).complaints.isEmpty)
        #expect(Film(path: sink.film()).packets("v").count + health.dropped == health.delivered)
    }

    @Test("An overrun becomes silence of its length, and later beeps are still on the flash")
    func fillsOverrun() throws {
        let sink = CollectingSink()
        let sources = [camera(), microphone("?overrun=700")]
        _ = try record(sources, quick(), sink, milliseconds: 3_300)
        let gap = try #require(sink.all.gaps.first { $0.reason == .overrun })
        #expect(gap.source == "desk")
        #expect(abs((gap.to - gap.from).nanoseconds - 100_000_000) < 10_000_000)
        let film = Film(path: sink.film())
        expectContinuousSound(film)
        expectBeepsOnFlashes(film, after: Double(gap.to.nanoseconds) / 1e9)
    }

    @Test(
        "A microphone that falls silent or goes away leaves silence and a gap up to the end",
        arguments: ["hang", "gone"]
    )
    func fillsSilence(how: String) throws {
        let sink = CollectingSink()
        let sources = [camera(), microphone("?\(how)=600")]
        let summary = try record(sources, quick(), sink, milliseconds: 3_500)
        #expect(summary.failure == nil)
        let reason: GapReason = how == "hang" ? .stalled : .gone
        let gaps = sink.all.gaps.filter { $0.source == "desk" }
        #expect(gaps.map(\.reason) == [reason])
        let film = Film(path: sink.film())
        expectContinuousSound(film)
        #expect((film.packets("a").last?.time ?? 0) > 2)
        #expect(film.complaints.isEmpty)
    }

    @Test("A camera that hangs has a gap to the end, and its last picture in every segment")
    func notesStall() throws {
        var settings = quick()
        settings.stallLimit = .milliseconds(400)
        let sink = CollectingSink()
        let sources = [camera("front", "?hang=20"), microphone()]
        let recorder = try LessonRecorder(sources: sources, settings: settings, sink: sink)
        try recorder.start()
        #expect(eventually { recorder.health.sources[0].state == .stalled })
        #expect(recorder.health.sources[0].gaps == 1)
        pause(milliseconds: 1_500)
        recorder.stopCapture(deadline: soon())
        _ = recorder.finish()
        let gaps = sink.all.gaps
        #expect(gaps.count { $0.reason == .stalled } == 1)
        let gap = try #require(gaps.first { $0.reason == .stalled })
        #expect(gap.to - gap.from > .seconds(1))
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        expectContinuousSound(film)
        expectKeyFrameInEverySegment(sink, of: ["0"])
    }

    @Test("One camera goes away: the others go on, and the gap is said")
    func losesOne() throws {
        let sink = CollectingSink()
        let sources = [camera("front", "?gone=20"), camera("side"), microphone()]
        let summary = try record(sources, quick(), sink, milliseconds: 2_500)
        #expect(summary.failure == nil)
        #expect(summary.health.sources.map(\.state) == [.failed, .closed, .closed])
        #expect(sink.all.gaps.contains { $0.source == "front" && $0.reason == .gone })
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        #expect((film.packets("1").last?.time ?? 0) > 1.5)
    }

    @Test("The last source goes away: the lesson ends with the reason, and what was there is kept")
    func losesAll() throws {
        let sink = CollectingSink()
        let reason = Mutex<RecordingError?>(nil)
        let sources = [camera("front", "?gone=30"), microphone("?gone=800")]
        var settings = quick()
        settings.absenceLimit = .milliseconds(1_500)
        let recorder = try LessonRecorder(sources: sources, settings: settings, sink: sink) {
            error in
            reason.withLock { $0 = error }
        }
        try recorder.start()
        #expect(eventually { reason.withLock { $0 } != nil })
        let summary = recorder.finish()
        guard case .noSourceLeft = summary.failure else {
            Issue.record("ended with \(String(describing: summary.failure))")
            return
        }
        #expect(Film(path: sink.film()).complaints.isEmpty)
        #expect(summary.health.committed > .milliseconds(500))
    }

    @Test("A device that does not open stops the start, is named, and the others are closed")
    func refusesStart() throws {
        let sink = CollectingSink()
        let missing = LessonSource(
            name: "ceiling",
            device: .camera(
                CameraRequest(path: "/dev/no-such-camera", width: 640, height: 480, frameRate: 30)
            )
        )
        var settings = quick()
        settings.openLimit = .milliseconds(200)
        let recorder = try LessonRecorder(
            sources: [camera(), missing, microphone()],
            settings: settings,
            sink: sink
        )
        let error = #expect(throws: RecordingError.self) { try recorder.start() }
        guard case .deviceUnavailable(let source, let reason, _)? = error else {
            Issue.record("threw \(String(describing: error))")
            return
        }
        #expect(source == "ceiling")
        #expect(reason.contains("no-such-camera"))
        #expect(recorder.stopCapture(deadline: 0))
        #expect(recorder.health.sources.map(\.state) == [.closed, .failed, .closed])
        #expect(sink.all.tracks.isEmpty)
    }

    @Test("The start waits for a node that is not there yet, and a stop ends the waiting at once")
    func waitsForNode() throws {
        let folder = TemporaryFolder()
        let path = "\(folder.path)/video"
        let request = CameraRequest(path: path, width: 640, height: 480, frameRate: 30)
        let late = LessonSource(name: "front", device: .camera(request))
        var settings = quick()
        settings.openLimit = .seconds(3_600)
        let recorder = try LessonRecorder(
            sources: [late],
            settings: settings,
            sink: CollectingSink()
        )
        let failure = Mutex<RecordingError?>(nil)
        let starter = try NamedThread("start") {
            do throws(RecordingError) { try recorder.start() } catch {
                failure.withLock { $0 = error }
            }
        }
        pause(milliseconds: 200)
        #expect(failure.withLock { $0 } == nil)
        // A node at last, and none that is a camera.
        _ = try folder.file("video", [])
        starter.join()
        guard case .deviceUnavailable(_, let reason, _)? = failure.withLock({ $0 }) else {
            Issue.record("ended with \(String(describing: failure.withLock { $0 }))")
            return
        }
        #expect(reason.contains("it is no device"))

        _ = tool("rm \(path)")
        let other = try LessonRecorder(sources: [late], settings: settings, sink: CollectingSink())
        let second = try NamedThread("start") {
            do throws(RecordingError) { try other.start() } catch {
                failure.withLock { $0 = error }
            }
        }
        pause(milliseconds: 100)
        #expect(other.stopCapture(deadline: soon()))
        second.join()
        #expect(failure.withLock { $0 } == .stopped)
        #expect(other.health.sources.map(\.state) == [.closed])
    }

    @Test("A stop before the start keeps every device closed")
    func stopsBeforeStart() throws {
        // Opening this one would give another error.
        let missing = camera("front", "?no-such-option=1")
        let recorder = try LessonRecorder(
            sources: [missing, microphone()],
            settings: quick(),
            sink: CollectingSink()
        )
        #expect(recorder.stopCapture(deadline: 0))
        let error = #expect(throws: RecordingError.self) { try recorder.start() }
        #expect(error == .stopped)
        #expect(recorder.health.sources.allSatisfy { $0.delivered == 0 })
    }

    @Test("A stop from another thread closes every device while the sink is blocked")
    func stopsWhileBlocked() throws {
        let sink = CollectingSink(isBlocked: true)
        let recorder = try LessonRecorder(
            sources: [camera(), microphone()],
            settings: quick(),
            sink: sink
        )
        try recorder.start()
        #expect(eventually { sink.hasBlocked })
        let isClosed = Atomic<Bool>(false)
        let stopper = try NamedThread("stop") {
            isClosed.store(recorder.stopCapture(deadline: soon()), ordering: .releasing)
        }
        stopper.join()
        let wasClosed = isClosed.load(ordering: .acquiring)
        #expect(wasClosed)
        #expect(recorder.health.sources.allSatisfy { $0.state == .closed })
        #expect(sink.all.segments.isEmpty)
        sink.unblock()
        let summary = recorder.finish()
        #expect(summary.failure == nil)
        #expect(Film(path: sink.film()).complaints.isEmpty)
    }

    @Test("A blocked sink costs counted pictures and no sound, within bounded queues")
    func survivesBlockedSink() throws {
        var settings = quick()
        settings.packetQueue = 8
        settings.segmentQueue = 1
        let sink = CollectingSink(isBlocked: true)
        let recorder = try LessonRecorder(
            sources: [camera(), microphone()],
            settings: settings,
            sink: sink
        )
        try recorder.start()
        #expect(eventually { recorder.health.sources[0].dropped >= 30 })
        sink.unblock()
        pause(milliseconds: 1_500)
        recorder.stopCapture(deadline: soon())
        let summary = recorder.finish()
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        expectContinuousSound(film)
        #expect(summary.health.sources[1].dropped == 0)
        #expect(!sink.all.gaps.contains { $0.source == "desk" })
        let missing = sink.all.gaps.filter { $0.reason == .overload }.map(\.count).reduce(0, +)
        #expect(missing >= 30)
        expectBeepsOnFlashes(film)
        expectKeyFrameInEverySegment(sink, of: ["0"])
    }

    @Test("An encoder that is too slow costs counted pictures, oldest first, and no sound")
    func survivesSlowEncoder() throws {
        var settings = LessonSettings()
        settings.videoPreset = .veryslow
        settings.videoThreads = 1
        settings.videoBitRate = 8_000_000
        let large = LessonSource(
            name: "front",
            device: .camera(
                CameraRequest(path: "test:picture", width: 1280, height: 720, frameRate: 60)
            )
        )
        let sink = CollectingSink()
        let recorder = try LessonRecorder(
            sources: [large, microphone()],
            settings: settings,
            sink: sink
        )
        try recorder.start()
        #expect(eventually { recorder.health.sources[0].dropped >= 20 })
        #expect(eventually { recorder.health.committed >= .seconds(4) })
        recorder.stopCapture(deadline: soon())
        let health = recorder.finish().health.sources[0]
        let film = Film(path: sink.film())
        #expect(film.complaints.isEmpty)
        expectContinuousSound(film)
        let missing = sink.all.gaps.filter { $0.reason == .overload }.map(\.count).reduce(0, +)
        #expect(missing > 0 && missing <= health.dropped)
        let silent = sink.all.gaps.filter { $0.source == "desk" }
        #expect(silent.isEmpty, "\(silent)")
        for (index, segment) in sink.all.segments.enumerated() {
            #expect(segment.start == .seconds(2) * Int64(index))
        }
        expectKeyFrameInEverySegment(sink, of: ["0"])
    }

    @Test("A sink that fails ends the lesson, hears nothing more, and the devices are closed")
    func endsOnSinkFailure() throws {
        let sink = CollectingSink(failingAt: 1)
        let reason = Mutex<RecordingError?>(nil)
        let recorder = try LessonRecorder(
            sources: [camera(), microphone()],
            settings: quick(),
            sink: sink
        ) { error in reason.withLock { $0 = error } }
        try recorder.start()
        #expect(eventually { reason.withLock { $0 } != nil })
        #expect(recorder.stopCapture(deadline: soon()))
        let summary = recorder.finish()
        #expect(
            summary.failure
                == .sinkFailed(LessonSinkError("the disk is full", recovery: .endSession))
        )
        #expect(sink.all.callsAfterFailure == 0)
        #expect(summary.health.segments == 1)
    }

    @Test("An abort returns while the sink is blocked, and the sink gets nothing after that call")
    func aborts() throws {
        let sink = CollectingSink(isBlocked: true)
        let recorder = try LessonRecorder(
            sources: [camera(), microphone()],
            settings: quick(),
            sink: sink
        )
        try recorder.start()
        #expect(eventually { sink.hasBlocked })
        recorder.abort()
        #expect(recorder.health.sources.allSatisfy { $0.state == .closed })
        sink.unblock()
        _ = recorder.finish()
        #expect(sink.all.segments.count == 1)
    }

    @Test("A finished lesson leaves no descriptor and no thread behind")
    func cleansUp() throws {
        let before = descriptors()
        for _ in 0..<3 {
            let sink = CollectingSink()
            let sources = [camera(), microphone()]
            let summary = try record(sources, quick(), sink, milliseconds: 300)
            #expect(summary.failure == nil)
        }
        #expect(descriptors() == before)
        let names = tool("cat /proc/\(getpid())/task/*/comm").output.split(separator: "\n")
        let left = names.filter { ["cap-", "enc-", "mux", "write"].contains(where: $0.hasPrefix) }
        #expect(left.isEmpty, "\(left)")
    }

    private func descriptors() -> Int {
        let links = tool("ls -l /proc/\(getpid())/fd").output.split(separator: "\n")
        return links.count { $0.contains("eventfd") }
    }

    /// Each segment but the last, which may end before a picture comes.
    private func expectKeyFrameInEverySegment(_ sink: CollectingSink, of tracks: [String]) {
        for (index, segment) in sink.all.segments.enumerated().dropLast() {
            let film = Film(path: sink.film(ofSegment: index))
            for track in tracks {
                let first = film.packets(track).first
                #expect(first?.isKeyFrame == true, "segment \(index), track \(track)")
                let start = Double(segment.start.nanoseconds) / 1e9
                #expect((first?.time ?? -1) >= start)
            }
        }
    }

    /// Every block of sound follows the one before without a hole.
    private func expectContinuousSound(_ film: Film) {
        let times = film.packets("a").map(\.time)
        #expect(times.first == 0)
        for (time, next) in zip(times, times.dropFirst())
        where abs(next - time - 1_024.0 / 48_000) > 0.000_1 {
            Issue.record("a hole in the sound from \(time) to \(next)")
        }
    }
}
