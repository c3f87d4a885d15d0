package import LinuxSystem
internal import Synchronization

/// A clock that goes on only when every thread that works by it waits, and then to the next time
/// that one of them waits for: hours pass as fast as the machine does their work.
///
/// Whoever makes one has entered it, sleeps by ``sleep(seconds:)``, and leaves before it waits for
/// a thread's end. Nothing is ever late by this clock, so overload cannot be tested with it.
package final class SimulatedClock: WaitingClock {
    private struct Waiter: Sendable {
        let entries: [PollEntry]
        let deadline: Int64?
        let event: WakeEvent

        var isReady: Bool {
            var entries = entries
            return (try? entries.poll(deadline: 0)) != 0
        }
    }

    private struct State: Sendable {
        var now: Int64
        var threads = 1
        var waiters: [Int: Waiter] = [:]
        var nextNumber = 0
        var spareEvents: [WakeEvent] = []
    }

    private let state: Mutex<State>
    private let time: Atomic<Int64>

    package init(at start: Int64 = 1_000_000_000_000) {
        state = Mutex(State(now: start))
        time = Atomic(start)
    }

    package func now() -> Int64 { time.load(ordering: .sequentiallyConsistent) }

    package func enter() { state.withLock { $0.threads += 1 } }

    package func leave() {
        state.withLock { state in
            state.threads -= 1
            advance(&state)
        }
    }

    package func sleep(seconds: Double) {
        let end = now() + Int64(seconds * 1_000_000_000)
        while now() < end { _ = try? wait(.init(start: nil, count: 0), deadline: end) }
    }

    package func wait(
        _ entries: UnsafeMutableBufferPointer<PollEntry>,
        deadline: Int64?
    )
        throws(SystemError) -> Int
    {
        var number: Int?
        while true {
            let ready = try poll(entries, deadline: 0)
            let event: WakeEvent? = state.withLock { state in
                if ready > 0 || deadline.map({ $0 <= state.now }) ?? false {
                    if let number, let gone = state.waiters.removeValue(forKey: number) {
                        gone.event.clear()
                        state.spareEvents.append(gone.event)
                    }
                    return nil
                }
                return wait(as: &number, Array(entries), deadline, &state)
            }
            guard let event else { return ready }
            var all = Array(entries) + [PollEntry(event.raw, .readable)]
            _ = try all.poll(deadline: nil)
            event.clear()
        }
    }

    private func wait(
        as number: inout Int?,
        _ entries: [PollEntry],
        _ deadline: Int64?,
        _ state: inout State
    ) -> WakeEvent? {
        if number == nil {
            guard let event = state.spareEvents.popLast() ?? (try? WakeEvent()) else {
                fatalError("no descriptor is left")
            }
            number = state.nextNumber
            state.waiters[state.nextNumber] = Waiter(
                entries: entries,
                deadline: deadline,
                event: event
            )
            state.nextNumber += 1
        }
        advance(&state)
        return number.flatMap { state.waiters[$0]?.event }
    }

    /// Goes on to the next deadline when nobody has anything to do before.
    private func advance(_ state: inout State) {
        guard state.waiters.count >= state.threads, !state.waiters.isEmpty else { return }
        let isDue = state.waiters.values.contains { waiter in
            waiter.deadline.map { $0 <= state.now } ?? false
        }
        guard !isDue, !state.waiters.values.contains(where: \.isReady) else { return }
        guard let next = state.waiters.values.compactMap(\.deadline).min() else { return }
        state.now = next
        time.store(next, ordering: .sequentiallyConsistent)
        for waiter in state.waiters.values where waiter.deadline.map({ $0 <= next }) ?? false {
            waiter.event.signal()
        }
    }
}
