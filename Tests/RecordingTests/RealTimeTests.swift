internal import AllocationCount
internal import LinuxSystem
internal import Synchronization
internal import Testing

@testable internal import Camera
@testable internal import LibAV
@testable internal import Microphone
@testable internal import Pipeline
@testable internal import Recording

/// What the capture loops ask of the heap on their own threads, counted where the process's malloc
/// is.
@Suite("Real-time loops", .serialized)
struct RealTimeTests {
    private final class Count: Sendable {
        let value = Atomic<Int>(-1)
    }

    /// Blocks taken from or given to the heap by a thread that runs `body`, while `serve` runs.
    private func allocations(
        in body: @escaping @Sendable () -> Void,
        while serve: () -> Void
    ) throws -> Int {
        let count = Count()
        let thread = try NamedThread("capture") {
            lenscap_count_allocations()
            body()
            count.value.store(lenscap_counted_allocations(), ordering: .releasing)
        }
        serve()
        thread.join()
        return count.value.load(ordering: .acquiring)
    }

    /// Passes `count` indices back, then calls `stop`.
    private func serve(
        _ count: Int,
        _ filled: SPSCRing,
        giveBack: (Int) -> Void,
        stop: () -> Void
    ) {
        let limit = Clock.monotonic.now() + 60_000_000_000
        var taken = 0
        while taken < count, Clock.monotonic.now() < limit {
            guard let index = filled.pop() else {
                pause(milliseconds: 1)
                continue
            }
            giveBack(index)
            taken += 1
        }
        #expect(taken == count)
        stop()
    }

    private func allocationsOfCamera(pictures: Int) throws -> Int {
        let request = CameraRequest(path: "test:?lose=9", width: 320, height: 240, frameRate: 200)
        let camera = try openCamera(request)
        let pool = try VideoFramePool(
            count: 6,
            width: 320,
            height: 240,
            colour: ColourDescription(fullRange: false, matrix: .bt601)
        )
        let port = PicturePort(pool: pool, bell: try Doorbell(), roomBell: nil)
        let status = SourceStatus(name: "front")
        let capture = UncheckedCapture(
            CameraCapture(
                port: .converted(port),
                status: status,
                timeline: Timeline([status], clock: KernelClock()),
                clock: KernelClock(),
                restartLimit: 60_000_000_000
            )
        )
        defer { camera.close() }
        return try allocations(
            in: { _ = try? capture.value.run(camera) },
            while: {
                serve(pictures, port.filled, giveBack: port.giveBack) { camera.stop() }
            }
        )
    }

    private func allocationsOfMicrophone(blocks: Int) throws -> Int {
        let microphone = try openMicrophone(MicrophoneRequest(path: "test:"))
        let port = SoundPort(sampleRate: 48_000, channels: 1)
        let capture = UncheckedCapture(
            MicrophoneCapture(
                port: port,
                status: SourceStatus(name: "desk"),
                bell: try Doorbell(),
                clock: KernelClock(),
                restartLimit: 60_000_000_000
            )
        )
        defer { microphone.close() }
        return try allocations(
            in: { _ = try? capture.value.run(microphone) },
            while: {
                serve(blocks, port.filled, giveBack: { _ = port.free.push($0) }) {
                    microphone.stop()
                }
            }
        )
    }

    @Test("The count counts: an array on the thread is seen")
    func counts() throws {
        let sum = Count()
        let count = try allocations(
            in: {
                let length = Int(Clock.monotonic.now() % 2) + 100
                sum.value.store(Array(0..<length).reversed().reduce(0, +), ordering: .relaxed)
            },
            while: {}
        )
        #expect(count >= 2)
    }

    @Test("A camera's loop asks the heap as often for ten times as many pictures")
    func camera() throws {
        // What is set up once, at the first picture of a process, is no picture's cost.
        _ = try allocationsOfCamera(pictures: 1)
        let few = try allocationsOfCamera(pictures: 40)
        let many = try allocationsOfCamera(pictures: 400)
        #expect(few == many)
    }

    @Test("A microphone's loop asks the heap as often for ten times as many blocks")
    func microphone() throws {
        _ = try allocationsOfMicrophone(blocks: 1)
        let few = try allocationsOfMicrophone(blocks: 15)
        let many = try allocationsOfMicrophone(blocks: 150)
        #expect(few == many)
    }
}

/// Takes a capture loop to the one thread that runs it.
private struct UncheckedCapture<Loop>: @unchecked Sendable {
    // Unchecked: made on the test's thread, then used on the capture thread only.
    let value: Loop

    init(_ value: Loop) {
        self.value = value
    }
}
