internal import LinuxSystem
internal import MediaTime
internal import Synchronization

/// Where the lesson's first instant lies on CLOCK_MONOTONIC.
///
/// It is the capture time of the last source's first picture or sample: from then on every track
/// has something to show, and what the others took before is left out. A source that opened and
/// delivers nothing is waited for until `startLimit` after the start of capture; one that failed,
/// not at all. Once decided it never changes.
///
/// Thread-safe; asked by the encode threads.
final class Timeline: Sendable {
    private let sources: [SourceStatus]
    private let decided = Atomic<Int64>(Int64.min)
    private let latest = Atomic<Int64>(Int64.max)

    private let clock: any WaitingClock

    init(_ sources: [SourceStatus], clock: any WaitingClock) {
        self.sources = sources
        self.clock = clock
    }

    /// Capture began; decides without silent sources when CLOCK_MONOTONIC shows `limit` (ns).
    func begin(limit: Int64) {
        latest.store(limit, ordering: .relaxed)
    }

    /// The first instant (CLOCK_MONOTONIC, ns) if it is decided by now.
    var zero: Int64? {
        let known = decided.load(ordering: .acquiring)
        return known == .min ? nil : known
    }

    /// Decides the first instant if it can be.
    func decide() -> Int64? {
        if let zero { return zero }
        let isLate = clock.now() >= latest.load(ordering: .relaxed)
        let isComplete = sources.allSatisfy { $0.firstTimestamp != nil || !$0.isAlive }
        guard isLate || isComplete, let last = sources.compactMap(\.firstTimestamp).max() else {
            return nil
        }
        let (_, original) = decided.compareExchange(
            expected: .min,
            desired: last,
            ordering: .acquiringAndReleasing
        )
        return original == .min ? last : original
    }

    /// The instant of the lesson that CLOCK_MONOTONIC shows now.
    func now() -> MediaTime {
        zero.map { MediaTime(nanoseconds: clock.now() - $0) } ?? .zero
    }
}
