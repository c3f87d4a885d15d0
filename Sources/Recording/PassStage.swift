internal import H264
internal import LibAV
internal import LinuxSystem
internal import MediaTime
internal import Pipeline

/// The thread of a camera that encodes by itself: its pictures in, packets and gaps out.
///
/// Input: `port.filled`. Output: `packets`, closed at the end. Goal: only pictures that can be
/// decoded, and every missing one said: after one that is missing none is taken until the next key
/// frame. The segments that pass without a picture get the last key frame once more.
final class PassStage: @unchecked Sendable {
    // Unchecked: `run` is called once, and everything is touched on its thread only.
    private let session: Session
    private let source: SourceControl
    private let port: CompressedPort
    private let packets: HandoffQueue<TrackMessage>
    private let settings: LessonSettings
    private let track: Int
    /// What each key frame must have before it.
    private let header: [UInt8]
    private var gaps: PictureGaps
    /// The buffer of the last key frame.
    private var keyFrame: Int?
    private var awaitsKeyFrame = true
    private var lastTicks = Int64.min
    private var lastTaken = MediaTime.zero
    /// Pictures that no key frame came before.
    private var withheld = 0
    private var nextBound: Int64 = 0

    init(
        session: Session,
        source: SourceControl,
        port: CompressedPort,
        header: [UInt8],
        track: Int,
        packets: HandoffQueue<TrackMessage>,
        settings: LessonSettings
    ) {
        self.session = session
        self.source = source
        self.port = port
        self.header = header
        self.track = track
        self.packets = packets
        self.settings = settings
        gaps = PictureGaps(
            session: session,
            source: source,
            packets: packets,
            stallLimit: settings.stallLimit
        )
    }

    func run() {
        do throws(LibAVError) {
            if let zero = session.awaitZero(source) { try passAll(since: zero) }
        } catch {
            session.fail(.encoderFailed(source: source.status.name, error))
        }
        gaps.finish()
        packets.close()
    }

    private func passAll(since zero: Int64) throws(LibAVError) {
        while !session.isAborted {
            if let index = port.filled.pop() {
                try pass(index, since: zero)
                continue
            }
            if session.isStopping && source.isCaptureOver && port.filled.isEmpty { break }
            try fill(to: session.timeline.now() - settings.patience)
            gaps.watch()
            source.bell.wait(deadline: session.clock.now() + 200_000_000) {
                !port.filled.isEmpty || (session.isStopping && source.isCaptureOver)
            }
        }
        sayWithheld(to: gaps.lastTime)
        guard gaps.isMissingAtEnd else { return }
        try fill(to: session.timeline.now())
        gaps.sayMissingAtEnd()
    }

    private func pass(_ index: Int, since zero: Int64) throws(LibAVError) {
        let note = port.notes[index]
        let time = MediaTime(nanoseconds: note.timestamp - zero)
        guard time >= .zero else {
            gaps.skip(note)
            return port.giveBack(index)
        }
        if gaps.add(note, at: time) { awaitsKeyFrame = true }
        try fill(to: time - settings.segmentLength)
        let ticks = time.ticks(of: .video)
        let bytes = port.bytes(index)
        let picture = AnnexB.picture(in: bytes)
        guard picture.isWhole, ticks > lastTicks, mayFollow(picture, bytes) else {
            // What was left out others may need.
            awaitsKeyFrame = true
            withheld += 1
            return port.giveBack(index)
        }
        sayWithheld(to: time)
        awaitsKeyFrame = false
        lastTaken = time
        try put(bytes, at: ticks, isKeyFrame: picture.isKeyFrame)
        if picture.isKeyFrame {
            if let keyFrame { port.giveBack(keyFrame) }
            keyFrame = index
        } else {
            port.giveBack(index)
        }
    }

    /// Whether a decoder that has seen the track so far can show the picture.
    private func mayFollow(_ picture: AnnexB.Picture, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard picture.isKeyFrame else { return !awaitsKeyFrame && !picture.looksAhead }
        return AnnexB.header(of: bytes) == header
    }

    private func put(
        _ bytes: UnsafeRawBufferPointer,
        at ticks: Int64,
        isKeyFrame: Bool
    ) throws(LibAVError) {
        let length = settings.segmentLength.ticks(of: .video)
        if ticks >= nextBound { nextBound = (ticks / length + 1) * length }
        lastTicks = ticks
        packets.put(
            .packet(
                try EncodedPacket(
                    copying: bytes,
                    track: track,
                    timeBase: .video,
                    presentation: ticks,
                    isKeyFrame: isKeyFrame
                )
            )
        )
    }

    private func fill(to time: MediaTime) throws(LibAVError) {
        guard let keyFrame else { return }
        while MediaTime(ticks: nextBound, of: .video) <= time {
            try put(port.bytes(keyFrame), at: nextBound, isKeyFrame: true)
            awaitsKeyFrame = true
        }
    }

    private func sayWithheld(to time: MediaTime) {
        guard withheld > 0 else { return }
        gaps.addUnrecorded(.reference, from: lastTaken, to: time, count: withheld)
        withheld = 0
    }
}
