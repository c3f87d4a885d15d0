internal import MediaTime

/// Makes one gap out of many small ones of the same reason, so that a source which loses every
/// second picture does not fill the recording's log.
///
/// Gaps less than a second apart become one, up to ten seconds long.
struct GapMerger {
    private let source: String
    private var pending: [LessonGap] = []
    private static let quiet = MediaTime.seconds(1)
    private static let longest = MediaTime.seconds(10)

    init(source: String) {
        self.source = source
    }

    /// Notes a gap; gives one that is complete, if any.
    mutating func add(_ reason: GapReason, from: MediaTime, to: MediaTime, count: Int) -> LessonGap?
    {
        let new = LessonGap(source: source, reason: reason, from: from, to: to, count: count)
        guard let index = pending.firstIndex(where: { $0.reason == reason }) else {
            pending.append(new)
            return nil
        }
        let old = pending[index]
        guard from - old.to < Self.quiet, to - old.from <= Self.longest else {
            pending[index] = new
            return old
        }
        pending[index] = LessonGap(
            source: source,
            reason: reason,
            from: min(old.from, from),
            to: max(old.to, to),
            count: old.count + count
        )
        return nil
    }

    /// Gaps to which nothing was added for a second before `time`.
    mutating func settled(at time: MediaTime) -> [LessonGap] {
        let done = pending.filter { time - $0.to >= Self.quiet }
        if !done.isEmpty { pending.removeAll { time - $0.to >= Self.quiet } }
        return done
    }

    /// What is left at the end.
    mutating func flush() -> [LessonGap] {
        defer { pending = [] }
        return pending
    }
}
