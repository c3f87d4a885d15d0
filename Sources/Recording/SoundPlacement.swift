internal import MediaTime

/// Finds the place of each block of samples on a timeline without holes.
///
/// A microphone's samples follow one another; its time stamps jitter. So blocks are put end to end
/// as long as the time stamp agrees to within `tolerance`, and where it does not, silence is put
/// in or samples are left out until it does. The place to correct a drifting clock is here.
struct SoundPlacement {
    /// What to do before a block is encoded; all in sample frames.
    struct Step: Equatable {
        var silence: Int64 = 0
        /// From the front of the block.
        var skip = 0
    }

    /// More than this is a gap and not jitter.
    static let tolerance = MediaTime.milliseconds(40)

    let timeBase: TimeBase
    /// Of the next sample to be encoded, in sample frames since the lesson's first instant.
    private(set) var position: Int64 = 0
    private var hasBegun = false

    init(timeBase: TimeBase) {
        self.timeBase = timeBase
    }

    /// The time of ``position``.
    var time: MediaTime { MediaTime(ticks: position, of: timeBase) }

    /// A block of `frames` came, whose first sample was taken at `timestamp`.
    ///
    /// When samples are known to be missing before it (`isBroken`), the time stamp is taken at its
    /// word.
    mutating func place(frames: Int, at timestamp: MediaTime, isBroken: Bool) -> Step {
        let offset = timestamp.ticks(of: timeBase) - position
        let isExact = isBroken || !hasBegun
        let slack = isExact ? 0 : Self.tolerance.ticks(of: timeBase)
        var step = Step()
        if offset > slack { step.silence = offset }
        if offset < -slack { step.skip = Int(min(Int64(frames), -offset)) }
        position += step.silence + Int64(frames - step.skip)
        hasBegun = hasBegun || step.skip < frames
        return step
    }

    /// Nothing came: sample frames of silence up to `time`, 0 when that is already filled.
    mutating func fill(to time: MediaTime) -> Int64 {
        let silence = max(0, time.ticks(of: timeBase) - position)
        position += silence
        return silence
    }
}
