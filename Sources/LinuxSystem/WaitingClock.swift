/// CLOCK_MONOTONIC as a pipeline reads it and waits on it.
///
/// ``KernelClock`` is the one that programs use. Tests put another in its place, in which hours
/// pass in minutes.
///
/// Concurrency: thread-safe. `now` and `wait` are real-time: no allocation, no lock.
package protocol WaitingClock: Sendable {
    /// Nanoseconds.
    func now() -> Int64

    /// Waits until a descriptor is ready or the clock shows `deadline` (ns; nil: for ever).
    ///
    /// Returns how many entries are ready, 0 at the deadline.
    func wait(
        _ entries: UnsafeMutableBufferPointer<PollEntry>,
        deadline: Int64?
    )
        throws(SystemError) -> Int

    /// One more thread works by this clock; a clock that is not the kernel's stands still unless
    /// each of them waits.
    func enter()

    /// One of them ended.
    func leave()
}

/// The kernel's CLOCK_MONOTONIC.
package struct KernelClock: WaitingClock {
    package init() {}

    package func now() -> Int64 { Clock.monotonic.now() }

    package func wait(
        _ entries: UnsafeMutableBufferPointer<PollEntry>,
        deadline: Int64?
    )
        throws(SystemError) -> Int
    {
        try poll(entries, deadline: deadline)
    }

    package func enter() {}
    package func leave() {}
}

extension WaitingClock {
    /// Starts a thread that works by this clock until its body returns.
    package func thread(
        _ name: String,
        _ body: @escaping @Sendable () -> Void
    )
        throws(SystemError) -> NamedThread
    {
        enter()
        do throws(SystemError) {
            return try NamedThread(name) {
                body()
                leave()
            }
        } catch {
            leave()
            throw error
        }
    }

    /// Waits for one descriptor.
    ///
    /// True when `descriptor` is ready, false at the deadline.
    package func wait(
        _ descriptor: Int32,
        _ wanted: PollEvents,
        deadline: Int64?
    )
        throws(SystemError) -> Bool
    {
        var entry = PollEntry(descriptor, wanted)
        var failure: SystemError?
        let isReady = withUnsafeMutablePointer(to: &entry) { pointer in
            do throws(SystemError) {
                return try wait(.init(start: pointer, count: 1), deadline: deadline) > 0
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
        return isReady
    }
}
