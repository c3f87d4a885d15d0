/// The clock of a world, and what happens when: no one sleeps, time goes on to the next event.
///
/// Nanoseconds since the world began.
final class Schedule {
    /// What cannot happen while it happens already: a thread's work.
    enum Lane: Hashable { case none, loop, disk, recorder, uploader }

    private struct Event {
        let time: Int64
        let order: Int
        let lane: Lane
        let action: () -> Void
    }

    private(set) var now: Int64 = 0
    private var events: [Event] = []
    private var count = 0
    private var busy: Set<Lane> = []

    func after(_ nanoseconds: Int64, _ lane: Lane = .none, _ action: @escaping () -> Void) {
        count += 1
        let event = Event(time: now + nanoseconds, order: count, lane: lane, action: action)
        let place = events.lastIndex { ($0.time, $0.order) < (event.time, event.order) }
        events.insert(event, at: place.map { $0 + 1 } ?? 0)
    }

    /// Forgets what was to happen.
    func clear() { events = [] }

    /// Lets the next event happen whose lane is free; false when there is none before `limit`.
    @discardableResult
    func step(until limit: Int64 = .max) -> Bool {
        guard let index = events.firstIndex(where: { !busy.contains($0.lane) }),
            events[index].time <= limit
        else { return false }
        let event = events.remove(at: index)
        now = max(now, event.time)
        if event.lane != .none { busy.insert(event.lane) }
        event.action()
        busy.remove(event.lane)
        return true
    }
}
