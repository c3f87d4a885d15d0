internal import Camera
internal import LibAV
package import LinuxSystem
internal import MediaTime
internal import Microphone
internal import Pipeline
internal import Synchronization

/// Records one lesson: cameras and microphones through encoders into segments for a sink.
///
/// Life: `init` → ``start(opened:)`` → ``stopCapture(deadline:)`` → ``finish()``, or ``abort()`` in
/// place of the last. The lesson's first instant is when the last source delivered for the first
/// time; everything before it is left out.
///
/// # Concurrency model
/// Each source has a capture thread, which alone opens, reads and closes its device, and an encode
/// thread; a camera that sends compressed pictures has a decode thread between them. A mux thread
/// and a write thread serve all. Between capture and encoder lie lock-free rings of buffers, after
/// it bounded queues; each object beyond them belongs to one thread.
///
/// ```
/// camera  ─ capture ═ring═ encode ─queue─┐
/// sound   ─ capture ═ring═ encode ─queue─┴─ mux ─queue─ write ─ sink
/// ```
///
/// A slow sink fills the queues backwards; then pictures are dropped, oldest first and counted, and
/// sound waits: 85 s of it encoded and 10 s of samples.
/// ``start(opened:)``, ``finish()`` and ``abort()`` belong to one owner, one at a time, on a thread
/// that may block; ``stopCapture(deadline:)`` and ``health`` are thread-safe at any time. Stopping
/// waits for nothing but the devices.
package final class LessonRecorder: Sendable {
    private struct Threads {
        var capture: [NamedThread] = []
        var encode: [NamedThread] = []
        var mux: NamedThread?
        var write: NamedThread?
        var writer: WriteStage?
        var queues: [HandoffQueue<TrackMessage>] = []
        var output: HandoffQueue<SinkMessage>?
        var hasStarted = false
    }

    private let sources: [LessonSource]
    private let settings: LessonSettings
    private let sink: any LessonSink
    private let encoders: EncoderFactory
    private let session: Session
    private let threads = Mutex(Threads())

    /// Makes a recorder for 1 to 64 sources with unique names; opens nothing yet.
    ///
    /// `ended` is called once, on a worker thread, when the lesson cannot go on; the devices have
    /// been told to close by then, and ``finish()`` is still to be called.
    package init(
        sources: [LessonSource],
        settings: LessonSettings,
        sink: any LessonSink,
        clock: any WaitingClock = KernelClock(),
        encoders: EncoderFactory = .libAV,
        ended: @escaping @Sendable (RecordingError) -> Void = { _ in }
    ) throws(RecordingError) {
        precondition((1...64).contains(sources.count))
        precondition(Set(sources.map(\.name)).count == sources.count)
        self.sources = sources
        self.settings = settings
        self.sink = sink
        self.encoders = encoders
        do throws(SystemError) {
            var controls: [SourceControl] = []
            for source in sources {
                controls.append(try SourceControl(name: source.name, clock: clock))
            }
            session = Session(sources: controls, clock: clock, ended: ended)
        } catch {
            throw .systemFailed(error)
        }
    }

    deinit {
        session.discard()
    }

    /// Opens every device and begins to record; all or nothing.
    ///
    /// Blocks until each device is open, which `opened` is told, source by source, on this thread.
    /// When one fails, or a stop comes, the others are closed before the error is thrown.
    package func start(opened: (_ source: String) -> Void = { _ in }) throws(RecordingError) {
        threads.withLock { threads in
            precondition(!threads.hasStarted, "a lesson starts once")
            threads.hasStarted = true
        }
        if session.isStopping {
            for source in session.sources {
                source.status.enter(.closed)
                session.openDevices.arrive()
            }
            throw .stopped
        }
        let capture = CaptureSet(session, sources, settings)
        do throws(RecordingError) {
            try capture.openAll(opened)
            try run(capture)
        } catch {
            session.requestStop()
            capture.cancel()
            throw error
        }
    }

    /// Closes every device; true when all of them are closed by `deadline` (CLOCK_MONOTONIC, ns).
    ///
    /// Thread-safe, idempotent, at any time, also before and during ``start(opened:)``, which then
    /// throws ``RecordingError/stopped``. A driver that hangs makes it false. What was captured goes on through the pipeline.
    @discardableResult
    package func stopCapture(deadline: Int64) -> Bool {
        session.requestStop()
        let mayBeOpen = threads.withLock { $0.hasStarted }
        return !mayBeOpen || session.openDevices.wait(deadline: deadline)
    }

    /// Records what was captured to the end and gives the figures.
    ///
    /// Blocks until the sink has taken everything.
    package func finish() -> LessonSummary {
        session.requestStop()
        joinAll()
        return LessonSummary(health: health, failure: session.failure)
    }

    /// Closes the devices and throws away what the sink has not been given.
    ///
    /// Blocks until the devices are closed and all threads but the write thread have ended; that
    /// one ends when the sink returns from the call it may be in.
    package func abort() {
        session.discard()
        let (queues, output) = threads.withLock { ($0.queues, $0.output) }
        for queue in queues { queue.closeAndDiscard() }
        output?.closeAndDiscard()
        joinAll(exceptWriter: true)
    }

    /// When the lesson's first instant was (CLOCK_MONOTONIC, ns); nil until it is decided.
    ///
    /// Thread-safe.
    package var firstInstant: Int64? { session.timeline.zero }

    /// How the lesson fares now; thread-safe.
    package var health: LessonHealth {
        let writer = threads.withLock { $0.writer }
        return LessonHealth(
            sources: session.sources.map(\.status.health),
            committed: writer?.committedTime ?? .zero,
            segments: writer?.segmentCount ?? 0,
            bytes: writer?.byteCount ?? 0
        )
    }

    private func joinAll(exceptWriter: Bool = false) {
        let all = threads.withLock { threads in
            let last = exceptWriter ? [threads.mux] : [threads.mux, threads.write]
            return threads.capture + threads.encode + last.compactMap { $0 }
        }
        for thread in all { thread.join() }
    }

    /// Makes encoders, muxer and threads for the open devices, and lets the captures go.
    private func run(_ capture: CaptureSet) throws(RecordingError) {
        let plan = try LessonPlan(session, capture.formats, settings, encoders)
        let writer = WriteStage(
            session: session,
            input: plan.output,
            spares: plan.spares,
            sink: sink
        )
        var started = Threads()
        started.hasStarted = true
        started.writer = writer
        started.queues = plan.queues
        started.output = plan.output
        started.capture = capture.threads
        do throws(SystemError) {
            started.write = try NamedThread("write") { writer.run() }
            started.mux = try session.clock.thread("mux") { [mux = plan.mux] in mux.run() }
            for stage in plan.stages {
                started.encode.append(try session.clock.thread(stage.name, stage.run))
            }
        } catch {
            // The threads that did start end when their queues do.
            for queue in plan.queues { queue.closeAndDiscard() }
            plan.output.closeAndDiscard()
            throw .systemFailed(error)
        }
        threads.withLock { $0 = started }
        let limit = session.clock.now() + settings.startLimit.nanoseconds
        session.timeline.begin(limit: limit)
        capture.begin(plan.captureOrders)
    }
}
