import Age
import CryptoPrimitives
import LinuxSystem
import MediaTime
import Recording
import Spool

/// The recorder's process: segments by the clock through the real sink, and the protocol.
///
/// Thread-bound; unchecked because the sink's closure wants what it captures to be sendable.
final class SimulatedRecorder: @unchecked Sendable {
    /// What it says to the authority.
    enum Message {
        case opened(String)
        case leaf(String)
        case failed(isSpace: Bool)
        case closed(String)
        case done
    }

    let process = SimulatedProcess("recorder")
    private let world: World
    private let recording: String
    private let send: (Message) -> Void
    private var sink: SealedLesson?
    private(set) var areDevicesOpen = false
    private(set) var isGone = false
    private var stopReason: String?
    private var failure: String?
    private var second: Int64 = 0

    init(_ world: World, recording: String, send: @escaping (Message) -> Void) {
        self.world = world
        self.recording = recording
        self.send = send
    }

    private var ledger: Ledger { world.ledger }

    /// Does something in its process, unless that has ended.
    private func work(after nanoseconds: Int64, _ body: @escaping () -> Void) {
        world.schedule.after(nanoseconds, .recorder) {
            guard !self.isGone else { return }
            self.world.run(self.process, body)
            if self.process.isDead { self.end() }
        }
    }

    func begin() {
        work(after: world.delay()) {
            do {
                self.sink = SealedLesson(
                    recipient: self.world.school.recipient,
                    writer: try ObjectWriter(recording: self.recording, spool: World.spool),
                    lowWater: World.reserve / 2,
                    report: { leaf throws(LessonSinkError) in self.report(leaf) }
                )
            } catch { return self.fail(LessonSinkError("\(error)", recovery: .endSession)) }
            self.areDevicesOpen = true
            self.send(.opened("front"))
            self.send(.opened("desk"))
            self.nextRun()
        }
    }

    private func report(_ leaf: Leaf) {
        if let object = leaf.object {
            ledger.promises[recording]?.unnamed.insert(object.name)
            if case .segment = leaf { ledger.promises[recording]?.segments += 1 }
        }
        send(.leaf(String(decoding: leaf.line, as: UTF8.self)))
    }

    private func sinking(_ body: (SealedLesson) throws(LessonSinkError) -> Void) {
        guard let sink, failure == nil else { return }
        do throws(LessonSinkError) { try body(sink) } catch { fail(error) }
    }

    /// The sink takes nothing more: the lesson ends, and says why.
    private func fail(_ error: LessonSinkError) {
        guard failure == nil, !process.isDead else { return }
        failure = error.isNoSpace ? "space" : "failed"
        send(.failed(isSpace: error.isNoSpace))
        stop(failure ?? "failed")
    }

    private func nextRun() {
        sinking { (sink) throws(LessonSinkError) in
            let bytes: [UInt8] = [1, 2, 3]
            try bytes.span.withUnsafeBytes { (bytes) throws(LessonSinkError) in
                try sink.begin(
                    initSegment: bytes,
                    tracks: [
                        TrackDescription(
                            name: "desk",
                            kind: .sound(sampleRate: 48_000, channels: 1),
                            codec: "mp4a.40.2"
                        )
                    ]
                )
            }
        }
        work(after: 2_000_000_000) { self.nextSegment(seconds: 2) }
    }

    private func nextSegment(seconds: Int64) {
        guard stopReason == nil else { return }
        seal(seconds)
        if world.random.once(in: 20) { return nextRun() }
        work(after: 2_000_000_000) { self.nextSegment(seconds: 2) }
    }

    private func seal(_ seconds: Int64) {
        let bytes = [UInt8](repeating: 0x2A, count: world.random.number(1...700))
        let start = MediaTime(nanoseconds: second * 1_000_000_000)
        sinking { (sink) throws(LessonSinkError) in
            try bytes.span.withUnsafeBytes { (bytes) throws(LessonSinkError) in
                try sink.segment(
                    bytes: bytes,
                    start: start,
                    duration: MediaTime(nanoseconds: seconds * 1_000_000_000)
                )
            }
            if world.random.once(in: 10) {
                try sink.gap(
                    LessonGap(source: "front", reason: .stalled, from: start, to: start, count: 0)
                )
            }
        }
        second += seconds
    }

    /// The order to stop, or its own: devices close within 80 ms, then the rest is sealed.
    func stop(_ reason: String) {
        guard stopReason == nil else { return }
        stopReason = reason
        work(after: world.random.time(0...80_000_000)) {
            self.areDevicesOpen = false
            self.send(.closed(reason))
            self.finish()
        }
    }

    private func finish() {
        if failure == nil, world.random.once(in: 2) { seal(1) }
        guard let sink, !process.isDead else { return end() }
        do throws(LessonSinkError) {
            try sink.end(
                reason: failure ?? stopReason ?? "failed",
                time: world.clock,
                summary: .object([:])
            )
            send(.done)
        } catch {
            send(.failed(isSpace: error.isNoSpace))
        }
        end()
    }

    /// The connection was closed, or somebody killed it.
    func kill() {
        process.kill()
        end()
    }

    private func end() {
        process.kill()
        areDevicesOpen = false
        sink = nil
        isGone = true
    }
}
