/// Turns a driver's time stamps into the time of each block's first frame.
///
/// Pure: the clock is an argument. Jitter is left in: estimating the device's rate is somebody
/// else's work.
struct SampleClock: Sendable {
    enum Verdict: Hashable, Sendable {
        case time(Int64)
        /// The device does not deliver what can be recorded.
        case unusable(reason: String)
    }

    /// A stamp may lie so much (ns) after the time at which it is seen.
    static let tolerance: Int64 = 100_000_000
    /// Sound may have waited so long (ns) for a stalled reader; no driver's ring is longer.
    static let oldest: Int64 = 60_000_000_000
    /// So many impossible stamps in a row are the device's nature, not an accident.
    static let patience = 50

    private let sampleRate: Int
    private var expected: Int64?
    private var impossibleInARow = 0

    init(sampleRate: Int) {
        self.sampleRate = sampleRate
    }

    /// The time of the first of `frames` frames now read, when `waiting` frames, these included,
    /// had been recorded at the time `stamp` (CLOCK_MONOTONIC, ns).
    mutating func firstFrame(frames: Int, waiting: Int, stamp: Int64, now: Int64) -> Verdict {
        let time: Int64
        if stamp >= now - Self.oldest && stamp <= now + Self.tolerance {
            impossibleInARow = 0
            time = stamp - duration(waiting)
        } else {
            impossibleInARow += 1
            if impossibleInARow >= Self.patience {
                return .unusable(reason: "they are not of CLOCK_MONOTONIC or not now")
            }
            time = expected ?? now - duration(waiting)
        }
        expected = time + duration(frames)
        return .time(time)
    }

    /// After an overrun what was expected no longer holds.
    mutating func restart() {
        expected = nil
    }

    private func duration(_ frames: Int) -> Int64 {
        Int64(frames) * 1_000_000_000 / Int64(sampleRate)
    }
}
