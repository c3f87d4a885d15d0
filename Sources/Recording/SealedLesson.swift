package import Age
package import CryptoPrimitives
internal import LinuxSystem
package import MediaTime
package import Spool
internal import Synchronization

/// Seals each object of a lesson to its recipient, writes it to the spool, and reports its leaf.
///
/// The rule: a leaf is reported only after the file that it names is durable. Plaintext never
/// leaves memory; what reaches the disk is one age file an object.
///
/// Called on the lesson's write thread only, and by the lesson's owner after that thread ended;
/// the lock is for the compiler, nobody waits for it.
package final class SealedLesson: LessonSink {
    private struct State: Sendable {
        var nextObject = 0
        var segments: Int64 = 0
    }

    private let recipient: AgeRecipient
    private let writer: ObjectWriter
    /// Bytes below which the lesson ends, so that its end still fits.
    private let lowWater: Int
    private let report: @Sendable (Leaf) throws(LessonSinkError) -> Void
    private let state = Mutex(State())

    package init(
        recipient: AgeRecipient,
        writer: consuming ObjectWriter,
        lowWater: Int,
        report: @escaping @Sendable (Leaf) throws(LessonSinkError) -> Void
    ) {
        self.recipient = recipient
        self.writer = writer
        self.lowWater = lowWater
        self.report = report
    }

    package func begin(
        initSegment: UnsafeRawBufferPointer,
        tracks: [TrackDescription]
    )
        throws(LessonSinkError)
    {
        let number = takeNumber()
        let object = try write(SpoolName.initial(number), initSegment)
        try report(.run(initial: object, tracks: tracks.map { Leaf.Track($0) }))
    }

    package func segment(
        bytes: UnsafeRawBufferPointer,
        start: MediaTime,
        duration: MediaTime
    )
        throws(LessonSinkError)
    {
        let number = takeNumber()
        let object = try write(SpoolName.media(number), bytes)
        try report(
            .segment(object, start: start.nanoseconds, duration: duration.nanoseconds)
        )
        state.withLock { $0.segments += 1 }
        try requireSpace()
    }

    package func gap(_ gap: LessonGap) throws(LessonSinkError) {
        try report(
            .gap(
                source: gap.source,
                reason: gap.reason.rawValue,
                from: max(0, gap.from.nanoseconds),
                to: max(0, gap.to.nanoseconds)
            )
        )
    }

    /// Seals the summary and reports the lesson's end.
    package func end(reason: String, time: Int64, summary: CanonicalJSON) throws(LessonSinkError) {
        let object = try summary.bytes.span.withUnsafeBytes { (bytes) throws(LessonSinkError) in
            try write(SpoolName.summary, bytes)
        }
        let segments = state.withLock { $0.segments }
        try report(.end(reason: reason, time: time, segments: segments, summary: object))
    }

    private func takeNumber() -> Int {
        state.withLock { state in
            defer { state.nextObject += 1 }
            return state.nextObject
        }
    }

    private func write(
        _ name: String,
        _ plaintext: UnsafeRawBufferPointer
    )
        throws(LessonSinkError) -> Leaf.Object
    {
        do {
            return try writer.write(name, try Age.seal(plaintext, to: [recipient]))
        } catch let error as SpoolError {
            throw LessonSinkError(
                "\(name): \(error)",
                recovery: error.recovery,
                isNoSpace: error.isNoSpace
            )
        } catch {
            throw LessonSinkError("\(name) could not be sealed: \(error)", recovery: .endSession)
        }
    }

    private func requireSpace() throws(LessonSinkError) {
        let available: Int
        do throws(SpoolError) {
            available = try writer.available()
        } catch {
            throw LessonSinkError("\(error)", recovery: error.recovery)
        }
        guard available >= lowWater else {
            throw LessonSinkError(
                "the disk is nearly full (\(available) bytes are free)",
                recovery: .endSession,
                isNoSpace: true
            )
        }
    }
}

extension Leaf.Track {
    init(_ track: TrackDescription) {
        let kind =
            switch track.kind {
            case .video: "video"
            case .sound: "audio"
            }
        self.init(source: track.name, kind: kind)
    }
}

extension LessonSummary {
    /// `summary.json`: counts, checks and clock of each source.
    ///
    /// Times are nanoseconds of the lesson. A microphone's clock is `fast` or `slow` by parts per
    /// billion, and its sound was `early` or `late` by nanoseconds at the end.
    package var document: CanonicalJSON {
        .object([
            "bytes": .integer(Int64(health.bytes)),
            "committed": .integer(health.committed.nanoseconds),
            "failure": .string(failure.map { "\($0)".filter(\.isASCII) } ?? ""),
            "segments": .integer(Int64(health.segments)),
            "sources": .array(
                health.sources.map { .object($0.members) }
            ),
        ])
    }
}

extension SourceHealth {
    fileprivate var members: [String: CanonicalJSON] {
        var members: [String: CanonicalJSON] = [
            "checks": .array(checks.map { .string($0.rawValue) }),
            "damaged": .integer(Int64(damaged)),
            "delivered": .integer(Int64(delivered)),
            "dropped": .integer(Int64(dropped)),
            "estimated": .integer(Int64(estimated)),
            "gaps": .integer(Int64(gaps)),
            "lost": .integer(Int64(lost)),
            "name": .string(name),
        ]
        // Canonical JSON has no negative numbers.
        if let drift { members[drift < 0 ? "slow" : "fast"] = .integer(abs(drift)) }
        if let offset = offset?.nanoseconds {
            members[offset < 0 ? "early" : "late"] = .integer(abs(offset))
        }
        return members
    }
}
