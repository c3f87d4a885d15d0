internal import MediaTime
internal import Microphone

/// Finds the place of each block of samples on a timeline without holes.
///
/// A microphone's samples follow one another, by a clock that is not the lesson's, and their time
/// stamps jitter. A delay-locked loop takes the jitter out and finds the clock's rate; the sound is
/// stretched by that rate, and a little more or less until it lies where the loop says. Only where
/// samples are missing, or the stamps leap and stay there, silence is put in or samples are left
/// out.
struct SoundPlacement {
    /// What to do before a block is encoded.
    enum Step: Equatable {
        /// It follows on the one before; the output is to be so many millionths longer than the
        /// input from now on (nil: as it was).
        case follow(stretch: Double?)
        /// It does not: let out what the resampler holds, then ask ``land(frames:)``.
        case leap
    }

    /// How a block that leapt begins, in sample frames.
    struct Landing: Equatable {
        var silence: Int64 = 0
        /// From the front of the block.
        var skip = 0
    }

    /// A stamp further off than this is a leap and not jitter.
    static let tolerance = MediaTime.milliseconds(40)
    /// So many such stamps in a row are believed when they are early: nothing brings a sample
    /// before it was taken.
    static let earlyPersistence = 3
    /// And late ones when they have lasted so long: a bus or a machine that is busy brings samples
    /// late, for a while, and all of them.
    static let latePersistence = MediaTime.seconds(1)
    /// The sound is brought to its place in about so many seconds.
    private static let settling = 5.0
    /// Millionths; more would be heard.
    private static let mostStretch = 2_000.0

    let timeBase: TimeBase
    /// Of the next sample to be encoded, in sample frames since the lesson's first instant.
    private(set) var position: Int64 = 0
    /// How far the sound's place was from where the loop puts it, late when positive.
    private(set) var offset = MediaTime.zero
    private var loop: DelayLockedLoop
    /// Whether the next block's place follows from those before.
    private(set) var isFollowing = false
    /// Sample frames and blocks in a row whose stamps were late, or early, and the earliest of
    /// them, from its prediction (ns).
    private var strays = (frames: 0, blocks: 0, error: Int64(0))
    private var landingTime = MediaTime.zero
    private var framesSinceStretch = 0

    init(timeBase: TimeBase) {
        self.timeBase = timeBase
        loop = DelayLockedLoop(sampleRate: Int(timeBase.denominator))
    }

    /// The time of ``position``.
    var time: MediaTime { MediaTime(ticks: position, of: timeBase) }

    /// How much faster than nominal the microphone's clock runs (ppm); nil until that is known.
    var drift: Double? { loop.isSettled ? loop.ppm : nil }

    /// A block of `frames` came, whose first sample was taken at `timestamp`; `held` is the sound
    /// inside the resampler.
    ///
    /// When samples are known to be missing before it (`isBroken`), the time stamp is taken at its
    /// word.
    mutating func place(
        frames: Int,
        at timestamp: MediaTime,
        isBroken: Bool,
        held: MediaTime
    ) -> Step {
        if isBroken { loop.restart() }
        let (smooth, hasLeapt) = follow(timestamp.nanoseconds, frames)
        guard isFollowing, !isBroken, !hasLeapt else {
            isFollowing = false
            landingTime = MediaTime(nanoseconds: smooth)
            return .leap
        }
        offset = time + held - MediaTime(nanoseconds: smooth)
        framesSinceStretch += frames
        guard framesSinceStretch * 2 >= timeBase.denominator else { return .follow(stretch: nil) }
        framesSinceStretch = 0
        let wanted = -loop.ppm - Double(offset.nanoseconds) / 1000 / Self.settling
        return .follow(stretch: min(Self.mostStretch, max(-Self.mostStretch, wanted)))
    }

    /// The loop's time of the block, and whether the stamps leapt for good.
    private mutating func follow(_ stamp: Int64, _ frames: Int) -> (time: Int64, hasLeapt: Bool) {
        let error = loop.error(of: stamp) ?? 0
        guard abs(error) > Self.tolerance.nanoseconds else {
            strays = (0, 0, 0)
            return (loop.observe(stamp, frames: frames), false)
        }
        if strays.blocks == 0 || (error < 0) != (strays.error < 0) { strays = (0, 0, error) }
        strays.frames += frames
        strays.blocks += 1
        strays.error = min(strays.error, error)
        let length = MediaTime(ticks: Int64(strays.frames), of: timeBase)
        let isBelieved =
            error < 0 ? strays.blocks >= Self.earlyPersistence : length >= Self.latePersistence
        guard isBelieved else { return (loop.coast(frames: frames), false) }
        let time = stamp - error + strays.error
        strays = (0, 0, 0)
        loop.restart()
        return (loop.observe(time, frames: frames), true)
    }

    /// Where the block that leapt begins; to be asked when the resampler is empty.
    mutating func land(frames: Int) -> Landing {
        let distance = landingTime.ticks(of: timeBase) - position
        let skip = Int(min(Int64(frames), max(0, -distance)))
        // A block that lies before what is there already says nothing about the next one.
        isFollowing = skip < frames
        framesSinceStretch = Int(timeBase.denominator)
        return Landing(silence: max(0, distance), skip: skip)
    }

    /// So many sample frames went to the encoder.
    mutating func advance(_ frames: Int64) {
        position += frames
    }

    /// Nothing came: sample frames of silence up to `time`, 0 when that is already filled.
    ///
    /// The next block leaps.
    mutating func fill(to time: MediaTime) -> Int64 {
        let silence = max(0, time.ticks(of: timeBase) - position)
        guard silence > 0 else { return 0 }
        isFollowing = false
        loop.restart()
        return silence
    }
}
