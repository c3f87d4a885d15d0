/// Counts events down to zero, for any number of threads that wait for the last.
///
/// Thread-safe.
package final class Countdown: @unchecked Sendable {
    // Unchecked: `left` is touched under the lock of `condition` only.
    private let condition = Condition()
    private var left: Int

    package init(_ count: Int) {
        left = count
    }

    /// One event happened; further ones than were counted are ignored.
    package func arrive() {
        condition.lock()
        left = max(0, left - 1)
        condition.wakeAll()
        condition.unlock()
    }

    /// Waits until CLOCK_MONOTONIC shows `deadline` (ns; nil: for ever); true when all happened.
    package func wait(deadline: Int64?) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while left > 0 {
            if !condition.wait(deadline: deadline) { return left == 0 }
        }
        return true
    }
}
