internal import LinuxSystem
internal import Microphone
internal import Pipeline

/// A microphone's real-time loop: samples go from the driver into blocks, their indices into a
/// ring.
///
/// Input: an open microphone. Output: `port.filled`. Constraint: as for ``CameraCapture``. The ring
/// holds ten seconds; beyond them the oldest block is given up, which the encode thread sees by the
/// ordinals and fills with silence.
///
/// Thread-bound; lives as long as the source, through several openings of its device.
final class MicrophoneCapture {
    private let port: SoundPort
    private let status: SourceStatus
    private let bell: Doorbell
    private let clock: any WaitingClock
    private let restartLimit: Int64
    private var next = SoundNote()
    private var spare: Int?
    private static let patience: Int64 = 500_000_000

    init(
        port: SoundPort,
        status: SourceStatus,
        bell: Doorbell,
        clock: any WaitingClock,
        restartLimit: Int64
    ) {
        self.port = port
        self.status = status
        self.bell = bell
        self.clock = clock
        self.restartLimit = restartLimit
    }

    /// The device failed, or is not there.
    func noteLoss() {
        next.losses += 1
    }

    func run(_ microphone: any Microphone) throws(MicrophoneError) -> CaptureEnd {
        let estimatedBefore = status.estimated
        var lastSeen = clock.now()
        while true {
            guard let index = spare ?? buffer() else {
                // Cannot be while the encode thread holds an eighth of them at most; then wait for it.
                Clock.monotonic.sleep(until: Clock.monotonic.now() + 1_000_000)
                continue
            }
            spare = index
            let now = clock.now()
            let outcome = try microphone.next(
                deadline: now + Self.patience,
                into: port.block(index)
            )
            switch outcome {
            case .samples(let frames, let timestamp):
                lastSeen = now
                next.timestamp = timestamp
                next.frames = frames
                port.notes[index] = next
                next.ordinal += 1
                spare = nil
                status.countDelivered(frames, at: timestamp)
                status.setEstimated(estimatedBefore + microphone.estimatedTimes)
                // There are as many places as indices, so there is room.
                _ = port.filled.push(index)
                bell.ring()
            case .overrun: next.overruns += 1
            case .timedOut: if now - lastSeen >= restartLimit { return .silent }
            case .stopped: return .stopped
            }
        }
    }

    private func buffer() -> Int? {
        if let index = port.free.pop() { return index }
        guard let index = port.filled.evictOldest() else { return nil }
        status.countDropped(port.notes[index].frames)
        return index
    }
}
