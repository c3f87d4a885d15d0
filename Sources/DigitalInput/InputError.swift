package import LinuxSystem

/// What can go wrong with a key or a line.
package enum InputError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No device has that name or label.
    case missing(InputSelector)
    /// Several devices have it: which one is meant cannot be told.
    case ambiguous(InputSelector, nodes: [String])
    /// The node exists and may not be opened by this user.
    case notPermitted(path: String)
    /// The node is no character device of the kind that it has to be; `reason` says what it is.
    case notAnInput(path: String, reason: String)
    /// The device has no such key.
    case noSuchKey(InputSelector)
    /// The chip has no such line; `count` is how many it has.
    case noSuchLine(InputSelector, count: UInt32)
    /// Another program or driver has the line.
    case inUse(InputSelector)
    /// Unplugged, or its driver was removed.
    case gone(InputSelector)
    /// A call of the driver failed in another way.
    case driverCallFailed(InputSelector, SystemError)

    package var recovery: Recovery {
        switch self {
        case .missing, .gone: .personMustAct(hint: "connect the input, or correct its name")
        case .ambiguous: .personMustAct(hint: "leave one device with that name connected")
        case .notPermitted(let path):
            .personMustAct(hint: "let the authority's user open \(path): see the udev rules")
        case .notAnInput: .personMustAct(hint: "see what is at that path in /dev")
        case .noSuchKey: .personMustAct(hint: "name a key that the device has")
        case .noSuchLine: .personMustAct(hint: "name a line that the chip has")
        case .inUse: .personMustAct(hint: "free the line of its other user: gpioinfo names it")
        case .driverCallFailed: .restartStage
        }
    }

    package var description: String {
        switch self {
        case .missing(let input): "there is no device for \(input)"
        case .ambiguous(let input, let nodes):
            "several devices could be meant by \(input): \(nodes.joined(separator: ", "))"
        case .notPermitted(let path): "\(path) may not be opened"
        case .notAnInput(let path, let reason): "\(path) is no input: \(reason)"
        case .noSuchKey(let input): "the device does not have \(input)"
        case .noSuchLine(let input, let count):
            "the chip does not have \(input): it has \(count) lines"
        case .inUse(let input): "\(input) is in use by another program or driver"
        case .gone(let input): "\(input) is gone"
        case .driverCallFailed(let input, let error): "\(input) failed: \(error)"
        }
    }
}
