internal import LibAV
internal import MediaTime
internal import Pipeline

/// What an encode thread tells the mux thread about its track.
enum TrackMessage: ~Copyable, Sendable {
    case packet(EncodedPacket)
    case gap(LessonGap)
    /// The packets from `start` on, a segment's bound, are another encoder's.
    case encoderChanged(TrackParameters, start: MediaTime)
}

/// What the mux thread tells the write thread.
enum SinkMessage: ~Copyable, Sendable {
    case begin(MediaBytes, [TrackDescription])
    /// `tracks` has one bit for each track with a packet in the segment.
    case segment(MediaBytes, start: MediaTime, duration: MediaTime, tracks: UInt64)
    case gap(LessonGap)
}
