internal import LinuxSystem

/// The kernel's gate between USB devices and their drivers (Documentation/usb/authorization.rst).
///
/// A device whose `authorized` is 0 is listed with its descriptors and has no driver, so no node.
/// Which buses and devices are ours is a matter of file permissions: what may not be written is
/// left alone. Drivers come and go inside these calls: for worker threads.
package struct USBGate: Sendable {
    let sysfs: String
    private var list: String { "\(sysfs)/bus/usb/devices" }

    package init(sysfs: String = "/sys") {
        self.sysfs = sysfs
    }

    /// What is plugged in, hubs included, without the root hubs that the kernel makes up.
    ///
    /// A device that is pulled meanwhile is left out.
    package func devices() throws(USBError) -> [USBDevice] {
        var devices: [USBDevice] = []
        for name in try names(Self.isDevice) {
            if let device = try PluggedDevice.open(name, sysfs: sysfs)?.facts() {
                devices.append(device)
            }
        }
        return devices
    }

    /// The devices that are plugged in at these identities' ports and are none of them.
    package func strangers(at ports: [USBIdentity]) throws(USBError) -> [USBDevice] {
        let known = Set(ports)
        let watched = Set(ports.map(\.port))
        return try devices().filter { device in
            watched.contains(device.identity.port) && !known.contains(device.identity)
        }
    }

    /// Whether exactly this device is there and drivers may have it.
    package func isAuthorized(_ wanted: USBIdentity) throws(USBError) -> Bool {
        try devices().contains { $0.identity == wanted && $0.isAuthorized }
    }

    /// Lets drivers have exactly this device, and reads back that they may.
    ///
    /// A controller has one bus for USB 2 and one for USB 3 with the same ports, so that two
    /// devices can be at one: both are looked at. Refused where drivers could have it already.
    package func authorize(_ wanted: USBIdentity) throws(USBError) {
        let absent = USBError.absent(port: wanted.port)
        // An empty port would be every port that has no stable name.
        guard !wanted.port.isEmpty else { throw absent }
        let present = try devices().filter { $0.identity.port == wanted.port }
        let matching = present.filter { $0.identity == wanted }
        guard matching.count == 1 else {
            guard let other = matching.last ?? present.first else { throw absent }
            throw .stranger(port: wanted.port, found: other.identity)
        }
        // Looked at again through the folder that the order then goes to.
        guard let device = try PluggedDevice.open(matching[0].name, sysfs: sysfs),
            let facts = try device.facts()
        else { throw absent }
        guard facts.identity == wanted else {
            throw .stranger(port: wanted.port, found: facts.identity)
        }
        let isBusShut = try isShut(busOf: device)
        guard isBusShut && !facts.isAuthorized else { throw .ungated(port: wanted.port) }
        guard try device.setAuthorized(true) else { throw absent }
    }

    /// Takes whatever is plugged in at this identity's port from its drivers.
    ///
    /// Returns what stood in the way; one device's trouble keeps no other open. Pulled is fine.
    package func withdraw(_ identity: USBIdentity) -> [USBError] {
        shutDevices { device in device.place.port == identity.port }
    }

    /// Shuts the gate: no new device on any bus of ours, and no device of ours but hubs.
    ///
    /// Returns what stood in the way; one device's trouble keeps no other open. Devices that this
    /// user may not write are not ours.
    package func withdrawAll() -> [USBError] {
        (shutBuses() + shutDevices { device in !device.isHub }).filter { problem in
            if case .notPermitted = problem { false } else { true }
        }
    }

    private func shutBuses() -> [USBError] {
        var problems: [USBError] = []
        do throws(USBError) {
            for name in try names(Self.isRootHub) {
                do throws(USBError) { try shutBus("\(list)/\(name)") } catch {
                    problems.append(error)
                }
            }
        } catch { problems.append(error) }
        return problems
    }

    private func shutDevices(where isMeant: (borrowing PluggedDevice) -> Bool) -> [USBError] {
        var problems: [USBError] = []
        do throws(USBError) {
            for name in try names(Self.isDevice) {
                do throws(USBError) {
                    guard let device = try PluggedDevice.open(name, sysfs: sysfs),
                        isMeant(device)
                    else { continue }
                    _ = try device.setAuthorized(false)
                } catch { problems.append(error) }
            }
        } catch { problems.append(error) }
        return problems
    }

    private static let authorizedDefault = "authorized_default"

    private func isShut(busOf device: borrowing PluggedDevice) throws(USBError) -> Bool {
        guard let rootHub = device.place.rootHub else { return false }
        do throws(SystemError) {
            return try Folder(path: rootHub).attribute(Self.authorizedDefault) == "0"
        } catch { throw USBError(calling: "\(rootHub)/\(Self.authorizedDefault)", error) }
    }

    private func shutBus(_ rootHub: String) throws(USBError) {
        let read: String
        do throws(SystemError) {
            let folder = try Folder(path: rootHub)
            guard try folder.attribute(Self.authorizedDefault) != "0" else { return }
            try folder.setAttribute(Self.authorizedDefault, "0")
            read = try folder.attribute(Self.authorizedDefault)
        } catch {
            if error.isGone { return }
            throw USBError(calling: "\(rootHub)/\(Self.authorizedDefault)", error)
        }
        guard read == "0" else {
            throw .notAsAsked(
                device: rootHub,
                attribute: Self.authorizedDefault,
                asked: "0",
                read: read
            )
        }
    }

    /// Names in the list of USB devices; none where the machine has no USB.
    func names(_ isMeant: (String) -> Bool) throws(USBError) -> [String] {
        do throws(SystemError) { return try Folder(path: list).names().filter(isMeant) } catch {
            if error.isNotFound { return [] }
            throw USBError(calling: list, error)
        }
    }

    /// Bus, dash, chain of ports; interfaces have a colon.
    static func isDevice(_ name: String) -> Bool {
        name.utf8.contains(UInt8(ascii: "-")) && !name.utf8.contains(UInt8(ascii: ":"))
    }

    private static func isRootHub(_ name: String) -> Bool { name.hasPrefix("usb") }
}
