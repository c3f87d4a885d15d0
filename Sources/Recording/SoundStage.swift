internal import LibAV
internal import LinuxSystem
internal import MediaTime
internal import Pipeline

/// A microphone's encode thread: samples in, packets and gaps out.
///
/// Input: `port.filled`. Output: `packets`, closed at the end. Goal: one continuous track from the
/// lesson's first instant to its last, silent where there is no sound, each silence said.
final class SoundStage: @unchecked Sendable {
    // Unchecked: `run` is called once, and everything is touched on its thread only.
    private let session: Session
    private let source: SourceControl
    private let port: SoundPort
    private let packets: HandoffQueue<TrackMessage>
    private var encoder: AudioEncoder
    private var placement: SoundPlacement
    private var merger: GapMerger
    private var before = SoundNote()
    private var hasBegun = false
    private var isSilent = false
    /// How long nothing may come until silence stands in for it; below the segmenter's lag limit.
    private static let patience = MediaTime.seconds(1)

    init(
        session: Session,
        source: SourceControl,
        port: SoundPort,
        encoder: consuming AudioEncoder,
        packets: HandoffQueue<TrackMessage>
    ) {
        self.session = session
        self.source = source
        self.port = port
        placement = SoundPlacement(timeBase: encoder.parameters.timeBase)
        self.encoder = encoder
        self.packets = packets
        merger = GapMerger(source: source.status.name)
    }

    func run() {
        do throws(LibAVError) {
            if let zero = session.awaitZero(source) {
                try encodeAll(since: zero)
                try encoder.finish { packets.put(.packet($0)) }
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
                _ = port.free.push(index)
                continue
            }
            if session.isStopping && source.isCaptureOver && port.filled.isEmpty { break }
            try fillSilence(to: session.timeline.now() - Self.patience)
            source.bell.wait(deadline: Clock.monotonic.now() + 200_000_000) {
                !port.filled.isEmpty || (session.isStopping && source.isCaptureOver)
            }
        }
        if isSilent { try fillSilence(to: session.timeline.now()) }
    }

    private func encode(_ index: Int, since zero: Int64) throws(LibAVError) {
        let note = port.notes[index]
        let time = MediaTime(nanoseconds: note.timestamp - zero)
        let reason = reasonForHole(before: note)
        let start = placement.time
        let step = placement.place(frames: note.frames, at: time, isBroken: reason != .jump)
        before = note
        if step.silence > 0 {
            try encoder.encodeSilence(step.silence) { packets.put(.packet($0)) }
            report(reason, from: start, to: time, count: Int(step.silence))
        }
        // Before the lesson's first instant there is nothing to miss.
        if step.skip > 0 && hasBegun {
            report(.jump, from: time, to: start, count: step.skip)
        }
        guard step.skip < note.frames else { return }
        hasBegun = true
        if isSilent {
            isSilent = false
            source.status.move(from: .stalled, to: .running)
        }
        let samples = UnsafeBufferPointer(port.block(index))
        let range = step.skip * port.channels..<note.frames * port.channels
        try encoder.encode(UnsafeBufferPointer(rebasing: samples[range])) {
            packets.put(.packet($0))
        }
    }

    private func reasonForHole(before note: SoundNote) -> GapReason {
        if note.overruns > before.overruns { return .overrun }
        if hasBegun && note.ordinal > before.ordinal + 1 { return .overload }
        return isSilent || !hasBegun ? .stalled : .jump
    }

    /// Keeps the track going while nothing comes.
    private func fillSilence(to time: MediaTime) throws(LibAVError) {
        for gap in merger.settled(at: placement.time) { packets.put(.gap(gap)) }
        let start = placement.time
        let silence = placement.fill(to: time)
        guard silence > 0 else { return }
        if !isSilent {
            isSilent = true
            source.status.countGap()
            source.status.move(from: .running, to: .stalled)
        }
        try encoder.encodeSilence(silence) { packets.put(.packet($0)) }
        let reason: GapReason = source.hasFailed ? .gone : .stalled
        merge(reason, from: start, to: placement.time, count: Int(silence))
    }

    private func report(_ reason: GapReason, from: MediaTime, to: MediaTime, count: Int) {
        source.status.countGap()
        merge(reason, from: from, to: to, count: count)
    }

    private func merge(_ reason: GapReason, from: MediaTime, to: MediaTime, count: Int) {
        if let gap = merger.add(reason, from: from, to: to, count: count) { packets.put(.gap(gap)) }
    }
}
