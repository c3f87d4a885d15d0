internal import LinuxSystem

/// What a program opens to reach a device.
package enum DeviceNode: Hashable, Sendable, CustomStringConvertible {
    /// A character device's path, links followed.
    case file(String)
    /// A sound card's number or id, as ALSA names it.
    case soundCard(String)

    package var description: String {
        switch self {
        case .file(let path): path
        case .soundCard(let name): "sound card \(name)"
        }
    }
}

extension USBGate {
    /// Throws unless opening `node` opens this device, which is authorised, and nothing else.
    ///
    /// The node itself is not opened.
    package func requireOwner(_ wanted: USBIdentity, of node: DeviceNode) throws(USBError) {
        let owner: String
        do throws(SystemError) {
            owner = try SymbolicLink.resolve(try place(of: node))
        } catch {
            if error.isNotFound { throw .noNode(node) }
            throw .kernelCallFailed(error)
        }
        for name in try names(USBGate.isDevice) {
            guard let device = try PluggedDevice.open(name, sysfs: sysfs),
                let facts = try device.facts(), facts.identity == wanted, facts.isAuthorized
            else { continue }
            if owner.hasPrefix(device.place.path + "/") { return }
        }
        throw .otherOwner(node, wanted: wanted)
    }

    /// The node's link in sysfs.
    private func place(of node: DeviceNode) throws(SystemError) -> String {
        switch node {
        case .file(let path):
            let number = try FileStatus(at: path).device
            return "\(sysfs)/dev/char/\(number.major):\(number.minor)"
        case .soundCard(let name):
            let cards = "\(sysfs)/class/sound/"
            if let number = Int(name) { return "\(cards)card\(number)" }
            // A link from each card's id to its number.
            return cards + (try SymbolicLink.target(of: "/proc/asound/\(name)"))
        }
    }
}
