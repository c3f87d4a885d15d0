internal import LibAV
internal import LinuxSystem
internal import MediaTime
internal import Pipeline

/// A camera's encode thread: pictures in, packets and gaps out.
///
/// Input: `port.filled`. Output: `packets`, closed at the end. Goal: a key frame on the first
/// picture at or after each segment bound, and every missing picture said. When `packets` is full
/// the thread waits; then the capture thread gives up the oldest pictures.
final class VideoStage: @unchecked Sendable {
    // Unchecked: `run` is called once, and everything is touched on its thread only.
    private let session: Session
    private let source: SourceControl
    private let port: PicturePort
    private let packets: HandoffQueue<TrackMessage>
    private let settings: LessonSettings
    private var encoder: VideoEncoder
    private var merger: GapMerger
    /// Indices that the encoder has not given back.
    private var lent: [Int] = []
    private var before = PictureNote()
    private var lastTime = MediaTime.zero
    private var lastTicks = Int64.min
    private var nextBound: Int64 = 0
    private var isStalled = false

    init(
        session: Session,
        source: SourceControl,
        port: PicturePort,
        encoder: consuming VideoEncoder,
        packets: HandoffQueue<TrackMessage>,
        settings: LessonSettings
    ) {
        self.session = session
        self.source = source
        self.port = port
        self.encoder = encoder
        self.packets = packets
        self.settings = settings
        merger = GapMerger(source: source.status.name)
    }

    func run() {
        do throws(LibAVError) {
            if let zero = session.awaitZero(source) {
                try encodeAll(since: zero)
                try encoder.finish()
                try deliver()
            }
        } catch {
            session.fail(.encoderFailed(source: source.status.name, error))
        }
        for gap in merger.flush() { packets.put(.gap(gap)) }
        packets.close()
    }

    private func encodeAll(since zero: Int64) throws(LibAVError) {
        while !session.isAborted {
            if let index = port.filled.pop() {
                try encode(index, since: zero)
                continue
            }
            if session.isStopping && source.isCaptureOver && port.filled.isEmpty { break }
            watch()
            source.bell.wait(deadline: Clock.monotonic.now() + 200_000_000) {
                !port.filled.isEmpty || (session.isStopping && source.isCaptureOver)
            }
        }
        noteLastGap()
    }

    private func encode(_ index: Int, since zero: Int64) throws(LibAVError) {
        let note = port.notes[index]
        let time = MediaTime(nanoseconds: note.timestamp - zero)
        let ticks = time.ticks(of: .video)
        defer { giveBack(index) }
        guard ticks >= 0 else {
            before = note
            return
        }
        noteGaps(upTo: note, at: time)
        before = note
        // Capture times grow; two within one tick would be one picture to a player.
        guard ticks > lastTicks else { return }
        let isKeyFrame = ticks >= nextBound
        try encoder.send(index, of: port.pool, presentation: ticks, asKeyFrame: isKeyFrame)
        if isKeyFrame {
            let length = settings.segmentLength.ticks(of: .video)
            nextBound = (ticks / length + 1) * length
        }
        lastTicks = ticks
        lastTime = time
        try deliver()
    }

    private func deliver() throws(LibAVError) {
        while let packet = try encoder.receive() { packets.put(.packet(packet)) }
    }

    private func giveBack(_ index: Int) {
        lent.append(index)
        var kept = 0
        for candidate in lent {
            if port.pool.isFree(candidate) {
                _ = port.free.push(candidate)
            } else {
                lent[kept] = candidate
                kept += 1
            }
        }
        lent.removeLast(lent.count - kept)
    }

    private func noteGaps(upTo note: PictureNote, at time: MediaTime) {
        if isStalled || time - lastTime > settings.stallLimit {
            report(.stalled, to: time, count: 0)
            isStalled = false
            source.status.move(from: .stalled, to: .running)
        }
        let skipped = note.ordinal - before.ordinal - 1
        // The first picture of a lesson has no predecessor in it.
        guard lastTicks != .min else { return }
        if skipped > 0 { report(.overload, to: time, count: skipped) }
        if note.lost > before.lost { report(.lost, to: time, count: note.lost - before.lost) }
        if note.damaged > before.damaged {
            report(.damaged, to: time, count: note.damaged - before.damaged)
        }
    }

    /// Counts a stall from its beginning on; its end is known when a picture comes.
    ///
    /// The place to repeat the last picture at a segment bound, so that the track has a sample in
    /// every segment.
    private func watch() {
        let now = session.timeline.now()
        for gap in merger.settled(at: now) { packets.put(.gap(gap)) }
        guard !isStalled, now - lastTime > settings.stallLimit else { return }
        isStalled = true
        source.status.countGap()
        source.status.move(from: .running, to: .stalled)
    }

    /// A camera that had stopped delivering is missing up to the end.
    private func noteLastGap() {
        guard isStalled || source.hasFailed else { return }
        report(source.hasFailed ? .gone : .stalled, to: session.timeline.now(), count: 0)
    }

    private func report(_ reason: GapReason, to time: MediaTime, count: Int) {
        if !(reason == .stalled && isStalled) { source.status.countGap() }
        if let gap = merger.add(reason, from: lastTime, to: time, count: count) {
            packets.put(.gap(gap))
        }
    }
}
