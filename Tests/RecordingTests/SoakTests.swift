internal import Camera
internal import LinuxSystem
internal import MediaTime
internal import Microphone
internal import Recording
internal import TestSupport
internal import Testing

/// What long and many lessons leave behind, each in a process of its own.
///
/// `make soak` has them at full length.
@Suite("Soak", .serialized)
struct SoakTests {
    @Test("A long lesson ends with the descriptors, threads and memory that it began with")
    func hours() async {
        let result = await #expect(
            processExitsWith: .success,
            observing: [\.standardOutputContent]
        ) {
            let minutes = number("LENSCAP_TEST_SOAK_MINUTES", absent: 6)
            let before = Usage()
            try recordForHours(minutes: minutes)
            let after = Usage()
            print("soak: before \(before); after \(after)")
            #expect(after.threads == before.threads)
            #expect(after.opened(since: before) == [])
        }
        say(result)
    }

    @Test("Many lessons one after the other end with the descriptors, threads and memory of one")
    func cycles() async {
        let result = await #expect(
            processExitsWith: .success,
            observing: [\.standardOutputContent]
        ) {
            let count = number("LENSCAP_TEST_SOAK_CYCLES", absent: 20)
            var first: Usage?
            for cycle in 0..<count {
                try recordShortly(milliseconds: cycle % 2 * 100)
                if cycle == 4 { first = Usage() }
            }
            let last = Usage()
            let early = try #require(first)
            print("soak: \(count) lessons; after 5: \(early); after: \(last)")
            #expect(last.descriptors == early.descriptors && last.threads == early.threads)
            #expect(last.memory < early.memory + 16 << 20)
        }
        say(result)
    }

    @Test("An encoder that is too slow costs pictures and no memory, and the segments keep coming")
    func overload() async {
        let result = await #expect(
            processExitsWith: .success,
            observing: [\.standardOutputContent]
        ) { try recordTooMuch() }
        say(result)
    }
}

private func recordForHours(minutes: Int) throws {
    let clock = SimulatedClock()
    let recorder = try LessonRecorder(
        sources: soakSources,
        settings: simulatedSettings(),
        sink: ForgettingSink(),
        clock: clock
    )
    try recorder.start()
    // Past the unplugging, so that all that is made once is made.
    clock.sleep(seconds: 120)
    let early = Usage()
    clock.sleep(seconds: Double(minutes - 2) * 60)
    let late = Usage()
    #expect(recorder.health.committed > .seconds(Int64(minutes) * 60 - 10))
    #expect(recorder.stopCapture(deadline: soon()))
    clock.leave()
    #expect(recorder.finish().failure == nil)
    print("soak: \(minutes) minutes; after 2: \(early); at the end: \(late)")
    #expect(late.descriptors == early.descriptors)
    #expect(late.threads == early.threads)
    #expect(late.memory < early.memory + 16 << 20)
}

/// The queues hold little; 720 lines at 60 pictures a second would otherwise be 80 MB more each
/// second.
private func recordTooMuch() throws {
    let request = CameraRequest(path: "test:picture", width: 1280, height: 720, frameRate: 60)
    var settings = LessonSettings()
    settings.videoPreset = .veryslow
    settings.videoThreads = 1
    let recorder = try LessonRecorder(
        sources: [
            LessonSource(name: "front", device: .camera(request)), simulatedMicrophone("desk"),
        ],
        settings: settings,
        sink: ForgettingSink()
    )
    try recorder.start()
    // The encoder's own pictures are all in use by then.
    #expect(eventually { recorder.health.committed >= .seconds(6) })
    let early = Usage()
    let dropped = recorder.health.sources[0].dropped
    #expect(eventually { recorder.health.committed >= .seconds(14) })
    let late = Usage()
    let health = recorder.health.sources
    #expect(recorder.stopCapture(deadline: soon()))
    #expect(recorder.finish().failure == nil)
    print("soak: overload, \(health[0].dropped) of \(health[0].delivered) pictures given up;")
    print("soak: after 6 s \(early); after 14 s \(late)")
    #expect(dropped > 0 && health[0].dropped > dropped)
    #expect(health[1].dropped == 0 && health[1].gaps == 0)
    #expect(late.memory < early.memory + 64 << 20)
    #expect(late.descriptors == early.descriptors)
}

private func recordShortly(milliseconds: Int) throws {
    let recorder = try LessonRecorder(
        sources: soakSources,
        settings: simulatedSettings(),
        sink: ForgettingSink()
    )
    try recorder.start()
    pause(milliseconds: Int64(milliseconds))
    #expect(recorder.stopCapture(deadline: soon()))
    #expect(recorder.finish().failure == nil)
}

/// One camera that leaves and one that stays, two microphones with clocks of their own.
private let soakSources = [
    simulatedCamera("front"),
    simulatedCamera("side", "?gone=100&back=5000"),
    simulatedMicrophone("desk", "?ppm=500"),
    simulatedMicrophone("room", "?ppm=-300&gone=30000&back=20000"),
]

/// Prints the figures that a process printed.
private func say(_ result: ExitTest.Result?) {
    let text = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
    for line in text.split(separator: "\n") where line.hasPrefix("soak:") { print(line) }
}

private func number(_ name: String, absent: Int) -> Int {
    CurrentProcess.environment(name).flatMap { Int($0) } ?? absent
}

/// What the process holds.
private struct Usage: CustomStringConvertible {
    /// What descriptors stand for, and how many for each; but for those of the test runner's timers,
    /// which come when it likes and stay.
    let descriptors: [String: Int]
    /// Those of lessons, by their names; the test runner has others that come and go.
    let threads: Int
    /// Resident, in bytes.
    let memory: Int

    init() {
        let open = (try? Folder(path: "/proc/self/fd").names()) ?? []
        let targets = open.compactMap { try? SymbolicLink.target(of: "/proc/self/fd/\($0)") }
        descriptors = Dictionary(grouping: targets) { $0 }.mapValues(\.count).filter { target, _ in
            target != "anon_inode:[timerfd]" && target != "anon_inode:[eventpoll]"
        }
        let names = ["cap-", "enc-", "mux", "write"]
        let tasks = (try? Folder(path: "/proc/self/task").names()) ?? []
        threads = tasks.count { task in
            let name = text(of: "/proc/self/task/\(task)/comm")
            return names.contains(where: name.hasPrefix)
        }
        let pages = text(of: "/proc/self/statm").split(separator: " ").dropFirst().first
        memory = pages.flatMap { Int($0) }.map { $0 * 4096 } ?? 0
    }

    /// What has more descriptors than it had; the test runner may have closed one of its own.
    func opened(since earlier: Usage) -> [String] {
        descriptors.filter { $0.value > earlier.descriptors[$0.key, default: 0] }.keys.sorted()
    }

    var description: String {
        "\(descriptors.values.reduce(0, +)) descriptors, \(threads) threads, \(memory >> 20) MiB"
    }
}

private func text(of path: String) -> String {
    guard let file = try? Descriptor.open(path, .read), let bytes = try? file.readAll(limit: 200)
    else { return "" }
    return String(decoding: bytes, as: UTF8.self)
}

/// A sink that keeps nothing.
private final class ForgettingSink: LessonSink {
    func begin(
        initSegment: UnsafeRawBufferPointer,
        tracks: [TrackDescription]
    )
        throws(LessonSinkError)
    {}

    func segment(
        bytes: UnsafeRawBufferPointer,
        start: MediaTime,
        duration: MediaTime
    )
        throws(LessonSinkError)
    {}

    func gap(_ gap: LessonGap) throws(LessonSinkError) {}
}
