internal import Glibc
package import LinuxSystem

/// A `/sys` of plain files with the USB devices of a machine, linked as the kernel links them.
///
/// Buses 1 (USB 2) and 2 (USB 3) are of a PCI controller, 3 and 4 of the virtual one, and 5 of a
/// controller behind PCI bridges of a platform. All of them are gated.
package final class USBTree: Sendable {
    package let sysfs: String
    private let folder: TemporaryFolder

    /// The controllers' folders below `/sys/devices`, and the buses that they have.
    private static let controllers = [
        (path: ["pci0000:00", "0000:00:14.0"], buses: [1, 2]),
        (path: ["platform", "vhci_hcd.0"], buses: [3, 4]),
        (
            path: [
                "platform", "scb", "fd500000.pcie", "pci0000:00", "0000:00:00.0", "0000:01:00.0",
            ],
            buses: [5]
        ),
    ]

    package init() throws(SystemError) {
        folder = TemporaryFolder()
        sysfs = folder.path + "/sys"
        _ = try Folder.make(path: "\(sysfs)/bus/usb/devices")
        for controller in Self.controllers {
            var path = "\(sysfs)/devices"
            for name in controller.path {
                path += "/\(name)"
                _ = try Folder.make(path: path)
                // Neither the root of a PCI tree nor the platform bus itself is of a subsystem.
                if name.hasPrefix("0000:") { Self.link("\(path)/subsystem", "bus/pci") }
                if name == "vhci_hcd.0" || name == "scb" || name == "fd500000.pcie" {
                    Self.link("\(path)/subsystem", "bus/platform")
                }
            }
            for bus in controller.buses {
                try add("usb\(bus)", at: "\(path)/usb\(bus)")
                try write("0", to: "authorized_default", of: "usb\(bus)")
                try write("1", to: "authorized", of: "usb\(bus)")
                try write("1d6b", to: "idVendor", of: "usb\(bus)")
            }
        }
    }

    /// Plugs a device in by its kernel name, such as `1-2.3`, below the hubs that are there.
    ///
    /// With a folder of one interface beside it, as the kernel lists them.
    package func plug(
        _ name: String,
        _ vendorAndProduct: String = "0c45:6366",
        serial: String? = nil,
        isHub: Bool = false,
        isAuthorized: Bool = false
    ) throws(SystemError) {
        let identifiers = vendorAndProduct.split(separator: ":").map(String.init)
        let path = path(of: name)
        try add(name, at: path)
        try write(identifiers[0], to: "idVendor", of: name)
        try write(identifiers[1], to: "idProduct", of: name)
        try write(isHub ? "09" : "ef", to: "bDeviceClass", of: name)
        try write(isAuthorized ? "1" : "0", to: "authorized", of: name)
        if let serial { try write(serial, to: "serial", of: name) }
        try add("\(name):1.0", at: "\(path)/\(name):1.0")
    }

    /// Pulls the device with everything below it.
    package func pull(_ name: String) {
        _ = tool("rm -rf '\(sysfs)/bus/usb/devices/\(name)'* '\(path(of: name))'")
    }

    package func read(_ attribute: String, of name: String) throws(SystemError) -> String {
        try Folder(path: "\(sysfs)/bus/usb/devices/\(name)").attribute(attribute)
    }

    /// Gives an attribute this value, whatever it was and whether or not there was one.
    package func write(
        _ value: String,
        to attribute: String,
        of name: String
    )
        throws(SystemError)
    {
        let device = try Folder(path: "\(sysfs)/bus/usb/devices/\(name)")
        try? device.remove(attribute)
        try device.file(attribute, [.write, .create]).writeAll(Array("\(value)\n".utf8))
    }

    /// Takes an attribute away, as the kernel does first when a device goes.
    package func remove(_ attribute: String, of name: String) throws(SystemError) {
        try Folder(path: "\(sysfs)/bus/usb/devices/\(name)").remove(attribute)
    }

    package func path(of attribute: String, of name: String) -> String {
        "\(sysfs)/bus/usb/devices/\(name)/\(attribute)"
    }

    /// The folder of `1-2.3`: `…/usb1/1-2/1-2.3`.
    private func path(of name: String) -> String {
        let parts = name.split(separator: "-")
        let ports = parts[1].split(separator: ".")
        let controller = Self.controllers.first { $0.buses.contains(Int(parts[0]) ?? 0) }
        var path = (["\(sysfs)/devices"] + (controller?.path ?? [])).joined(separator: "/")
        path += "/usb\(parts[0])"
        for depth in 1...ports.count {
            path += "/\(parts[0])-" + ports[..<depth].joined(separator: ".")
        }
        return path
    }

    private func add(_ name: String, at path: String) throws(SystemError) {
        _ = try Folder.make(path: path)
        Self.link("\(path)/subsystem", "bus/usb")
        let fromTop = path.dropFirst(sysfs.count + 1)
        _ = symlink("../../../\(fromTop)", "\(sysfs)/bus/usb/devices/\(name)")
    }

    /// As the kernel writes them, from the folder up to the top; the target need not be there.
    private static func link(_ path: String, _ target: String) {
        _ = symlink("../../../../\(target)", path)
    }
}
