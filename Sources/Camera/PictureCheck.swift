/// Judges what the driver says of each picture before anybody looks at it.
///
/// A stamp that cannot be true (in the future, older than what the driver can have kept, not after
/// the one before, of another clock) is not believed: the time is then estimated from the rate and
/// from when the picture was seen, and counted.
///
/// Pure: the clock is an argument.
struct PictureCheck: Sendable {
    /// The facts of one dequeued buffer.
    struct Facts: Sendable {
        var sequence: UInt32
        var hasError: Bool
        var isMonotonicClock: Bool
        var bytes: Int
        /// CLOCK_MONOTONIC, ns.
        var timestamp: Int64
    }

    enum Verdict: Hashable, Sendable {
        /// Taken at `time` (CLOCK_MONOTONIC, ns), which always grows.
        case picture(lost: UInt32, time: Int64)
        case damaged
    }

    /// Bytes of a whole picture.
    let pictureSize: Int

    /// The nominal time (ns) from one picture to the next.
    let interval: Int64

    /// A stamp may lie a frame interval and so much (ns) after the time at which the picture is
    /// seen: some drivers state when it would end, others convert the camera's own clock.
    static let tolerance: Int64 = 100_000_000
    /// An estimate that lies further (ns) from now is given up for now itself.
    static let patience: Int64 = 250_000_000

    /// How many times were estimated.
    private(set) var estimates = 0
    private var lastSequence: UInt32?
    private var last: Int64?
    /// When the last eight pictures were looked at, in turn: no driver here has more buffers, and
    /// one that is filled now was given back to it at one of these looks.
    private var looks: SIMD8<Int64>?
    private var turn = 0
    private var lost: UInt32 = 0

    init(pictureSize: Int, interval: Int64) {
        self.pictureSize = pictureSize
        self.interval = interval
    }

    mutating func judge(_ facts: Facts, now: Int64) -> Verdict {
        // A driver that is being unplugged returns its buffers with an error and sequence 0.
        if facts.hasError && facts.bytes == 0 { return .damaged }
        noteSequence(facts.sequence)
        let oldest = noteLook(now) - interval - Self.tolerance
        if facts.hasError || facts.bytes < pictureSize { return .damaged }

        let isPossible =
            facts.isMonotonicClock
            && facts.timestamp > last ?? .min
            && facts.timestamp <= now + interval + Self.tolerance
            && facts.timestamp >= oldest
        let time = isPossible ? facts.timestamp : estimate(now: now)
        if !isPossible { estimates += 1 }
        last = time
        defer { lost = 0 }
        return .picture(lost: lost, time: time)
    }

    /// One interval after the picture before, drawn towards now, since the camera's rate is not
    /// known exactly.
    private func estimate(now: Int64) -> Int64 {
        guard let last else { return now }
        let expected = last + interval * (Int64(lost) + 1)
        let distance = now - expected
        let time = abs(distance) > Self.patience ? now : expected + distance / 8
        return max(time, last + 1_000_000)
    }

    /// Gives the time of the oldest look known, before this one.
    private mutating func noteLook(_ now: Int64) -> Int64 {
        var all = looks ?? SIMD8(repeating: now - 8 * interval)
        let oldest = all[turn]
        all[turn] = now
        looks = all
        turn = (turn + 1) % 8
        return oldest
    }

    /// Counts what is missing before this picture.
    ///
    /// A step back is a driver that started its count anew, and says nothing about losses.
    private mutating func noteSequence(_ sequence: UInt32) {
        defer { lastSequence = sequence }
        guard let lastSequence else { return }
        let step = sequence &- lastSequence
        if step > 1, step < 1 << 31 { lost &+= step - 1 }
    }
}
