internal import H264
internal import LinuxSystem

/// What a camera's own H.264 has to be like to be recorded as it comes.
package struct PassThroughLimits: Hashable, Sendable {
    /// Bits per second, at the most.
    package var bitRate: Int
    /// From one key frame to the next (ns), at the most.
    package var keyFrameInterval: Int64

    package init(bitRate: Int, keyFrameInterval: Int64) {
        self.bitRate = bitRate
        self.keyFrameInterval = keyFrameInterval
    }
}

/// A camera whose H.264 was looked at and is fit to be recorded as it comes.
final class H264Camera: Camera {
    private let camera: any Camera
    let format: CameraFormat

    /// Looks at `camera` for one group of pictures; nil when it does not fit.
    ///
    /// A stream fits whose key frames come within the limit with the same parameter sets before
    /// them, whose pictures come in the order in which they are shown, and which is not above the
    /// bit rate. `isStopped` is asked in between, and ends the look.
    init?(
        _ camera: any Camera,
        _ limits: PassThroughLimits,
        clock: any WaitingClock,
        isStopped: () -> Bool
    ) throws(CameraError) {
        var trial = PassThroughTrial(limits)
        let deadline = clock.now() + 2 * limits.keyFrameInterval + Self.patience
        while trial.verdict == nil {
            let now = clock.now()
            guard now < deadline, !isStopped() else { return nil }
            _ = try camera.next(deadline: min(deadline, now + Self.step)) { bytes, time in
                trial.look(at: bytes, time)
            }
        }
        guard case .fits(let header) = trial.verdict else { return nil }
        self.camera = camera
        format = camera.format.with(header: header)
    }

    /// For a camera that is slow to begin, and between two looks for a stop (ns).
    private static let patience: Int64 = 1_000_000_000
    private static let step: Int64 = 20_000_000

    var identity: DeviceIdentity { camera.identity }
    var estimatedTimes: Int { camera.estimatedTimes }

    func next(
        deadline: Int64,
        _ body: (UnsafeRawBufferPointer, _ timestamp: Int64) -> Void
    ) throws(CameraError) -> CameraOutcome {
        try camera.next(deadline: deadline, body)
    }

    func stop() { camera.stop() }
    func close() { camera.close() }
}

/// Whether a stream fits, from one key frame to the next; pure.
struct PassThroughTrial {
    enum Verdict: Hashable {
        /// `header` is the parameter sets of every key frame.
        case fits(header: [UInt8])
        case doesNotFit
    }

    private let limits: PassThroughLimits
    private(set) var verdict: Verdict?
    private var header: [UInt8]?
    private var begin: Int64 = 0
    private var bits = 0

    init(_ limits: PassThroughLimits) {
        self.limits = limits
    }

    /// The next access unit, taken at `time` (ns).
    mutating func look(at bytes: UnsafeRawBufferPointer, _ time: Int64) {
        guard verdict == nil else { return }
        let picture = AnnexB.picture(in: bytes)
        if picture.looksAhead { verdict = .doesNotFit }
        guard let known = header else {
            guard picture.isKeyFrame else { return }
            header = AnnexB.header(of: bytes)
            begin = time
            bits = bytes.count * 8
            if header == nil { verdict = .doesNotFit }
            return
        }
        let duration = time - begin
        if picture.isKeyFrame, verdict == nil {
            let isSlow = Double(bits) * 1e9 <= Double(limits.bitRate) * Double(duration)
            let isSame = AnnexB.header(of: bytes) == known
            let isOften = duration <= limits.keyFrameInterval
            verdict = isSlow && isSame && isOften ? .fits(header: known) : .doesNotFit
        } else if duration > limits.keyFrameInterval {
            verdict = .doesNotFit
        }
        bits += bytes.count * 8
    }
}
