/// When to try again after failures in a row: doubling, capped, jittered.
///
/// A pure value.
package struct RetrySchedule: Sendable {
    /// Seconds.
    package let minimum: Int64
    package let maximum: Int64
    private var failures = 0

    package init(minimum: Int64, maximum: Int64) {
        self.minimum = minimum
        self.maximum = max(minimum, maximum)
    }

    package mutating func succeeded() { failures = 0 }

    /// Seconds to wait after one more failure; `random` is in 0..<1 and spreads the boxes of a
    /// school over the second half of the wait.
    package mutating func failed(random: Double) -> Int64 {
        var wait = minimum
        for _ in 0..<min(failures, 32) where wait < maximum { wait = min(maximum, wait * 2) }
        failures += 1
        return max(1, wait / 2 + Int64(Double(wait - wait / 2) * random))
    }
}
