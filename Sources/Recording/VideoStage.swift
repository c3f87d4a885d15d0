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
    private var encoder: TrackEncoder
    private var gaps: PictureGaps
    /// Indices that the encoder has not given back.
    private var lent: [Int] = []
    /// Of the last picture that the encoder got, which may be a repeated one.
    private var lastTicks = Int64.min
    /// The picture that is repeated while the camera gives none.
    private var last: Int?
    private var nextBound: Int64 = 0
    /// Where the last packet ends.
    private var delivered = MediaTime.zero
    /// Pictures that found no encoder.
    private var refused = 0
    /// Pictures that the encoder holds back, at the most.
    private static let delay: Int64 = 2
    /// Between repeated pictures, in 90 kHz ticks.
    private let repeatStep: Int64

    init(
        session: Session,
        source: SourceControl,
        port: PicturePort,
        encoder: TrackEncoder,
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
        gaps = PictureGaps(
            session: session,
            source: source,
            packets: packets,
            stallLimit: settings.stallLimit
        )
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
                if encoder.hasFailed { noteLostPictures(to: gaps.lastTime) }
            }
        } catch {
            session.fail(.encoderFailed(source: source.status.name, error))
        }
        port.leave()
        gaps.finish()
        packets.close()
    }

    private func encodeAll(since zero: Int64) throws(LibAVError) {
        while !session.isAborted {
            if let index = port.filled.pop() {
                try encode(index, since: zero)
                continue
            }
            if session.isStopping && source.isCaptureOver && port.isDrained { break }
            try watch()
            source.bell.wait(deadline: session.clock.now() + 200_000_000) {
                !port.filled.isEmpty
                    || (session.isStopping && source.isCaptureOver && port.isDrained)
            }
        }
        try noteLastGap()
    }

    private func encode(_ index: Int, since zero: Int64) throws(LibAVError) {
        let note = port.notes[index]
        let time = MediaTime(nanoseconds: note.timestamp - zero)
        let ticks = time.ticks(of: .video)
        guard ticks >= 0 else {
            gaps.skip(note)
            return giveBack(index)
        }
        _ = gaps.add(note, at: time)
        // Whole segments that were passed while the encoder or the sink was busy.
        try fill(to: time - settings.segmentLength, isFollowed: true)
        // Given back first, so that it can be filled while this one is encoded.
        if let last { giveBack(last) }
        last = index
        // Capture times grow; two within one tick would be one picture to a player. A picture that
        // comes after its time was filled has no place any more.
        if ticks > lastTicks {
            try send(index, at: ticks)
        } else {
            source.status.countDropped(1)
        }
    }

    private func send(_ index: Int, at ticks: Int64) throws(LibAVError) {
        let length = settings.segmentLength.ticks(of: .video)
        let isKeyFrame = ticks >= nextBound
        if isKeyFrame && encoder.hasFailed {
            noteLostPictures(to: MediaTime(ticks: ticks, of: .video))
            let start = MediaTime(ticks: ticks / length * length, of: .video)
            packets.put(.encoderChanged(try encoder.replace(), start: start))
        }
        lastTicks = ticks
        let isTaken = try encoder.send(
            index,
            of: port.pool,
            presentation: ticks,
            asKeyFrame: isKeyFrame
        )
        guard isTaken else {
            refused += 1
            return
        }
        if isKeyFrame { nextBound = (ticks / length + 1) * length }
        try deliver()
    }

    /// An encoder failed: what it held and what came after it is missing up to `time`.
    private func noteLostPictures(to time: MediaTime) {
        let count = encoder.outstanding + refused
        refused = 0
        gaps.addUnrecorded(.encoder, from: delivered, to: time, count: count)
    }

    /// Gives the segments that passed without a picture their key frame: the last picture, or
    /// black where there was none.
    ///
    /// The encoder lets a picture go when two more have come; `isFollowed` says that others will.
    private func fill(to time: MediaTime, isFollowed: Bool = false) throws(LibAVError) {
        while MediaTime(ticks: nextBound, of: .video) <= time {
            let index = last ?? port.still
            if last == nil { port.pool.blacken(index) }
            let bound = nextBound
            let repeats = isFollowed ? 0 : Self.delay
            for step in 0...repeats { try send(index, at: bound + step * repeatStep) }
        }
    }

    private func deliver() throws(LibAVError) {
        while let packet = try encoder.receive() {
            delivered = MediaTime(ticks: packet.presentation, of: .video)
            packets.put(.packet(packet))
        }
    }

    private func giveBack(_ index: Int) {
        lent.append(index)
        var kept = 0
        for candidate in lent {
            if port.pool.isFree(candidate) {
                port.giveBack(candidate)
            } else {
                lent[kept] = candidate
                kept += 1
            }
        }
        lent.removeLast(lent.count - kept)
    }

    private func watch() throws(LibAVError) {
        try fill(to: session.timeline.now() - settings.patience)
        gaps.watch()
    }

    private func noteLastGap() throws(LibAVError) {
        guard gaps.isMissingAtEnd else { return }
        try fill(to: session.timeline.now())
        gaps.sayMissingAtEnd()
    }
}
