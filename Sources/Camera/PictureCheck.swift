/// Judges what the driver says of each picture before anybody looks at it.
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
        case picture(lost: UInt32)
        case damaged
        /// The device does not deliver what can be recorded.
        case timestampsUnusable(reason: String)
    }

    /// Bytes of a whole picture.
    let pictureSize: Int

    /// The nominal time (ns) from one picture to the next.
    let interval: Int64

    /// A stamp may lie a frame interval and so much (ns) after the time at which the picture is
    /// seen: some drivers state when it would end, others convert the camera's own clock.
    static let tolerance: Int64 = 100_000_000
    /// A picture may have waited so long (ns) for a stalled reader.
    static let oldest: Int64 = 60_000_000_000
    /// So many impossible stamps in a row are the device's nature, not an accident.
    static let patience = 30

    private var lastSequence: UInt32?
    private var lastTimestamp: Int64 = .min
    private var lost: UInt32 = 0
    private var impossibleInARow = 0

    init(pictureSize: Int, interval: Int64) {
        self.pictureSize = pictureSize
        self.interval = interval
    }

    mutating func judge(_ facts: Facts, now: Int64) -> Verdict {
        guard facts.isMonotonicClock else {
            return .timestampsUnusable(reason: "they are not of CLOCK_MONOTONIC")
        }
        // A driver that is being unplugged returns its buffers with an error and sequence 0.
        if facts.hasError && facts.bytes == 0 { return .damaged }
        noteSequence(facts.sequence)
        if facts.hasError || facts.bytes < pictureSize { return .damaged }

        let isPossible =
            facts.timestamp > lastTimestamp
            && facts.timestamp <= now + interval + Self.tolerance
            && facts.timestamp >= now - Self.oldest
        guard isPossible else {
            impossibleInARow += 1
            return impossibleInARow < Self.patience
                ? .damaged
                : .timestampsUnusable(reason: "they stand still, run backwards or are not now")
        }
        impossibleInARow = 0
        lastTimestamp = facts.timestamp
        defer { lost = 0 }
        return .picture(lost: lost)
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
