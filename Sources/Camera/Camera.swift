package import LinuxSystem

/// What one call of ``Camera/next(deadline:_:)`` came to.
package enum CameraOutcome: Hashable, Sendable {
    /// The body saw a picture; `lost` pictures before it never arrived.
    case picture(lost: UInt32)
    /// A picture came that cannot be used (error flag, too short); the body did not see it.
    case damaged
    /// Nothing came until the deadline.
    case timedOut
    /// ``Camera/stop()`` was called.
    case stopped
}

/// A camera that is open and running.
///
/// Pictures from before the first `next` are dropped and do not count as lost.
///
/// Concurrency: thread-bound. Every call comes from the one thread that captures, `stop` from
/// any; two calls at once trap. `next` is real-time: it allocates nothing and takes no lock, but
/// where libv4lconvert has to convert, which is slow, and the device's own buffers bridge it.
package protocol Camera: AnyObject, Sendable {
    var format: CameraFormat { get }

    /// Waits for the next picture until CLOCK_MONOTONIC shows `deadline` (ns).
    ///
    /// `body` gets the picture's bytes, at least ``CameraFormat/pictureSize`` of them and valid
    /// only inside it, and the time of capture (CLOCK_MONOTONIC, ns), which always grows. A time
    /// that the driver states and that cannot be true is replaced by an estimate.
    func next(
        deadline: Int64,
        _ body: (UnsafeRawBufferPointer, _ timestamp: Int64) -> Void
    )
        throws(CameraError) -> CameraOutcome

    /// The same each time that this very device is opened where it was.
    var identity: DeviceIdentity { get }

    /// How many pictures had to have their time estimated; to be asked on the capturing thread.
    var estimatedTimes: Int { get }

    /// Makes `next` return `.stopped` at once, and from then on. Thread-safe, never blocks.
    func stop()

    /// Stops streaming and closes the device. Idempotent; `deinit` is the net.
    func close()
}

/// Which camera to open, and how.
package struct CameraRequest: Hashable, Sendable {
    /// A V4L2 node (or a link to one), or `test:…` for the test picture (``TestCamera``).
    package var path: String
    package var width: Int
    package var height: Int
    /// Pictures per second asked for; what is granted is in ``CameraFormat/frameInterval``.
    package var frameRate: Int
    /// What H.264 of the camera's own has to be like; nil when it is not wanted.
    package var passThrough: PassThroughLimits?

    package init(path: String, width: Int, height: Int, frameRate: Int) {
        self.path = path
        self.width = width
        self.height = height
        self.frameRate = frameRate
    }
}

/// Opens and starts the camera; may block in the driver, so not on the cooperative pool.
///
/// With `identity` it opens that device again and no other. H.264 that is wanted is looked at for a
/// group of pictures, and when it does not fit, the camera is opened for its next format; that look
/// ends when `isStopped` says so.
package func openCamera(
    _ request: CameraRequest,
    again identity: DeviceIdentity? = nil,
    clock: any WaitingClock = KernelClock(),
    isStopped: () -> Bool = { false }
) throws(CameraError) -> any Camera {
    let camera = try open(request, again: identity, clock: clock)
    guard let limits = request.passThrough, camera.format.pixelFormat == .h264 else {
        return camera
    }
    if let fitting = try H264Camera(camera, limits, clock: clock, isStopped: isStopped) {
        return fitting
    }
    if isStopped() { return camera }
    camera.close()
    var other = request
    other.passThrough = nil
    return try open(other, again: identity, clock: clock)
}

private func open(
    _ request: CameraRequest,
    again identity: DeviceIdentity?,
    clock: any WaitingClock
) throws(CameraError) -> any Camera {
    guard request.width > 0, request.height > 0, request.frameRate > 0 else {
        throw .formatRefused(
            asked: "\(request.width)x\(request.height) at \(request.frameRate)/s",
            granted: "nothing: sizes and rates are positive"
        )
    }
    if request.path.hasPrefix(TestCamera.prefix) {
        return try TestCamera(request, again: identity, clock: clock)
    }
    return try V4L2Camera(request, again: identity)
}
