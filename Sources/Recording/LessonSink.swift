package import LinuxSystem
package import MediaTime

/// Where a lesson's media goes: sealed, kept, sent; the pipeline does not know.
///
/// Every call comes from the one write thread, in order: ``begin(initSegment:tracks:)`` first, and
/// again when an encoder was replaced; segments and gaps as they come. Calls may block; the pipeline then drops pictures, counts them,
/// and keeps the sound. The bytes are plaintext media and valid only during the call. An error ends
/// the lesson, and no further call follows.
package protocol LessonSink: AnyObject, Sendable {
    /// The init segment of the run (ISO BMFF `ftyp` and `moov`) and what its tracks are, in order.
    func begin(
        initSegment: UnsafeRawBufferPointer,
        tracks: [TrackDescription]
    )
        throws(LessonSinkError)

    /// One media segment (`moof` and `mdat`): every video track in it starts with a key frame.
    ///
    /// `start` is a multiple of the segment length; `duration` is that length, or less at the end.
    func segment(
        bytes: UnsafeRawBufferPointer,
        start: MediaTime,
        duration: MediaTime
    )
        throws(LessonSinkError)

    /// Something is missing from the recording.
    func gap(_ gap: LessonGap) throws(LessonSinkError)
}

/// Why a sink could not take what it was given.
package struct LessonSinkError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
    package let recovery: Recovery
    /// Whether there was no room for it.
    package let isNoSpace: Bool

    package init(_ description: String, recovery: Recovery, isNoSpace: Bool = false) {
        self.description = description
        self.recovery = recovery
        self.isNoSpace = isNoSpace
    }
}

/// One track of the recording, as its consumers need to know it.
package struct TrackDescription: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// In pixels; about so many pictures per second, as a fraction.
        case video(width: Int, height: Int, rateNumerator: Int, rateDenominator: Int)
        case sound(sampleRate: Int, channels: Int)
    }

    /// The source's name.
    package let name: String
    package let kind: Kind
    /// As RFC 6381 writes it: `avc1.640028`, `mp4a.40.2`.
    package let codec: String

    package init(name: String, kind: Kind, codec: String) {
        self.name = name
        self.kind = kind
        self.codec = codec
    }
}

/// A piece of one source that is not in the recording.
///
/// Sound is silent for its length.
package struct LessonGap: Hashable, Sendable {
    package let source: String
    package let reason: GapReason
    package let from: MediaTime
    package let to: MediaTime
    /// Pictures or sample frames known to be missing; 0 when nobody can know.
    package let count: Int

    package init(
        source: String,
        reason: GapReason,
        from: MediaTime,
        to: MediaTime,
        count: Int
    ) {
        self.source = source
        self.reason = reason
        self.from = from
        self.to = to
        self.count = count
    }
}

/// Why something is missing; the raw values are stable.
package enum GapReason: String, CaseIterable, Hashable, Sendable {
    /// The device or its bus lost it: a hole in the sequence numbers.
    case lost
    /// It came with an error flag or too short.
    case damaged
    /// The box was too slow to take it.
    case overload
    /// It came out of the encoder after its segment had closed.
    case late
    /// The microphone's buffer ran over.
    case overrun
    /// The device stopped delivering and did not fail.
    case stalled
    /// The microphone gave nothing but zeros for so long that it cannot be a quiet room.
    case noSignal = "no-signal"
    /// The device's time went on or back without sound to go with it.
    case jump
    /// The device failed or was unplugged.
    case gone
    /// The encoder failed or hung, and was replaced.
    case encoder
    /// The camera encoded it to build upon one that is missing.
    case reference
}
