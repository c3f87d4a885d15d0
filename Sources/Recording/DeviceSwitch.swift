internal import Synchronization

/// Stops one device from any thread, whether it is open already or not.
///
/// Thread-safe. The capture thread attaches the device when it is open.
final class DeviceSwitch: Sendable {
    private struct State {
        var isStopped = false
        var stop: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// From now on the device never runs (again).
    func stop() {
        let stop = state.withLock { state in
            state.isStopped = true
            return state.stop
        }
        stop?()
    }

    /// Takes what ends the device's loop; false when the end was asked for before.
    func attach(_ stop: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            state.stop = stop
            return !state.isStopped
        }
    }

    var isStopped: Bool { state.withLock { $0.isStopped } }
}
