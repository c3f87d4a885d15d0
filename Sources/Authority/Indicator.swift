package import Consent

/// The lamp that tells the room.
///
/// Lit before any device opens, dark after all have closed.
///
/// Thread-bound to the authority's loop; a call may not block longer than a write to sysfs.
package protocol Lamp: AnyObject {
    var state: LampState { get }
    /// Lights it and reads back that it is lit.
    func light() throws(AuthorityError)
    func darken()
}

package enum LampState: String, Sendable {
    case dark
    case driven
    case sensed
    case failed
    /// The room record names no lamp (demo only).
    case none
}

/// The absence of a lamp, for a room record that says `none`.
package final class NoLamp: Lamp {
    package let state = LampState.none
    package init() {}
    package func light() throws(AuthorityError) {}
    package func darken() {}
}

/// Lets USB devices reach the drivers for one session.
package protocol DeviceGate: AnyObject {
    /// Authorises exactly the devices of these sources.
    func open(for sources: [RoomRecord.Source]) throws(AuthorityError)
    func close()
}

/// The gate for sources that the room record binds to no USB device.
///
/// A source that is bound to one is refused: this gate cannot tell whether the right one is there.
package final class NoGate: DeviceGate {
    package init() {}

    package func open(for sources: [RoomRecord.Source]) throws(AuthorityError) {
        if let bound = sources.first(where: { $0.device != nil }) {
            throw .device(
                source: bound.name,
                reason: "ungated",
                message: "the room record binds it to a USB device and this box gates none"
            )
        }
    }

    package func close() {}
}
