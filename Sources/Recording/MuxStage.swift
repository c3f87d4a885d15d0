internal import LibAV
internal import LinuxSystem
internal import MediaTime
internal import Pipeline

/// The mux thread: packets of all tracks in, segments out.
///
/// Input: one queue per track. Output: `output`, closed at the end. Goal: whole segments with all
/// tracks in them, whatever one track does; ``Segmenter`` decides, this obeys.
final class MuxStage: @unchecked Sendable {
    // Unchecked: `run` is called once, and everything but the queues is touched on its thread
    // only.
    private let session: Session
    private let inputs: [HandoffQueue<TrackMessage>]
    private let bell: Doorbell
    private let output: HandoffQueue<SinkMessage>
    private let spares: HandoffQueue<MediaBytes>
    private var tracks: [TrackDescription]
    private var parameters: [TrackParameters]
    /// What the tracks become with a later run.
    private var changes: [Change] = []
    private var muxer: FragmentMuxer
    private var segmenter: Segmenter
    private let backlogs: [Backlog]
    private var isOver: [Bool]
    /// The tracks in the segment under way, one bit each.
    private var present: UInt64 = 0
    private var lastArrival: Int64 = 0
    private let absenceLimit: Int64
    /// Taken from one queue before the next is looked at.
    private static let batch = 32
    private static let quiet: Int64 = 2_000_000_000

    private struct Change {
        let start: MediaTime
        let track: Int
        let parameters: TrackParameters
    }

    private final class Backlog {
        var merger: GapMerger
        // A segment and the lag limit at 240 pictures a second are a thousand; the rest is room
        // for sound that waited for the sink.
        var packets = FIFO<EncodedPacket>(limit: 1 << 16)

        init(source: String) {
            merger = GapMerger(source: source)
        }
    }

    /// `inputs` ring `bell`; `spares` holds memory of earlier segments, to be used again.
    init(
        session: Session,
        inputs: [HandoffQueue<TrackMessage>],
        bell: Doorbell,
        output: HandoffQueue<SinkMessage>,
        spares: HandoffQueue<MediaBytes>,
        tracks: [TrackDescription],
        parameters: [TrackParameters],
        muxer: consuming FragmentMuxer,
        segmenter: Segmenter,
        absenceLimit: MediaTime
    ) {
        self.absenceLimit = absenceLimit.nanoseconds
        self.session = session
        self.inputs = inputs
        self.bell = bell
        self.output = output
        self.spares = spares
        self.tracks = tracks
        self.parameters = parameters
        self.muxer = muxer
        self.segmenter = segmenter
        backlogs = tracks.map { Backlog(source: $0.name) }
        isOver = inputs.map { _ in false }
    }

    func run() {
        do throws(LibAVError) {
            output.put(.begin(muxer.takeBytes(), tracks))
            lastArrival = session.clock.now()
            while isOver.contains(false) && !session.isAborted { try serveAll() }
        } catch {
            session.fail(.muxerFailed(error))
        }
        // After a failure or an abort somebody may still wait to put.
        for input in inputs { input.closeAndDiscard() }
        for backlog in backlogs {
            for gap in backlog.merger.flush() { output.put(.gap(gap)) }
        }
        output.close()
    }

    /// Takes what is there, or waits for more.
    private func serveAll() throws(LibAVError) {
        var hasTaken = false
        for track in inputs.indices where !isOver[track] {
            if try serve(track) { hasTaken = true }
        }
        session.endIfAbandoned(limit: absenceLimit)
        let now = session.clock.now()
        if hasTaken {
            lastArrival = now
            return
        }
        if now - lastArrival >= Self.quiet {
            try obey(segmenter.idle(at: session.timeline.now()))
        }
        bell.wait(deadline: now + 1_000_000_000) {
            inputs.indices.contains { !isOver[$0] && inputs[$0].isReady }
        }
    }

    private func serve(_ track: Int) throws(LibAVError) -> Bool {
        for count in 0..<Self.batch {
            switch inputs[track].take(deadline: 0) {
            case .element(let message): try handle(message, of: track)
            case .timedOut: return count > 0
            case .closed:
                isOver[track] = true
                try obey(segmenter.end(track: track))
                return true
            }
        }
        return true
    }

    private func handle(_ message: consuming TrackMessage, of track: Int) throws(LibAVError) {
        switch consume message {
        case .gap(let gap): output.put(.gap(gap))
        case .encoderChanged(let parameters, let start):
            changes.append(Change(start: start, track: track, parameters: parameters))
            segmenter.beginRun(at: start)
        case .packet(let packet):
            let decoding = packet.decoding
            let isKeyFrame = packet.isKeyFrame
            backlogs[track].packets.append(packet)
            try obey(segmenter.add(track: track, decoding: decoding, isKeyFrame: isKeyFrame))
        }
    }

    private func obey(_ actions: [Segmenter.Action]) throws(LibAVError) {
        for action in actions {
            switch action {
            case .beginRun(let start): try beginRun(start)
            case .write(let track, let duration):
                guard var packet = backlogs[track].packets.takeFirst() else { continue }
                packet.duration = duration
                present |= 1 << UInt64(track)
                try muxer.write(packet)
            case .discard(let track):
                discard(track)
            case .emit(let start, let duration): try emit(start, duration)
            }
        }
    }

    private func beginRun(_ start: MediaTime) throws(LibAVError) {
        for change in changes where change.start <= start {
            parameters[change.track] = change.parameters
            let old = tracks[change.track]
            tracks[change.track] = TrackDescription(
                name: old.name,
                kind: old.kind,
                codec: change.parameters.codec
            )
        }
        changes.removeAll { $0.start <= start }
        muxer = try FragmentMuxer(tracks: parameters)
        output.put(.begin(muxer.takeBytes(), tracks))
    }

    private func discard(_ track: Int) {
        guard let packet = backlogs[track].packets.takeFirst() else { return }
        let time = MediaTime(ticks: packet.presentation, of: packet.timeBase)
        session.sources[track].status.countDropped(1)
        session.sources[track].status.countGap()
        if let gap = backlogs[track].merger.add(.late, from: time, to: time, count: 1) {
            output.put(.gap(gap))
        }
    }

    private func emit(_ start: MediaTime, _ duration: MediaTime) throws(LibAVError) {
        try muxer.flushFragment()
        let bytes = muxer.takeBytes(replacingWith: spare())
        output.put(.segment(bytes, start: start, duration: duration, tracks: present))
        present = 0
        for backlog in backlogs {
            for gap in backlog.merger.settled(at: start) { output.put(.gap(gap)) }
        }
    }

    private func spare() -> MediaBytes {
        switch spares.take(deadline: 0) {
        case .element(let bytes): bytes
        case .timedOut: MediaBytes()
        case .closed: MediaBytes()
        }
    }
}
