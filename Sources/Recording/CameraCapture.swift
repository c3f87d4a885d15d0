internal import Camera
internal import LibAV
internal import LinuxSystem
internal import Pipeline
internal import PixelConversion

/// A camera's real-time loop: each picture goes from the driver's buffer straight into one that
/// the encoder takes, and its index into a ring.
///
/// Input: an open camera. Output: `port.filled`. Constraint: no allocation, no lock, no logging;
/// the loop ends by ``Camera/Camera/stop()``, by the device's failure or its silence, and the
/// caller closes.
/// When the encoder is behind, the oldest picture that it has not begun makes room.
///
/// Thread-bound; lives as long as the source, through several openings of its device.
final class CameraCapture {
    private let port: PicturePort
    private let status: SourceStatus
    private let timeline: Timeline
    private let bell: Doorbell
    private let clock: any WaitingClock
    private let restartLimit: Int64
    private var next = PictureNote()
    private var spare: Int?
    /// How long one wait is; only its end lets a stop through that the device did not see.
    private static let patience: Int64 = 500_000_000

    init(
        port: PicturePort,
        status: SourceStatus,
        timeline: Timeline,
        bell: Doorbell,
        clock: any WaitingClock,
        restartLimit: Int64
    ) {
        self.port = port
        self.status = status
        self.timeline = timeline
        self.bell = bell
        self.clock = clock
        self.restartLimit = restartLimit
    }

    /// The device failed, or is not there.
    func noteLoss() {
        next.losses += 1
    }

    func run(_ camera: any Camera) throws(CameraError) -> CaptureEnd {
        let format = camera.format
        let estimatedBefore = status.estimated
        var lastSeen = clock.now()
        while true {
            var isTaken = false
            let now = clock.now()
            let outcome = try camera.next(deadline: now + Self.patience) { bytes, timestamp in
                guard let index = spare ?? buffer() else { return }
                spare = index
                next.timestamp = timestamp
                isTaken = convert(bytes, format, into: port.pool.planes(index))
            }
            switch outcome {
            case .picture(let lost):
                lastSeen = now
                status.setEstimated(estimatedBefore + camera.estimatedTimes)
                count(lost: Int(lost), in: &next)
                if let index = spare, isTaken {
                    spare = nil
                    send(index, next)
                    next.ordinal += 1
                } else if spare != nil {
                    next.damaged += 1
                    status.countDamaged(1)
                } else {
                    // The encoder holds every buffer.
                    next.ordinal += 1
                    status.countDropped(1)
                }
            case .damaged:
                lastSeen = now
                next.damaged += 1
                status.countDamaged(1)
            case .timedOut: if now - lastSeen >= restartLimit { return .silent }
            case .stopped: return .stopped
            }
        }
    }

    /// A buffer to write to: a free one, or the oldest that waits for the encoder.
    private func buffer() -> Int? {
        if let index = port.free.pop() { return index }
        guard let index = port.filled.evictOldest() else { return nil }
        // What was taken before the lesson's first instant is not missing from it.
        if let zero = timeline.zero, port.notes[index].timestamp >= zero { status.countDropped(1) }
        return index
    }

    private func count(lost: Int, in note: inout PictureNote) {
        guard lost > 0 else { return }
        note.lost += lost
        status.countLost(lost)
    }

    private func send(_ index: Int, _ note: PictureNote) {
        port.notes[index] = note
        status.countDelivered(1, at: note.timestamp)
        // There are as many places as indices, so there is room.
        _ = port.filled.push(index)
        bell.ring()
    }
}

/// Whether the picture could be brought into `planes`; real-time safe.
private func convert(
    _ bytes: UnsafeRawBufferPointer,
    _ format: CameraFormat,
    into planes: FramePlanes
)
    -> Bool
{
    let source = SourcePicture(
        bytes: bytes,
        bytesPerLine: format.bytesPerLine,
        width: format.width,
        height: format.height
    )
    let target = NV12Planes(
        luma: planes.luma,
        lumaStride: planes.lumaStride,
        chroma: planes.chroma,
        chromaStride: planes.chromaStride
    )
    switch format.pixelFormat {
    case .nv12: return nv12ToNV12(source, into: target)
    case .yuyv: return yuyvToNV12(source, into: target)
    }
}
