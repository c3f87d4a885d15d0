internal import LibAV
internal import LinuxSystem
internal import MediaTime
internal import Pipeline

/// A microphone's encode thread: samples in, packets and gaps out.
///
/// Input: `port.filled`. Output: `packets`, closed at the end. Goal: one continuous track from the
/// lesson's first instant to its last, by the lesson's clock and not the microphone's, silent where
/// there is no sound, each silence said.
final class SoundStage: @unchecked Sendable {
    // Unchecked: `run` is called once, and everything is touched on its thread only.
    private let session: Session
    private let source: SourceControl
    private let port: SoundPort
    private let packets: HandoffQueue<TrackMessage>
    private let settings: LessonSettings
    private var encoder: AudioEncoder
    private var resampler: SoundResampler
    private var placement: SoundPlacement
    private var merger: GapMerger
    private var before = SoundNote()
    /// The first blocks of a stream, until they tell when it began.
    private var held: [Int] = []
    private var beginning: StreamBeginning
    private static let mostHeld = SoundPort.blocks / 8
    private var hasBegun = false
    private var isSilent = false
    /// Sample frames since the last that was not zero, and where they begin.
    private var zeros = 0
    private var zerosStart = MediaTime.zero
    private var hasNoSignal = false

    init(
        session: Session,
        source: SourceControl,
        port: SoundPort,
        encoder: consuming AudioEncoder,
        resampler: consuming SoundResampler,
        packets: HandoffQueue<TrackMessage>,
        settings: LessonSettings
    ) {
        self.session = session
        self.source = source
        self.port = port
        placement = SoundPlacement(timeBase: encoder.parameters.timeBase)
        beginning = StreamBeginning(timeBase: encoder.parameters.timeBase)
        self.encoder = encoder
        self.resampler = resampler
        self.packets = packets
        self.settings = settings
        merger = GapMerger(source: source.status.name)
    }

    func run() {
        do throws(LibAVError) {
            if let zero = session.awaitZero(source) {
                try encodeAll(since: zero)
                try drain()
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
                try take(index, since: zero)
                continue
            }
            if session.isStopping && source.isCaptureOver && port.filled.isEmpty { break }
            try fillSilence(to: session.timeline.now() - settings.patience)
            source.bell.wait(deadline: session.clock.now() + 200_000_000) {
                !port.filled.isEmpty || (session.isStopping && source.isCaptureOver)
            }
        }
        try encodeHeld()
        if isSilent { try fillSilence(to: session.timeline.now()) }
        endZeros(at: placement.time)
    }

    /// Encodes a block, or holds it where a stream begins.
    private func take(_ index: Int, since zero: Int64) throws(LibAVError) {
        let note = port.notes[index]
        let time = MediaTime(nanoseconds: note.timestamp - zero)
        if let last = held.last, note.hole(after: port.notes[last]) != nil { try encodeHeld() }
        if held.isEmpty, placement.isFollowing, note.hole(after: before) == nil {
            return try encode(index, at: time)
        }
        held.append(index)
        beginning.hear(frames: note.frames, at: time)
        if beginning.isKnown || held.count == Self.mostHeld { try encodeHeld() }
    }

    /// Encodes what was held, from where it began.
    private func encodeHeld() throws(LibAVError) {
        guard let first = beginning.time else { return }
        var frames: Int64 = 0
        for index in held {
            let time = first + MediaTime(ticks: frames, of: placement.timeBase)
            frames += Int64(port.notes[index].frames)
            try encode(index, at: time)
        }
        held.removeAll(keepingCapacity: true)
        beginning = StreamBeginning(timeBase: placement.timeBase)
    }

    /// Encodes a block whose first sample was taken at `time`, and gives its place back.
    private func encode(_ index: Int, at time: MediaTime) throws(LibAVError) {
        defer { _ = port.free.push(index) }
        let note = port.notes[index]
        let reason = reasonForHole(before: note)
        before = note
        let step = placement.place(
            frames: note.frames,
            at: time,
            isBroken: reason != .jump,
            held: MediaTime(nanoseconds: resampler.delay)
        )
        var skip = 0
        switch step {
        case .leap: skip = try land(note.frames, reason)
        case .follow(let stretch?): try resampler.stretch(ppm: stretch)
        case .follow(nil): break
        }
        sayClock()
        guard skip < note.frames else { return }
        hasBegun = true
        if isSilent {
            isSilent = false
            source.status.move(from: .stalled, to: .running)
        }
        let samples = UnsafeBufferPointer(port.block(index))
        let range = skip * port.channels..<note.frames * port.channels
        let block = UnsafeBufferPointer(rebasing: samples[range])
        lookForSignal(block, at: placement.time + MediaTime(nanoseconds: resampler.delay))
        try resampler.convert(block) { (piece) throws(LibAVError) in try append(piece) }
    }

