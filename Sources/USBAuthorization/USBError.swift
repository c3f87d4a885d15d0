package import LinuxSystem

/// What can go wrong when a USB device is let in or shut out.
package enum USBError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nothing is plugged in there, or it was pulled just now.
    case absent(port: String)
    /// Something else is plugged in there, or two devices that both claim to be the one.
    case stranger(port: String, found: USBIdentity)
    /// The gate is not in force: the device, or any device on its bus, needs no authorisation.
    case ungated(port: String)
    /// The device's drivers have made no node yet.
    case noNode(DeviceNode)
    /// The node is there and opens another device.
    case otherOwner(DeviceNode, wanted: USBIdentity)
    /// This user may not write the attribute.
    case notPermitted(path: String)
    /// The kernel took the order and the attribute still reads otherwise.
    case notAsAsked(device: String, attribute: String, asked: String, read: String)
    /// A call of the kernel failed in another way.
    case kernelCallFailed(SystemError)

    package var recovery: Recovery {
        switch self {
        case .absent(let port): .personMustAct(hint: "plug the device in at \(port)")
        case .stranger(let port, let found):
            .personMustAct(
                hint: "at \(port) put back the device of the room record in place of \(found)"
            )
        case .ungated:
            .personMustAct(hint: "see that Lenscap's udev rules are installed, then restart")
        case .notPermitted(let path):
            .personMustAct(hint: "let the authority's group write \(path): see the udev rules")
        case .noNode: .personMustAct(hint: "plug the device in again; see the kernel's log")
        case .otherOwner:
            .personMustAct(hint: "name the source's own node in lenscap.toml and the udev rules")
        case .notAsAsked, .kernelCallFailed: .retry
        }
    }

    package var description: String {
        switch self {
        case .absent(let port): "no USB device is plugged in at \(port)"
        case .stranger(let port, let found):
            "at \(port) another USB device is plugged in: \(found)"
        case .ungated(let port): "the USB device at \(port) is not gated: drivers have it anyway"
        case .noNode(let node): "\(node) did not come up"
        case .otherOwner(let node, let wanted): "\(node) does not belong to \(wanted)"
        case .notPermitted(let path): "\(path) may not be written by this user"
        case .notAsAsked(let device, let attribute, let asked, let read):
            "the USB device \(device) was given \(attribute) \(asked) and reads \(read)"
        case .kernelCallFailed(let error): "a USB device's attribute failed: \(error)"
        }
    }
}
