internal import Camera
internal import LibAV
internal import LinuxSystem
internal import Pipeline
internal import PixelConversion

/// Where a camera's pictures go.
enum CapturePort: Sendable {
    /// Straight into the form that the encoder takes.
    case converted(PicturePort)
    /// As they come, to a thread that decodes them.
    case compressed(CompressedPort)

    var queue: PictureQueue {
        switch self {
        case .converted(let port): port
        case .compressed(let port): port
        }
    }

    /// Whether the picture could be brought into the buffer `index`; real-time safe.
    func take(_ bytes: UnsafeRawBufferPointer, _ format: CameraFormat, into index: Int) -> Bool {
        switch self {
        case .converted(let port): convert(bytes, format, into: port.pool.planes(index))
        case .compressed(let port): port.copy(bytes, to: index)
        }
    }
}

/// A camera's real-time loop: each picture goes from the driver's buffer straight into one that
/// the next thread takes, and its index into a ring.
///
/// Input: an open camera. Output: `port`. Constraint: no allocation, no lock, no logging;
/// the loop ends by ``Camera/Camera/stop()``, by the device's failure or its silence, and the
/// caller closes.
/// When the encoder is behind, the oldest picture that it has not begun makes room.
///
/// Thread-bound; lives as long as the source, through several openings of its device.
final class CameraCapture {
    private let port: CapturePort
    private let status: SourceStatus
    private let timeline: Timeline
    private let clock: any WaitingClock
    private let restartLimit: Int64
    private var next = PictureNote()
    private var spare: Int?
    /// How long one wait is; only its end lets a stop through that the device did not see.
    private static let patience: Int64 = 500_000_000

    init(
        port: CapturePort,
        status: SourceStatus,
        timeline: Timeline,
        clock: any WaitingClock,
        restartLimit: Int64
    ) {
        self.port = port
        self.status = status
        self.timeline = timeline
        self.clock = clock
        self.restartLimit = restartLimit
    }

    /// The device failed, or is not there.
    func noteLoss() {
        next.losses += 1
    }

    func run(_ camera: any Camera) throws(CameraError) -> CaptureEnd {
        let format = camera.format
        let queue = port.queue
        let estimatedBefore = status.estimated
        var lastSeen = clock.now()
        while true {
            var isTaken = false
            let now = clock.now()
            let outcome = try camera.next(deadline: now + Self.patience) { bytes, timestamp in
                guard let index = spare ?? buffer(of: queue) else { return }
                spare = index
                next.timestamp = timestamp
                isTaken = port.take(bytes, format, into: index)
            }
            switch outcome {
            case .picture(let lost):
                lastSeen = now
                status.setEstimated(estimatedBefore + camera.estimatedTimes)
                count(lost: Int(lost), in: &next)
                if let index = spare, isTaken {
                    spare = nil
                    status.countDelivered(1, at: next.timestamp)
                    queue.push(index, next)
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
    private func buffer(of queue: PictureQueue) -> Int? {
        if let index = queue.free.pop() { return index }
        guard let index = queue.filled.evictOldest() else { return nil }
        // What was taken before the lesson's first instant is not missing from it.
        if let zero = timeline.zero, queue.notes[index].timestamp >= zero { status.countDropped(1) }
        return index
    }

    private func count(lost: Int, in note: inout PictureNote) {
        guard lost > 0 else { return }
        note.lost += lost
        status.countLost(lost)
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
    case .yu12: return yu12ToNV12(source, into: target)
    case .yuyv: return packedToNV12(source, .yuyv, into: target)
    case .uyvy: return packedToNV12(source, .uyvy, into: target)
    case .yvyu: return packedToNV12(source, .yvyu, into: target)
    case .vyuy: return packedToNV12(source, .vyuy, into: target)
    case .mjpeg, .h264: return false
    }
}
