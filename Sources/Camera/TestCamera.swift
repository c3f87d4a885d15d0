package import LinuxSystem

/// A camera that needs no hardware, with the same contract as a real one.
///
/// Pictures are made in real time at the rate asked for, aligned to the whole seconds of
/// CLOCK_MONOTONIC; the first one at or after each whole second is white all over (the flash), and
/// `TestMicrophone` beeps from that second on. ``TestTimeCode`` says what else is in them. Or they
/// come from a file.
///
/// Address: `test:`, `test:picture`, `test:picture?option=value&…` or `test:clip?file=PATH&…` with
/// - `format`: `nv12` (default), `yu12`, `yuyv`, `uyvy`, `yvyu`, `vyuy`, of a clip also `mjpeg` and
///   `h264`, in place of which there is the test picture where H.264 is not wanted;
/// - `pad`: bytes added to each line, even, at most 4096;
/// - `file`: raw, JPEG or H.264 pictures one after the other, shown over and over (``TestClip``);
/// - `range`: of a clip's luma, `limited` (default) or `full`, which is that of JPEG in any case;
/// - `matrix`: of a clip's colours, `601` (default) or `709`;
/// - `ppm`: how much faster than nominal the camera's clock runs, −100000…100000;
/// - `lose`: every so many pictures one is lost;
/// - `damage`: every so many pictures one is damaged;
/// - `hang`: after so many pictures none comes any more;
/// - `gone`: after so many pictures the camera is gone;
/// - `hold`: a file that is held open while the camera is, like a device's node: without it there
///   is no camera, and deleting it is unplugging;
/// - `back`: so many milliseconds after it was gone it can be opened again, and stays;
/// - `other`: 1 makes what comes back another camera;
/// - `stamps`: a ``LinuxSystem/TestStamps`` fault of its times of capture.
///
/// Opened again it is well: what should happen once does not happen a second time. A caller that
/// falls more than four pictures behind loses the oldest, as with a driver's ring.
package final class TestCamera: Camera, @unchecked Sendable {
    // Sendable: `soleUser` traps when two threads are in `next` or `close`; `stop` touches only
    // the wake event, which is Sendable.

    package static let prefix = TestAddress.prefix

    package let format: CameraFormat
    package let identity: DeviceIdentity

    private let faults: TestCameraAddress.Faults
    private let ppm: Int
    private let clock: any WaitingClock
    private let wake: WakeEvent
    private let waiting: PollSet
    private let soleUser = SoleUser()
    private let origin: Int64
    private var content: TestContent?
    private var node: TestNode?
    /// Counts from `origin`.
    private var index = 0
    private var firstIndex: Int?
    private var check: PictureCheck

    package init(
        _ request: CameraRequest,
        again known: DeviceIdentity? = nil,
        clock: any WaitingClock
    ) throws(CameraError) {
        guard let address = TestCameraAddress(request.path) else {
            throw .testAddressInvalid(request.path)
        }
        var format = try Self.format(request, address)
        if let path = address.node {
            do throws(SystemError) { node = try TestNode(path) } catch {
                throw CameraError(opening: path, error)
            }
        }
        let age = address.gone(frameRate: request.frameRate)
        switch address.plug.open("test picture", again: known, gone: age, now: clock.now()) {
        case .open(let identity): self.identity = identity
        case .another(let identity): throw .anotherDevice(identity)
        case .missing: throw .missing(path: request.path)
        }
        faults = address.faults(isBack: known != nil)
        if let file = address.file, format.pixelFormat == address.pixelFormat {
            let clip = try TestClip.open(file, format)
            format = format.holding(clip.capacity)
            content = .clip(clip)
        } else {
            content = .picture(TestPicture(format))
        }
        self.format = format
        check = PictureCheck(
            pictureSize: format.pictureSize,
            interval: format.frameInterval.nanoseconds
        )
        ppm = address.ppm
        do throws(SystemError) { wake = try WakeEvent() } catch {
            throw .driverCallFailed(error)
        }
        self.clock = clock
        waiting = PollSet([PollEntry(wake.raw, .readable)])
        origin = clock.now() / 1_000_000_000 * 1_000_000_000
    }

    private static func format(
        _ request: CameraRequest,
        _ address: TestCameraAddress
    ) throws(CameraError) -> CameraFormat {
        guard (160...7680).contains(request.width), (120...4320).contains(request.height),
            request.width.isMultiple(of: 2), request.height.isMultiple(of: 2),
            (1...240).contains(request.frameRate)
        else {
            throw .formatRefused(
                asked: "\(request.width)x\(request.height) at \(request.frameRate)/s",
                granted: "even sizes from 160x120 to 7680x4320 at 1 to 240/s"
            )
        }
        let isUnwanted = address.pixelFormat == .h264 && request.passThrough == nil
        let pixelFormat = isUnwanted ? .nv12 : address.pixelFormat
        return CameraFormat(
            width: request.width,
            height: request.height,
            frameInterval: FrameInterval(numerator: 1, denominator: request.frameRate),
            pixelFormat: pixelFormat,
            bytesPerLine: pixelFormat.minimumBytesPerLine(width: request.width) + address.pad,
            fullRange: address.isFullRange || pixelFormat == .mjpeg,
            matrix: pixelFormat.isCompressed ? .bt601 : address.matrix
        )
    }

    package func next(
        deadline: Int64,
        _ body: (UnsafeRawBufferPointer, _ timestamp: Int64) -> Void
    ) throws(CameraError) -> CameraOutcome {
        soleUser.enter()
        defer { soleUser.leave() }
        let firstIndex = firstIndex ?? begin()
        while true {
            let delivered = index - firstIndex
            if delivered >= faults.gone || isUnplugged { throw .deviceGone }
            let due = delivered >= faults.hang ? Int64.max : time(of: index)
            let isStopped = try waitForStop(until: min(due, deadline))
            if isStopped || content == nil { return .stopped }
            let now = clock.now()
            if due > now { return .timedOut }

            dropOldest(at: now)
            let number = index - firstIndex
            index += 1
            if faults.lose > 0, (number + 1).isMultiple(of: faults.lose) { continue }
            return deliver(number, now, body)
        }
    }

    /// Lets the picture before `index` through the check that every driver's pictures go through.
    private func deliver(
        _ number: Int,
        _ now: Int64,
        _ body: (UnsafeRawBufferPointer, _ timestamp: Int64) -> Void
    ) -> CameraOutcome {
        let time = time(of: index - 1)
        let begin = self.time(of: firstIndex ?? index)
        let facts = PictureCheck.Facts(
            sequence: UInt32(truncatingIfNeeded: number),
            hasError: faults.damage > 0 && (number + 1).isMultiple(of: faults.damage),
            isMonotonicClock: true,
            bytes: format.pictureSize,
            timestamp: faults.stamps.stamp(time, index: number, begin: begin)
        )
        switch check.judge(facts, now: now) {
        case .damaged: return .damaged
        case .picture(let lost, let stated):
            let second: Int64 = 1_000_000_000
            let flashes = self.time(of: index - 2) / second != time / second
            content?.draw(number, time, flashes: flashes) { bytes in body(bytes, stated) }
            return .picture(lost: lost)
        }
    }

    package var estimatedTimes: Int { check.estimates }

    package func stop() {
        wake.signal()
    }

    package func close() {
        soleUser.enter()
        content = nil
        node = nil
        soleUser.leave()
    }

    private var isUnplugged: Bool { node?.isUnplugged ?? false }

    private func waitForStop(until time: Int64) throws(CameraError) -> Bool {
        do throws(SystemError) { return try waiting.wait(deadline: time, by: clock) > 0 } catch {
            throw .driverCallFailed(error)
        }
    }

    /// The next picture from now on is the first.
    private func begin() -> Int {
        let passed = Double(clock.now() - origin)
        index = Int(passed / Double(format.frameInterval.nanoseconds))
        while time(of: index) < clock.now() { index += 1 }
        firstIndex = index
        return index
    }

    /// Leaves the four newest pictures that are due.
    private func dropOldest(at now: Int64) {
        while time(of: index + 4) <= now {
            index += 1
        }
    }

    /// When the camera takes picture `index`.
    ///
    /// Exact on whole seconds at 0 ppm; a double holds a nanosecond for a hundred days.
    private func time(of index: Int) -> Int64 {
        let rate = Double(format.frameInterval.denominator) * (1 + Double(ppm) / 1_000_000)
        return origin + Int64((Double(index) * 1_000_000_000 / rate).rounded())
    }
}

/// What a test camera has before its lens.
private enum TestContent: ~Copyable {
    case picture(TestPicture)
    case clip(TestClip)

    mutating func draw(
        _ number: Int,
        _ time: Int64,
        flashes: Bool,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        switch consume self {
        case .clip(let clip):
            body(clip.picture(number))
            self = .clip(clip)
        case .picture(var picture):
            picture.draw(
                number: UInt32(truncatingIfNeeded: number),
                time: time,
                flashes: flashes,
                body
            )
            self = .picture(picture)
        }
    }
}
