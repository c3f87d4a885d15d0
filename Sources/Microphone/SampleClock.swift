/// Turns a driver's time stamps into the time of each block's first frame.
///
/// A stamp that cannot be true (in the future, too old, before the last one, standing still while
/// samples come) is not believed: the time is then estimated from when the samples were seen, and
/// counted. Jitter is left in; ``DelayLockedLoop`` takes it out.
///
/// Pure: the clock is an argument.
struct SampleClock: Sendable {
    /// A stamp may lie so much (ns) after the time at which it is seen.
    static let tolerance: Int64 = 100_000_000
    /// It may be so old (ns) when it is seen: drivers stamp at least each period of 20 ms.
    static let oldest: Int64 = 250_000_000

    /// How many times were estimated.
    private(set) var estimates = 0
    private let sampleRate: Int
    /// The last stamp that was believed, and how many frames of its were left unread.
    private var last: (stamp: Int64, unread: Int)?

    init(sampleRate: Int) {
        self.sampleRate = sampleRate
    }

    /// The time of the first of `frames` frames now read, when `waiting` frames, these included,
    /// had been recorded at the time `stamp` (CLOCK_MONOTONIC, ns).
    ///
    /// The driver was asked for both after `asked` and before `now`.
    mutating func firstFrame(
        frames: Int,
        waiting: Int,
        stamp: Int64,
        asked: Int64,
        now: Int64
    ) -> Int64 {
        // The samples up to the stamp are those that wait: it was taken when the last of them was.
        let stated = stamp.subtractingReportingOverflow(duration(waiting)).partialValue
        let isPossible =
            stamp >= asked - Self.oldest && stamp <= now + Self.tolerance
            && (last.map { stamp > $0.stamp || (stamp == $0.stamp && waiting == $0.unread) } ?? true)
        guard isPossible else {
            estimates += 1
            return asked - duration(waiting)
        }
        last = (stamp, waiting - frames)
        return stated
    }

    /// The stream was started again.
    mutating func restart() {
        last = nil
    }

    private func duration(_ frames: Int) -> Int64 {
        Int64(frames) * 1_000_000_000 / Int64(sampleRate)
    }
}
