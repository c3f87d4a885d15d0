/// What tells a device from another of its kind: where it is connected, and what it says of itself.
///
/// A device that comes back after it was unplugged is the same one when its identity is equal.
package struct DeviceIdentity: Hashable, Sendable, CustomStringConvertible {
    package let description: String
    /// Only of made-up devices: when the first opening was (CLOCK_MONOTONIC, ns).
    package let firstOpening: Int64

    package init(_ description: String, firstOpening: Int64 = 0) {
        self.description = description
        self.firstOpening = firstOpening
    }

    /// The serial number of the USB device that a node belongs to; empty where there is none.
    ///
    /// `path` is the folder of the node in sysfs.
    package static func serial(below path: String) -> String {
        // The node's device is an interface of the USB device.
        guard let file = try? Descriptor.open("\(path)/device/../serial", .read),
            let bytes = try? file.readAll(limit: 256)
        else { return "" }
        return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    }
}
