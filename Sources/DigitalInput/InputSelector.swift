/// Which key or line an input is.
package enum InputSelector: Hashable, Sendable, CustomStringConvertible {
    /// The key `code` (linux/input-event-codes.h) of the one evdev device with exactly this name.
    case key(device: String, code: UInt16)
    /// Line `offset` of the one GPIO chip with exactly this label; active when high, or when low.
    case line(chip: String, offset: UInt32, isActiveLow: Bool)

    package var description: String {
        switch self {
        case .key(let device, let code): "key \(code) of \"\(device)\""
        case .line(let chip, let offset, _): "line \(offset) of \"\(chip)\""
        }
    }
}
