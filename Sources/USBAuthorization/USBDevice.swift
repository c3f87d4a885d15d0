/// What makes a USB device the one that is meant: where it is plugged in, and what it says it is.
package struct USBIdentity: Hashable, Sendable, CustomStringConvertible {
    /// The port in the form of udev's `ID_PATH`, for example `pci-0000:00:14.0-usb-0:3.2`.
    package let port: String
    /// Four lower-case hexadecimal digits.
    package let vendor: String
    /// Four lower-case hexadecimal digits.
    package let product: String
    /// As the device gives it; empty when it gives none.
    package let serial: String

    package init(port: String, vendor: String, product: String, serial: String) {
        self.port = port
        self.vendor = vendor
        self.product = product
        self.serial = serial
    }

    package var description: String {
        "\(vendor):\(product) \(serial.isEmpty ? "without serial" : "serial \(serial)") at \(port)"
    }
}

/// A USB device that is plugged in, whether or not drivers may have it.
package struct USBDevice: Hashable, Sendable {
    /// The kernel's name, which changes with the order of buses, for example `1-2.3`.
    package let name: String
    /// Its `port` is empty where udev has no stable path, as below an unknown kind of controller.
    package let identity: USBIdentity
    package let isHub: Bool
    /// Whether drivers may have it.
    package let isAuthorized: Bool
}
