package import LinuxSystem

/// What can go wrong with a lamp of the LED class.
package enum LEDError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not one component of a path.
    case nameInvalid(String)
    /// The kernel has no LED of that name, or no longer.
    case missing(path: String)
    /// The LED is there and this user may not do what is named.
    case notPermitted(path: String)
    /// An attribute did not read back as it has to be: the lamp cannot be trusted.
    case notAsAsked(led: String, attribute: String, asked: String, read: String)
    /// `max_brightness` is not a number above 0.
    case brightnessUnknown(led: String, read: String)
    /// A call of the driver failed in another way.
    case driverCallFailed(SystemError)

    package var recovery: Recovery {
        switch self {
        case .nameInvalid, .missing:
            .personMustAct(hint: "name one of the LEDs in /sys/class/leds as the indicator")
        case .notPermitted(let path):
            .personMustAct(hint: "let the authority's user write in \(path)")
        case .notAsAsked, .driverCallFailed: .endSession
        case .brightnessUnknown:
            .personMustAct(hint: "name another LED as the indicator")
        }
    }

    package var description: String {
        switch self {
        case .nameInvalid(let name): "\"\(name)\" is no name of an LED"
        case .missing(let path): "there is no LED at \(path)"
        case .notPermitted(let path): "\(path) may not be changed by this user"
        case .notAsAsked(let led, let attribute, let asked, let read):
            "the LED \(led) was asked for \(attribute) \(asked) and reads \(read)"
        case .brightnessUnknown(let led, let read):
            "the LED \(led) gives \"\(read)\" as its greatest brightness"
        case .driverCallFailed(let error): "the LED's driver failed: \(error)"
        }
    }
}
