internal import LibAV
internal import MediaTime
internal import Pipeline
internal import Synchronization

/// The write thread: the only one that calls the sink, and the one that knows what is committed.
final class WriteStage: Sendable {
    private let session: Session
    private let input: HandoffQueue<SinkMessage>
    private let spares: HandoffQueue<MediaBytes>
    private let sink: any LessonSink
    private let committed = Atomic<Int64>(0)
    private let segments = Atomic<Int>(0)
    private let bytes = Atomic<Int>(0)

    init(
        session: Session,
        input: HandoffQueue<SinkMessage>,
        spares: HandoffQueue<MediaBytes>,
        sink: any LessonSink
    ) {
        self.session = session
        self.input = input
        self.spares = spares
        self.sink = sink
    }

    /// The end of the last segment that the sink has taken.
    var committedTime: MediaTime { MediaTime(nanoseconds: committed.load(ordering: .relaxed)) }
    var segmentCount: Int { segments.load(ordering: .relaxed) }
    var byteCount: Int { bytes.load(ordering: .relaxed) }

    func run() {
        do throws(LessonSinkError) {
            while true {
                switch input.take() {
                case .element(let message): try pass(message)
                case .timedOut: continue
                case .closed: return
                }
            }
        } catch {
            input.closeAndDiscard()
            session.fail(.sinkFailed(error))
        }
    }

    private func pass(_ message: consuming SinkMessage) throws(LessonSinkError) {
        switch consume message {
        case .gap(let gap): try sink.gap(gap)
        case .begin(let initSegment, let tracks):
            try initSegment.withUnsafeBytes { (content) throws(LessonSinkError) in
                try sink.begin(initSegment: content, tracks: tracks)
            }
            bytes.add(initSegment.count, ordering: .relaxed)
        case .segment(let content, let start, let duration, let tracks):
            try content.withUnsafeBytes { (content) throws(LessonSinkError) in
                try sink.segment(bytes: content, start: start, duration: duration)
            }
            commit(content.count, to: start + duration, tracks)
            spares.put(content)
        }
    }

    private func commit(_ count: Int, to end: MediaTime, _ tracks: UInt64) {
        bytes.add(count, ordering: .relaxed)
        segments.add(1, ordering: .relaxed)
        committed.store(end.nanoseconds, ordering: .relaxed)
        for (track, source) in session.sources.enumerated() where tracks & 1 << UInt64(track) != 0 {
            source.status.commit(to: end)
        }
    }
}
