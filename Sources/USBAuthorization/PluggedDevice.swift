internal import LinuxSystem

/// A device held by its folder, from the look at its identity to the order.
///
/// One that is pulled in between takes the folder with it: nothing that is plugged in after it,
/// and has its name, is reached.
struct PluggedDevice: ~Copyable {
    private static let authorized = "authorized"

    private let name: String
    private let folder: Folder
    let place: DevicePath

    /// Nil when the device is gone.
    static func open(_ name: String, sysfs: String) throws(USBError) -> PluggedDevice? {
        let link = "\(sysfs)/bus/usb/devices/\(name)"
        do throws(SystemError) {
            guard let place = try DevicePath(linkedFrom: link, sysfs: sysfs) else { return nil }
            return PluggedDevice(name: name, folder: try Folder(path: place.path), place: place)
        } catch {
            if error.isGone { return nil }
            throw USBError(calling: link, error)
        }
    }

    private init(name: String, folder: consuming Folder, place: DevicePath) {
        self.name = name
        self.folder = folder
        self.place = place
    }

    /// Nil when the device is gone.
    func facts() throws(USBError) -> USBDevice? {
        guard let vendor = try value("idVendor"), let product = try value("idProduct"),
            let isAuthorized = try value(Self.authorized)
        else { return nil }
        return USBDevice(
            name: name,
            identity: USBIdentity(
                port: place.port,
                vendor: vendor,
                product: product,
                serial: try value("serial") ?? ""
            ),
            isHub: isHub,
            isAuthorized: isAuthorized != "0"
        )
    }

    /// USB class 9; false when the device does not say.
    var isHub: Bool { (try? folder.attribute("bDeviceClass")) == "09" }

    /// Lets drivers have the device or not, and reads back which; false when it is gone.
    func setAuthorized(_ isAuthorized: Bool) throws(USBError) -> Bool {
        let asked = isAuthorized ? "1" : "0"
        guard let before = try value(Self.authorized) else { return false }
        if before == asked { return true }
        do throws(SystemError) { try folder.setAttribute(Self.authorized, asked) } catch {
            if error.isGone { return false }
            throw USBError(calling: "\(folder.path)/\(Self.authorized)", error)
        }
        guard let read = try value(Self.authorized) else { return false }
        guard read == asked else {
            throw .notAsAsked(device: name, attribute: Self.authorized, asked: asked, read: read)
        }
        return true
    }

    private func value(_ attribute: String) throws(USBError) -> String? {
        do throws(SystemError) { return try folder.attribute(attribute) } catch {
            if error.isGone { return nil }
            throw USBError(calling: "\(folder.path)/\(attribute)", error)
        }
    }
}

extension SystemError {
    /// What a device answers that was pulled.
    var isGone: Bool { isNotFound || isDeviceGone }
}

extension USBError {
    init(calling path: String, _ error: SystemError) {
        self =
            error.isPermission || error.isReadOnly
            ? .notPermitted(path: path) : .kernelCallFailed(error)
    }
}
