/// The service manager that started this process, if one did, and what it wants to hear
/// (`sd_notify(3)`, `sd_watchdog_enabled(3)`).
package struct ServiceManager: Sendable {
    /// How often to send `WATCHDOG=1`, in nanoseconds: half of what the manager waits for.
    ///
    /// Nil when it does not watch this process.
    package let watchdogInterval: Int64?

    private let address: String?

    /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` once.
    package init(
        environment: (String) -> String? = CurrentProcess.environment,
        process: Int32 = CurrentProcess.identifier
    ) {
        address = environment("NOTIFY_SOCKET").flatMap { $0.isEmpty ? nil : $0 }
        let isForUs = environment("WATCHDOG_PID").map { Int32($0) == process } ?? true
        let microseconds = environment("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        watchdogInterval =
            isForUs && microseconds > 0 && microseconds <= Int64.max / 1000
            ? microseconds * 500 : nil
    }

    /// Sends lines such as `READY=1`, as one datagram; does nothing where nobody listens for them.
    ///
    /// Waits while the manager's queue is full.
    package func notify(_ state: String) throws(SystemError) {
        guard let address else { return }
        try UnixSocket.sendDatagram(Array(state.utf8), to: address)
    }
}
