internal import MediaTime
internal import Pipeline

/// What is missing of a camera's pictures, said to the muxer as it becomes known.
///
/// Thread-bound to the thread that makes the camera's packets.
struct PictureGaps {
    private let session: Session
    private let source: SourceControl
    private let packets: HandoffQueue<TrackMessage>
    private let stallLimit: MediaTime
    private var merger: GapMerger
    private var before = PictureNote()
    private var isStalled = false
    private var hasPicture = false
    /// Of the last picture that the camera took.
    private(set) var lastTime = MediaTime.zero

    init(
        session: Session,
        source: SourceControl,
        packets: HandoffQueue<TrackMessage>,
        stallLimit: MediaTime
    ) {
        self.session = session
        self.source = source
        self.packets = packets
        self.stallLimit = stallLimit
        merger = GapMerger(source: source.status.name)
    }

    /// A picture from before the lesson's first instant, which is no part of it.
    mutating func skip(_ note: PictureNote) {
        before = note
    }

    /// The next picture, taken at `time`; true when one or more before it are missing.
    mutating func add(_ note: PictureNote, at time: MediaTime) -> Bool {
        let isBroken = sayMissing(upTo: note, at: time)
        before = note
        lastTime = time
        hasPicture = true
        return isBroken
    }

    private mutating func sayMissing(upTo note: PictureNote, at time: MediaTime) -> Bool {
        let isBack = note.losses > before.losses
        if isStalled || isBack || time - lastTime > stallLimit {
            report(isBack ? .gone : .stalled, to: time, count: 0)
            isStalled = false
            source.status.move(from: .stalled, to: .running)
        }
        let skipped = note.ordinal - before.ordinal - 1
        let lost = note.lost - before.lost
        let damaged = note.damaged - before.damaged
        // The first picture of a lesson has no predecessor in it.
        guard hasPicture else { return true }
        if skipped > 0 { report(.overload, to: time, count: skipped) }
        if lost > 0 { report(.lost, to: time, count: lost) }
        if damaged > 0 { report(.damaged, to: time, count: damaged) }
        return isBack || skipped > 0 || lost > 0 || damaged > 0
    }

    /// Counts a stall from its beginning on; its end is known when a picture comes.
    mutating func watch() {
        let now = session.timeline.now()
        for gap in merger.settled(at: now) { packets.put(.gap(gap)) }
        guard !isStalled, now - lastTime > stallLimit else { return }
        isStalled = true
        source.status.countGap()
        source.status.move(from: .running, to: .stalled)
    }

    /// Whether the camera gives nothing as the lesson ends.
    var isMissingAtEnd: Bool { isStalled || source.status.isAway }

    /// Such a camera is missing up to the end.
    mutating func sayMissingAtEnd() {
        report(source.status.isAway ? .gone : .stalled, to: session.timeline.now(), count: 0)
    }

    /// Pictures that the camera gave are not in the track.
    mutating func addUnrecorded(
        _ reason: GapReason,
        from: MediaTime,
        to: MediaTime,
        count: Int
    ) {
        source.status.countDropped(count)
        source.status.countGap()
        put(reason, from: from, to: to, count: count)
    }

    /// Says what is left; nothing follows.
    mutating func finish() {
        for gap in merger.flush() { packets.put(.gap(gap)) }
    }

    private mutating func report(_ reason: GapReason, to time: MediaTime, count: Int) {
        let isCounted = isStalled && (reason == .stalled || reason == .gone)
        if !isCounted { source.status.countGap() }
        put(reason, from: lastTime, to: time, count: count)
    }

    private mutating func put(
        _ reason: GapReason,
        from: MediaTime,
        to: MediaTime,
        count: Int
    ) {
        if let gap = merger.add(reason, from: from, to: to, count: count) {
            packets.put(.gap(gap))
        }
    }
}
