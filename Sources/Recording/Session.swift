internal import LinuxSystem
internal import Pipeline
internal import Synchronization

/// What the threads of one lesson share: whether it goes on, and why it does not.
///
/// Thread-safe.
final class Session: Sendable {
    let sources: [SourceControl]
    let timeline: Timeline
    /// Counts the devices that are not closed.
    let openDevices: Countdown
    private let isStopRequested = Atomic<Bool>(false)
    private let isDiscarded = Atomic<Bool>(false)
    private let firstFailure = Mutex<RecordingError?>(nil)
    private let ended: @Sendable (RecordingError) -> Void

    init(sources: [SourceControl], ended: @escaping @Sendable (RecordingError) -> Void) {
        self.sources = sources
        self.ended = ended
        timeline = Timeline(sources.map(\.status))
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
            source.bell.ring()
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

    /// One device failed in the lesson and is closed; the rest goes on if there is any.
    func lose(_ source: SourceControl, reason: String) {
        if sources.allSatisfy({ !$0.status.isAlive }) {
            fail(.noSourceLeft(source: source.status.name, reason: reason))
        }
    }
}

/// One source as the session's threads reach it; thread-safe.
final class SourceControl: Sendable {
    let status: SourceStatus
    let device: DeviceSwitch
    /// Wakes the source's encode thread.
    let bell: Doorbell
    private let hasLeft = Atomic<Bool>(false)

    init(name: String) throws(SystemError) {
        status = SourceStatus(name: name)
        device = try DeviceSwitch()
        bell = try Doorbell()
    }

    /// The device is closed because it failed.
    var hasFailed: Bool { status.health.state == .failed }

    /// The capture thread pushes nothing any more.
    var isCaptureOver: Bool { hasLeft.load(ordering: .acquiring) }

    func endCapture() {
        hasLeft.store(true, ordering: .releasing)
        bell.ring()
    }
}
