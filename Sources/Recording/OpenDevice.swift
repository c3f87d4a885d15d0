internal import Camera
internal import LinuxSystem
internal import Microphone

/// A device of a lesson that is open; thread-bound to its capture thread but for ``stop()``.
enum OpenDevice {
    case camera(any Camera)
    case microphone(any Microphone)

    /// Opens it; with `earlier` the same device once more, as the lesson's encoders need it.
    ///
    /// May take a few seconds where a camera encodes by itself, unless `isStopped` says that nobody
    /// waits any more.
    static func open(
        _ device: LessonSource.Device,
        again earlier: OpenDevice? = nil,
        clock: any WaitingClock,
        isStopped: () -> Bool
    ) throws(DeviceFailure) -> OpenDevice {
        let opened: OpenDevice
        switch device {
        case .camera(let request):
            do throws(CameraError) {
                let known = earlier?.identity
                opened = .camera(
                    try openCamera(request, again: known, clock: clock, isStopped: isStopped)
                )
            } catch { throw DeviceFailure(error) }
        case .microphone(let request):
            do throws(MicrophoneError) {
                let known = earlier?.identity
                opened = .microphone(try openMicrophone(request, again: known, clock: clock))
            } catch { throw DeviceFailure(error) }
        }
        guard earlier.map({ opened.fits($0) }) ?? true else {
            opened.close()
            throw DeviceFailure(
                reason: "it came back with another format",
                recovery: .personMustAct(hint: "connect the device where it was"),
                mayBeEarly: false
            )
        }
        return opened
    }

    var identity: DeviceIdentity {
        switch self {
        case .camera(let camera): camera.identity
        case .microphone(let microphone): microphone.identity
        }
    }

    func close() {
        switch self {
        case .camera(let camera): camera.close()
        case .microphone(let microphone): microphone.close()
        }
    }

    /// What ends its loop, from any thread.
    var stop: @Sendable () -> Void {
        switch self {
        case .camera(let camera): { camera.stop() }
        case .microphone(let microphone): { microphone.stop() }
        }
    }

    private func fits(_ earlier: OpenDevice) -> Bool {
        switch (self, earlier) {
        case (.camera(let new), .camera(let old)):
            new.format.goes(theWayOf: old.format)
        case (.microphone(let new), .microphone(let old)): new.format == old.format
        case (.camera, .microphone), (.microphone, .camera): false
        }
    }
}

extension CameraFormat {
    /// Whether pictures of this format are for the same threads, buffers and encoder.
    fileprivate func goes(theWayOf other: CameraFormat) -> Bool {
        let isSameWay =
            pixelFormat.isCompressed
            ? pixelFormat == other.pixelFormat && header == other.header
                && capacity <= other.capacity
            : !other.pixelFormat.isCompressed
        return isSameWay && width == other.width && height == other.height
            && fullRange == other.fullRange && matrix == other.matrix
    }
}

/// Why a device did not open, or stopped working.
struct DeviceFailure: Error {
    /// In the device's own words.
    let reason: String
    let recovery: Recovery
    /// The node is not there, or its permissions are not: udev may still be at work on it.
    let mayBeEarly: Bool

    init(reason: String, recovery: Recovery, mayBeEarly: Bool) {
        self.reason = reason
        self.recovery = recovery
        self.mayBeEarly = mayBeEarly
    }

    init(_ error: CameraError) {
        let mayBeEarly =
            switch error {
            case .missing, .notPermitted, .deviceGone: true
            default: false
            }
        self.init(reason: "\(error)", recovery: error.recovery, mayBeEarly: mayBeEarly)
    }

    init(_ error: MicrophoneError) {
        let mayBeEarly =
            switch error {
            case .missing, .notPermitted, .deviceGone: true
            default: false
            }
        self.init(reason: "\(error)", recovery: error.recovery, mayBeEarly: mayBeEarly)
    }
}

/// Why a capture loop ended without a failure.
enum CaptureEnd {
    case stopped
    /// The device delivered nothing for so long that opening it anew may help.
    case silent
}
