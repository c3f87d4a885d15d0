internal import MediaTime
internal import Synchronization

/// The counters of one source.
///
/// Thread-safe, with relaxed order, since each stands for itself.
/// `delivered`, `lost`, `damaged` and the times are written by the capture thread, `gaps` by the
/// encode thread, `committed` by the write thread.
final class SourceStatus: Sendable {
    let name: String
    private let state = Atomic<Int>(SourceHealth.State.opening.rawValue)
    private let delivered = Atomic<Int>(0)
    private let dropped = Atomic<Int>(0)
    private let lost = Atomic<Int>(0)
    private let damaged = Atomic<Int>(0)
    private let gaps = Atomic<Int>(0)
    private let first = Atomic<Int64>(Int64.min)
    private let last = Atomic<Int64>(Int64.min)
    private let committed = Atomic<Int64>(0)

    init(name: String) {
        self.name = name
    }

    func enter(_ new: SourceHealth.State) {
        state.store(new.rawValue, ordering: .relaxed)
    }

    /// Moves from one state to another; does nothing in any third.
    func move(from old: SourceHealth.State, to new: SourceHealth.State) {
        _ = state.compareExchange(
            expected: old.rawValue,
            desired: new.rawValue,
            ordering: .relaxed
        )
    }

    func countDelivered(_ count: Int, at timestamp: Int64) {
        delivered.add(count, ordering: .relaxed)
        last.store(timestamp, ordering: .relaxed)
        if first.load(ordering: .relaxed) == .min { first.store(timestamp, ordering: .relaxed) }
    }

    func countDropped(_ count: Int) { dropped.add(count, ordering: .relaxed) }
    func countLost(_ count: Int) { lost.add(count, ordering: .relaxed) }
    func countDamaged(_ count: Int) { damaged.add(count, ordering: .relaxed) }
    func countGap() { gaps.add(1, ordering: .relaxed) }
    func commit(to end: MediaTime) { committed.store(end.nanoseconds, ordering: .relaxed) }

    /// When the first picture or sample was taken (CLOCK_MONOTONIC, ns).
    var firstTimestamp: Int64? { known(first.load(ordering: .relaxed)) }

    /// Whether the device is neither failed nor closed.
    var isAlive: Bool {
        let current = SourceHealth.State(rawValue: state.load(ordering: .relaxed))
        return current != .failed && current != .closed
    }

    var health: SourceHealth {
        SourceHealth(
            name: name,
            state: SourceHealth.State(rawValue: state.load(ordering: .relaxed)) ?? .closed,
            delivered: delivered.load(ordering: .relaxed),
            dropped: dropped.load(ordering: .relaxed),
            lost: lost.load(ordering: .relaxed),
            damaged: damaged.load(ordering: .relaxed),
            gaps: gaps.load(ordering: .relaxed),
            lastTimestamp: known(last.load(ordering: .relaxed)),
            committed: MediaTime(nanoseconds: committed.load(ordering: .relaxed))
        )
    }

    private func known(_ time: Int64) -> Int64? { time == .min ? nil : time }
}
