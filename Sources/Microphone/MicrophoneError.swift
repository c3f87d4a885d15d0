package import LinuxSystem

/// What can go wrong with a microphone.
package enum MicrophoneError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No PCM of that name; libasound says so, too, when the card's control node may not be opened.
    case missing(path: String)
    /// The PCM exists and may not be opened by this user.
    case notPermitted(path: String)
    /// Another program is capturing from it.
    case deviceBusy(path: String)
    /// The device cannot do what was asked; `granted` is what it offered in its place.
    case formatRefused(asked: String, granted: String)
    /// Unplugged, or withdrawn by the gate.
    case deviceGone
    /// Another device stands where the lesson's own was.
    case anotherDevice(DeviceIdentity)
    /// A `test:` address that says something unknown.
    case testAddressInvalid(String)
    /// A call of libasound or the driver failed in another way.
    case driverCallFailed(SystemError)

    package var recovery: Recovery {
        switch self {
        case .missing, .deviceBusy, .deviceGone: .retry
        case .driverCallFailed: .restartStage
        case .notPermitted(let path):
            .personMustAct(hint: "let the recorder's user open \(path)")
        case .formatRefused:
            .personMustAct(hint: "configure a rate that the microphone offers")
        case .anotherDevice:
            .personMustAct(hint: "connect the microphone that the lesson began with, where it was")
        case .testAddressInvalid:
            .personMustAct(hint: "correct the options after the question mark")
        }
    }

    package var description: String {
        switch self {
        case .missing(let path): "there is no microphone at \(path) that may be opened"
        case .notPermitted(let path): "\(path) may not be opened"
        case .deviceBusy(let path): "\(path) is in use by another program"
        case .formatRefused(let asked, let granted):
            "the microphone refused \(asked) and offered \(granted)"
        case .deviceGone: "the microphone is gone"
        case .anotherDevice(let identity): "another microphone is in its place: \(identity)"
        case .testAddressInvalid(let address): "\(address) is not a test sound"
        case .driverCallFailed(let error): "the microphone's driver failed: \(error)"
        }
    }
}
