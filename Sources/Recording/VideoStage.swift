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
    /// Of the last picture that the camera took.
    private var lastTime = MediaTime.zero
    private var hasPicture = false
    /// Of the last picture that the encoder got, which may be a repeated one.
    private var lastTicks = Int64.min
    /// The picture that is repeated while the camera gives none.
    private var last: Int?
    private var nextBound: Int64 = 0
    private var isStalled = false
    /// Pictures that the encoder holds back, at the most.
    private static let delay: Int64 = 2
    /// Between repeated pictures, in 90 kHz ticks.
    private let repeatStep: Int64

    init(
        session: Session,
        source: SourceControl,
        port: PicturePort,
        encoder: consuming VideoEncoder,
        packets: HandoffQueue<TrackMessage>,
        interval: MediaTime,
        settings: LessonSettings
    ) {
        self.session = session
        self.source = source
        self.port = port
        self.encoder = encoder
        self.packets = packets
        self.settings = settings
        merger = GapMerger(source: source.status.name)
        // As the camera would, and never into the future.
        let longest = MediaTime(nanoseconds: settings.patience.nanoseconds / (Self.delay + 1))
        repeatStep = min(interval, longest).ticks(of: .video)
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
            try watch()
            source.bell.wait(deadline: session.clock.now() + 200_000_000) {
                !port.filled.isEmpty || (session.isStopping && source.isCaptureOver)
            }
        }
        try noteLastGap()
    }

    private func encode(_ index: Int, since zero: Int64) throws(LibAVError) {
        let note = port.notes[index]
        let time = MediaTime(nanoseconds: note.timestamp - zero)
        let ticks = time.ticks(of: .video)
        guard ticks >= 0 else {
            before = note
            return giveBack(index)
        }
        noteGaps(upTo: note, at: time)
        before = note
        // Whole segments that were passed while the encoder or the sink was busy.
        try fill(to: time - settings.segmentLength)
        lastTime = time
        hasPicture = true
        // Capture times grow; two within one tick would be one picture to a player. A picture that
        // comes after its time was filled has no place any more.
        if ticks > lastTicks {
            try send(index, at: ticks)
        } else {
            source.status.countDropped(1)
        }
        if let last { giveBack(last) }
        last = index
    }

    private func send(_ index: Int, at ticks: Int64) throws(LibAVError) {
        let isKeyFrame = ticks >= nextBound
        try encoder.send(index, of: port.pool, presentation: ticks, asKeyFrame: isKeyFrame)
        if isKeyFrame {
            let length = settings.segmentLength.ticks(of: .video)
            nextBound = (ticks / length + 1) * length
        }
        lastTicks = ticks
        try deliver()
    }

    /// Gives the segments that passed without a picture their key frame: the last picture, or
    /// black where there was none.
    private func fill(to time: MediaTime) throws(LibAVError) {
        while MediaTime(ticks: nextBound, of: .video) <= time {
            let index = last ?? port.still
            if last == nil { port.pool.blacken(index) }
            let bound = nextBound
            // The encoder lets a picture go when two more have come.
            for step in 0...Self.delay { try send(index, at: bound + step * repeatStep) }
        }
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
        let isBack = note.losses > before.losses
        if isStalled || isBack || time - lastTime > settings.stallLimit {
            report(isBack ? .gone : .stalled, to: time, count: 0)
            isStalled = false
            source.status.move(from: .stalled, to: .running)
        }
        let skipped = note.ordinal - before.ordinal - 1
        // The first picture of a lesson has no predecessor in it.
        guard hasPicture else { return }
        if skipped > 0 { report(.overload, to: time, count: skipped) }
        if note.lost > before.lost { report(.lost, to: time, count: note.lost - before.lost) }
        if note.damaged > before.damaged {
            report(.damaged, to: time, count: note.damaged - before.damaged)
        }
    }

    /// Counts a stall from its beginning on; its end is known when a picture comes.
    private func watch() throws(LibAVError) {
        let now = session.timeline.now()
        try fill(to: now - settings.patience)
        for gap in merger.settled(at: now) { packets.put(.gap(gap)) }
        guard !isStalled, now - lastTime > settings.stallLimit else { return }
        isStalled = true
        source.status.countGap()
        source.status.move(from: .running, to: .stalled)
    }

    /// A camera that had stopped delivering is missing up to the end.
    private func noteLastGap() throws(LibAVError) {
        guard isStalled || source.status.isAway else { return }
        try fill(to: session.timeline.now())
        report(source.status.isAway ? .gone : .stalled, to: session.timeline.now(), count: 0)
    }

    private func report(_ reason: GapReason, to time: MediaTime, count: Int) {
        let isCounted = isStalled && (reason == .stalled || reason == .gone)
        if !isCounted { source.status.countGap() }
        if let gap = merger.add(reason, from: lastTime, to: time, count: count) {
            packets.put(.gap(gap))
        }
    }
}
