package import MediaTime

/// How one source fares; numbers only ever grow within a lesson.
package struct SourceHealth: Hashable, Sendable {
    package enum State: Int, Hashable, Sendable {
        case opening
        case running
        /// A camera that has given nothing for the stall limit, or a microphone for a second.
        case stalled
        /// The device failed and is closed; its return is waited for.
        case failed
        case closed
    }

    /// What somebody should look at; the raw values are stable.
    package enum Check: String, Hashable, Sendable {
        /// The microphone gives nothing but zeros: switched off, or its driver is at fault.
        case noSignal = "no-signal"
        /// The driver stated times of capture that cannot be true.
        case times
    }

    package let name: String
    package let state: State
    /// Pictures or sample frames that the device delivered.
    package let delivered: Int
    /// Pictures or sample frames that the box was too slow to take.
    package let dropped: Int
    /// Pictures that the device or its bus lost.
    package let lost: Int
    /// Pictures that came unusable.
    package let damaged: Int
    /// Holes in the track, each from its beginning on.
    package let gaps: Int
    /// Times of capture that were estimated, since the driver's could not be true.
    package let estimated: Int
    /// How much faster than nominal a microphone's clock runs (parts per billion); nil until known.
    package let drift: Int64?
    /// How far a microphone's sound lies from where it should, late when positive; nil until known.
    package let offset: MediaTime?
    package let checks: [Check]
    /// When the latest picture or sample was taken (CLOCK_MONOTONIC, ns); nil before the first.
    package let lastTimestamp: Int64?
    /// The end of the last segment with this source in it that the sink has taken.
    package let committed: MediaTime
}

/// How a lesson fares, from pictures and bytes and not from threads being alive.
package struct LessonHealth: Hashable, Sendable {
    package let sources: [SourceHealth]
    /// The end of the last segment that the sink has taken.
    package let committed: MediaTime
    package let segments: Int
    package let bytes: Int
}

/// What a lesson came to.
package struct LessonSummary: Hashable, Sendable {
    package let health: LessonHealth
    /// Why it ended before it was stopped; nil when it was not so.
    package let failure: RecordingError?
}
