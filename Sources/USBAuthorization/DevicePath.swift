internal import LinuxSystem

/// The place of a USB device in the kernel's device tree.
struct DevicePath {
    /// Below `/sys`, without links, from the top: `devices`, …, `usb1`, `1-2`, `1-2.3`.
    private let components: [String]
    private let sysfs: String

    /// Resolves a device's link in `bus/usb/devices`; nil when it leads out of `sysfs`.
    init?(linkedFrom link: String, sysfs: String) throws(SystemError) {
        let base = try SymbolicLink.resolve(sysfs).split(separator: "/").map(String.init)
        let whole = try SymbolicLink.resolve(link).split(separator: "/").map(String.init)
        guard whole.starts(with: base), whole.count > base.count else { return nil }
        components = Array(whole[base.count...])
        self.sysfs = sysfs
    }

    /// The folder of the device itself.
    var path: String { path(upTo: components.count) }

    /// The folder of its bus's root hub, `usb1` of `1-2.3`; nil when that is not above it.
    var rootHub: String? {
        let bus = components.last?.prefix { $0 != "-" } ?? ""
        return components.lastIndex(of: "usb\(bus)").map { path(upTo: $0 + 1) }
    }

    /// The port as udev's `path_id` builtin says it in `ID_PATH`, which leaves out bus numbers.
    ///
    /// USB contributes the chain of ports once, for all its hubs. Above it every run of devices of
    /// one subsystem contributes the lowest one's name; virtio contributes nothing. Empty where no
    /// device above has a subsystem whose names are stable.
    var port: String {
        guard let name = components.last, let dash = name.firstIndex(of: "-") else { return "" }
        var words = ["usb-0:" + name[name.index(after: dash)...]]
        var isStable = false
        var previous: String? = "usb"
        for count in stride(from: components.count - 1, to: 0, by: -1) {
            let subsystem = subsystem(upTo: count)
            defer { previous = subsystem }
            guard let subsystem, subsystem != previous else { continue }
            if Self.stableSubsystems.contains(subsystem) {
                words.insert("\(subsystem)-\(components[count - 1])", at: 0)
                isStable = true
            }
        }
        return isStable ? words.joined(separator: "-") : ""
    }

    private static let stableSubsystems: Set = ["acpi", "pci", "platform", "xen"]

    private func path(upTo count: Int) -> String {
        ([sysfs] + components[..<count]).joined(separator: "/")
    }

    private func subsystem(upTo count: Int) -> String? {
        let link = try? SymbolicLink.target(of: path(upTo: count) + "/subsystem")
        return link?.split(separator: "/").last.map(String.init)
    }
}
