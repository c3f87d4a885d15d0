internal import LinuxSystem

/// The evdev devices of the machine, by the names that their drivers gave them.
enum EvdevDevices {
    /// The node of the one device with exactly this name, as sysfs has it.
    static func node(
        of device: String,
        sysfs: String,
        devices: String,
        for selector: InputSelector
    ) throws(InputError) -> String {
        var found: [String] = []
        do throws(SystemError) {
            let list = "\(sysfs)/class/input"
            for event in try Folder(path: list).names() where event.hasPrefix("event") {
                do throws(SystemError) {
                    // `event3` and its `device` are links into the device tree.
                    let input = try Folder(path: "\(list)/\(event)/device")
                    if try input.attribute("name") == device { found.append(event) }
                } catch {
                    // It was pulled between the listing and the look.
                    if !error.isNotFound && !error.isDeviceGone { throw error }
                }
            }
        } catch {
            if error.isNotFound { throw .missing(selector) }
            throw .driverCallFailed(selector, error)
        }
        guard let event = found.first else { throw .missing(selector) }
        guard found.count == 1 else { throw .ambiguous(selector, nodes: found) }
        return "\(devices)/input/\(event)"
    }
}
