package import LinuxSystem

/// What can go wrong with a camera.
package enum CameraError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No node of that name.
    case missing(path: String)
    /// The node exists and may not be opened by this user.
    case notPermitted(path: String)
    /// Not a V4L2 device that captures pictures; `reason` says what it is.
    case notACamera(path: String, reason: String)
    /// Another program is streaming from it.
    case deviceBusy(path: String)
    /// The device cannot do what was asked; `granted` is what it offered in its place.
    case formatRefused(asked: String, granted: String)
    /// The USB bus has no room for the stream (`STREAMON` answered ENOSPC).
    case noBandwidth(path: String)
    /// Unplugged, switched off, or withdrawn by the gate.
    case deviceGone
    /// Another device stands where the lesson's own was.
    case anotherDevice(DeviceIdentity)
    /// A `test:` address that says something unknown.
    case testAddressInvalid(String)
    /// A call of the driver failed in another way.
    case driverCallFailed(SystemError)

    package var recovery: Recovery {
        switch self {
        case .missing, .deviceBusy, .deviceGone: .retry
        case .driverCallFailed: .restartStage
        case .notPermitted(let path):
            .personMustAct(hint: "let the recorder's user open \(path)")
        case .notACamera:
            .personMustAct(hint: "name the camera's capture node in the room record")
        case .formatRefused:
            .personMustAct(hint: "configure a size and rate that the camera offers")
        case .noBandwidth:
            .personMustAct(hint: "move the camera to another USB port, or ask for less")
        case .anotherDevice:
            .personMustAct(hint: "connect the camera that the lesson began with, where it was")
        case .testAddressInvalid:
            .personMustAct(hint: "correct the options after the question mark")
        }
    }

    package var description: String {
        switch self {
        case .missing(let path): "there is no camera at \(path)"
        case .notPermitted(let path): "\(path) may not be opened"
        case .notACamera(let path, let reason): "\(path) is not a camera: \(reason)"
        case .deviceBusy(let path): "\(path) is in use by another program"
        case .formatRefused(let asked, let granted):
            "the camera refused \(asked) and offered \(granted)"
        case .noBandwidth(let path): "the USB bus has no bandwidth left for \(path)"
        case .deviceGone: "the camera is gone"
        case .anotherDevice(let identity): "another camera is in its place: \(identity)"
        case .testAddressInvalid(let address): "\(address) is not a test picture"
        case .driverCallFailed(let error): "the camera's driver failed: \(error)"
        }
    }
}