    /// Brings the track to where the block begins; how many of its sample frames to leave out.
    private func land(_ frames: Int, _ reason: GapReason) throws(LibAVError) -> Int {
        try drain()
        let start = placement.time
        let landing = placement.land(frames: frames)
        if landing.silence > 0 {
            endZeros(at: start)
            try appendSilence(landing.silence)
            source.status.countGap()
            merge(reason, from: start, to: placement.time, count: Int(landing.silence))
        }
        // Before the lesson's first instant there is nothing to miss.
        if landing.skip > 0 && hasBegun {
            let length = MediaTime(ticks: Int64(landing.skip), of: placement.timeBase)
            source.status.countGap()
            merge(.jump, from: start - length, to: start, count: landing.skip)
        }
        return landing.skip
    }

    private func reasonForHole(before note: SoundNote) -> GapReason {
        if let hole = note.hole(after: before), hasBegun || hole != .overload { return hole }
        return isSilent || !hasBegun ? .stalled : .jump
    }

    /// Keeps the track going while nothing comes.
    private func fillSilence(to time: MediaTime) throws(LibAVError) {
        for gap in merger.settled(at: placement.time) { packets.put(.gap(gap)) }
        if let first = beginning.time {
            // Its first block says why nothing came before it.
            guard time > first else { return }
            try encodeHeld()
        }
        guard time > placement.time + MediaTime(nanoseconds: resampler.delay) else { return }
        try drain()
        let start = placement.time
        let silence = placement.fill(to: time)
        guard silence > 0 else { return }
        endZeros(at: start)
        if !isSilent {
            isSilent = true
            source.status.countGap()
            source.status.move(from: .running, to: .stalled)
        }
        try appendSilence(silence)
        let reason: GapReason = source.status.isAway ? .gone : .stalled
        merge(reason, from: start, to: placement.time, count: Int(silence))
    }

    private func append(_ samples: UnsafeBufferPointer<Int16>) throws(LibAVError) {
        placement.advance(Int64(samples.count / port.channels))
        try encoder.encode(samples) { packets.put(.packet($0)) }
    }

    private func appendSilence(_ frames: Int64) throws(LibAVError) {
        placement.advance(frames)
        try encoder.encodeSilence(frames) { packets.put(.packet($0)) }
    }

    /// Lets out what the resampler holds.
    private func drain() throws(LibAVError) {
        try resampler.drain { (piece) throws(LibAVError) in try append(piece) }
    }

    private func sayClock() {
        source.status.setClock(
            drift: placement.drift.map { Int64(($0 * 1000).rounded()) },
            offset: placement.offset.nanoseconds
        )
    }

    /// A quiet room is never all zeros: where they last, there is no sound, and that is a gap.
    private func lookForSignal(_ samples: UnsafeBufferPointer<Int16>, at time: MediaTime) {
        guard !samples.contains(where: { $0 != 0 }) else {
            endZeros(at: time)
            return source.status.setSilent(false)
        }
        if zeros == 0 { zerosStart = time }
        zeros += samples.count / port.channels
        let length = MediaTime(ticks: Int64(zeros), of: placement.timeBase)
        guard !hasNoSignal, length >= settings.noSignalLimit else { return }
        hasNoSignal = true
        source.status.setSilent(true)
        source.status.countGap()
    }

    private func endZeros(at time: MediaTime) {
        if hasNoSignal { merge(.noSignal, from: zerosStart, to: time, count: zeros) }
        zeros = 0
        hasNoSignal = false
    }

    private func merge(_ reason: GapReason, from: MediaTime, to: MediaTime, count: Int) {
        if let gap = merger.add(reason, from: from, to: to, count: count) { packets.put(.gap(gap)) }
    }
}
