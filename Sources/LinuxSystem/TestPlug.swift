/// How a made-up device that was unplugged comes back.
///
/// Options of its address: `back`, milliseconds after it was gone, and `other`, 1 when what comes
/// back is another device.
package struct TestPlug: Sendable {
    /// The names of the options.
    package static let options: Set = ["back", "other"]

    /// What opening the device comes to.
    package enum Opening {
        case open(DeviceIdentity)
        case another(DeviceIdentity)
        case missing
    }

    private let back: Int
    private let isOther: Bool

    /// Nil when an option has no such value.
    package init?(_ address: TestAddress) {
        guard let back = address.integer("back", default: .max, in: 0...3_600_000),
            let other = address.integer("other", default: 0, in: 0...1)
        else { return nil }
        self.back = back
        isOther = other == 1
    }

    /// Opens the device at `now`, or opens again the one that was `known` and unplugged `gone`
    /// milliseconds after its first opening (`Int.max`: never).
    package func open(
        _ name: String,
        again known: DeviceIdentity?,
        gone: Int,
        now: Int64
    ) -> Opening {
        guard let known else { return .open(DeviceIdentity(name, firstOpening: now)) }
        let age = Int((now - known.firstOpening) / 1_000_000)
        if gone != .max && (back == .max || age < gone + back) { return .missing }
        return isOther ? .another(DeviceIdentity("another " + name)) : .open(known)
    }
}
