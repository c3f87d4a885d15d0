internal import LinuxSystem
internal import Synchronization

/// Stops one device from any thread, whether it is open already or not.
///
/// Thread-safe. The capture thread attaches the device while it is open, and waits here while it
/// is not.
final class DeviceSwitch: Sendable {
    private struct State {
        var isStopped = false
        var stop: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())
    private let stopped: WakeEvent

    private let clock: any WaitingClock

    init(clock: any WaitingClock) throws(SystemError) {
        stopped = try WakeEvent()
        self.clock = clock
    }

    /// From now on the device never runs (again).
    func stop() {
        let stop = state.withLock { state in
            state.isStopped = true
            return state.stop
        }
        stopped.signal()
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

    /// Waits until the clock shows `deadline` (ns); true at once after a ``stop()``.
    func waitForStop(until deadline: Int64) -> Bool {
        // An eventfd of this process: poll cannot fail on it but for bugs.
        (try? clock.wait(stopped.raw, .readable, deadline: deadline)) ?? isStopped
    }
}
