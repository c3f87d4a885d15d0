internal import LinuxSystem
internal import Pipeline
internal import Synchronization

/// What the threads of one lesson share: whether it goes on, and why it does not.
///
/// Thread-safe.
final class Session: Sendable {
    let sources: [SourceControl]
    /// What every thread of the lesson reads and waits by.
    let clock: any WaitingClock
    let timeline: Timeline
    /// Counts the devices that are not closed.
    let openDevices: Countdown
    private let isStopRequested = Atomic<Bool>(false)
    private let isDiscarded = Atomic<Bool>(false)
    private struct Loss {
        let source: String
        let reason: String
    }

    private let lastLoss = Mutex<Loss?>(nil)
    private let firstFailure = Mutex<RecordingError?>(nil)
    private let ended: @Sendable (RecordingError) -> Void

    init(
        sources: [SourceControl],
        clock: any WaitingClock,
        ended: @escaping @Sendable (RecordingError) -> Void
    ) {
        self.sources = sources
        self.ended = ended
        self.clock = clock
        timeline = Timeline(sources.map(\.status), clock: clock)
        openDevices = Countdown(sources.count)
    }

    /// Capture is to end, or has ended.
    var isStopping: Bool { isStopRequested.load(ordering: .acquiring) }

    /// Nobody wants what is still in the pipeline.
    var isAborted: Bool { isDiscarded.load(ordering: .acquiring) }

    var failure: RecordingError? { firstFailure.withLock { $0 } }

    /// Stops every device, open or not; never blocks.
    func requestStop() {
        isStopRequested.store(true, ordering: .releasing)
        for source in sources {
            source.device.stop()
            source.ring()
        }
    }

    func discard() {
        isDiscarded.store(true, ordering: .releasing)
        requestStop()
    }

    /// The lesson cannot go on.
    ///
    /// Devices first, then the word to the owner. The first reason counts.
    func fail(_ error: RecordingError) {
        requestStop()
        let isFirst = firstFailure.withLock { failure in
            guard failure == nil else { return false }
            failure = error
            return true
        }
        if isFirst { ended(error) }
    }

    /// A device failed in the lesson, or did not come back, and is closed.
    func noteLoss(of source: SourceControl, reason: String) {
        lastLoss.withLock { $0 = Loss(source: source.status.name, reason: reason) }
    }

    /// Ends the lesson when no source has delivered anything for `limit` ns.
    func endIfAbandoned(limit: Int64) {
        guard let zero = timeline.zero, !isStopping else { return }
        let latest = sources.compactMap(\.status.lastTimestamp).max() ?? zero
        guard clock.now() - max(zero, latest) > limit else { return }
        let loss = lastLoss.withLock { $0 }
        fail(
            .noSourceLeft(
                source: loss?.source ?? sources[0].status.name,
                reason: loss?.reason ?? "it delivers nothing"
            )
        )
    }
}

/// One source as the session's threads reach it; thread-safe.
final class SourceControl: Sendable {
    let status: SourceStatus
    let device: DeviceSwitch
    /// Wakes the source's encode thread.
    let bell: Doorbell
    /// Wakes the source's decode thread, where it has one.
    let decodeBell: Doorbell
    private let hasLeft = Atomic<Bool>(false)

    init(name: String, clock: any WaitingClock) throws(SystemError) {
        status = SourceStatus(name: name)
        device = try DeviceSwitch(clock: clock)
        bell = try Doorbell(clock: clock)
        decodeBell = try Doorbell(clock: clock)
    }

    /// The capture thread pushes nothing any more.
    var isCaptureOver: Bool { hasLeft.load(ordering: .acquiring) }

    func endCapture() {
        hasLeft.store(true, ordering: .releasing)
        ring()
    }

    func ring() {
        decodeBell.ring()
        bell.ring()
    }
}
