internal import MediaTime
internal import Synchronization

/// The counters of one source.
///
/// Thread-safe, with relaxed order, since each stands for itself.
/// `delivered`, `lost`, `damaged` and the times are written by the capture thread, `gaps` and
/// what is said of the clock by the encode thread, `committed` by the write thread.
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
    private let timesEstimated = Atomic<Int>(0)
    /// Parts per billion and nanoseconds; `Int64.min` when not known.
    private let drift = Atomic<Int64>(Int64.min)
    private let offset = Atomic<Int64>(Int64.min)
    private let isLost = Atomic<Bool>(false)
    private let isSilent = Atomic<Bool>(false)

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

    /// The device failed or is not there, from now until it delivers.
    func lose() {
        isLost.store(true, ordering: .relaxed)
        enter(.failed)
    }

    /// Whether the device is lost and has not delivered since.
    var isAway: Bool { isLost.load(ordering: .relaxed) }

    func countDelivered(_ count: Int, at timestamp: Int64) {
        if isAway {
            isLost.store(false, ordering: .relaxed)
            enter(.running)
        }
        delivered.add(count, ordering: .relaxed)
        last.store(timestamp, ordering: .relaxed)
        if first.load(ordering: .relaxed) == .min { first.store(timestamp, ordering: .relaxed) }
    }

    func countDropped(_ count: Int) { dropped.add(count, ordering: .relaxed) }
    func countLost(_ count: Int) { lost.add(count, ordering: .relaxed) }
    func countDamaged(_ count: Int) { damaged.add(count, ordering: .relaxed) }
    func countGap() { gaps.add(1, ordering: .relaxed) }
    func commit(to end: MediaTime) { committed.store(end.nanoseconds, ordering: .relaxed) }

    /// How many times of capture were estimates, since the driver's could not be true.
    var estimated: Int { timesEstimated.load(ordering: .relaxed) }
    func setEstimated(_ count: Int) { timesEstimated.store(count, ordering: .relaxed) }

    /// How the microphone's clock runs: parts per billion, and nanoseconds of its sound's place.
    func setClock(drift: Int64?, offset: Int64) {
        self.drift.store(drift ?? .min, ordering: .relaxed)
        self.offset.store(offset, ordering: .relaxed)
    }

    /// Whether the microphone gives nothing but zeros.
    func setSilent(_ value: Bool) { isSilent.store(value, ordering: .relaxed) }

    /// When the latest picture or sample was taken (CLOCK_MONOTONIC, ns).
    var lastTimestamp: Int64? { known(last.load(ordering: .relaxed)) }

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
            estimated: estimated,
            drift: known(drift.load(ordering: .relaxed)),
            offset: known(offset.load(ordering: .relaxed)).map(MediaTime.init(nanoseconds:)),
            checks: checks,
            lastTimestamp: lastTimestamp,
            committed: MediaTime(nanoseconds: committed.load(ordering: .relaxed))
        )
    }

    private var checks: [SourceHealth.Check] {
        (isSilent.load(ordering: .relaxed) ? [.noSignal] : []) + (estimated > 0 ? [.times] : [])
    }

    private func known(_ time: Int64) -> Int64? { time == .min ? nil : time }
}
