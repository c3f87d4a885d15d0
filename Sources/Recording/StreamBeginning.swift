internal import MediaTime

/// When a stream of samples began, from the time stamps of its first half second.
///
/// Nothing brings a sample before it was taken, and much brings the first ones late: a bus that has
/// just woken up, a machine that is busy with the device that came. So of what the stamps say about
/// the first sample the earliest is nearest to the truth.
///
/// Pure; holds no samples.
struct StreamBeginning {
    /// So much of the stream tells enough.
    static let length = MediaTime.milliseconds(500)

    private let timeBase: TimeBase
    private var frames: Int64 = 0
    private var earliest: MediaTime?

    init(timeBase: TimeBase) {
        self.timeBase = timeBase
    }

    /// When the first sample was taken; nil before any was heard of.
    var time: MediaTime? { earliest }

    /// Whether half a second was heard of.
    var isKnown: Bool { heard >= Self.length }

    private var heard: MediaTime { MediaTime(ticks: frames, of: timeBase) }

    /// The stream's next block has so many sample frames, the first of them stamped `timestamp`.
    mutating func hear(frames: Int, at timestamp: MediaTime) {
        let first = timestamp - heard
        earliest = min(earliest ?? first, first)
        self.frames += Int64(frames)
    }
}
