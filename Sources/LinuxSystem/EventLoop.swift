internal import CSystem
internal import Glibc
private import Synchronization

/// One thread that waits for descriptors, times and finished work, and calls back.
///
/// ## Concurrency model
/// Thread-bound: the loop and everything its handlers touch belong to the thread that runs it, so
/// no state needs a lock. The one thread-safe part is ``mailbox``, through which other threads
/// hand results in. Handlers must not block; blocking work goes to a ``WorkQueue``.
///
/// Times are CLOCK_BOOTTIME nanoseconds, kept by a `timerfd` of that clock, so that a step of the
/// wall clock does nothing to them and a suspend counts.
package final class EventLoop {
    package struct Token: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private struct Watch {
        let token: Token
        var entry: PollEntry
        let handler: (PollEvents) -> Void
    }

    private struct Timer {
        let time: Int64
        let handler: () -> Void
    }

    package let mailbox: Mailbox
    private let clock: Descriptor
    private var watches: [Token: Watch] = [:]
    private var timers: [Token: Timer] = [:]
    private var completions: [UInt64: () -> Void] = [:]
    private var lastNumber: UInt64 = 0
    private var isRunning = false

    package init() throws(SystemError) {
        mailbox = Mailbox(event: try WakeEvent())
        clock = Descriptor(
            adopting: try retrying("timerfd_create") {
                timerfd_create(CLOCK_BOOTTIME, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
            }
        )
    }

    /// Calls `handler` each time the descriptor is ready.
    ///
    /// Errors and hang-ups are always reported.
    package func watch(
        _ descriptor: Int32,
        _ wanted: PollEvents,
        _ handler: @escaping (PollEvents) -> Void
    ) -> Token {
        let token = nextToken()
        watches[token] = Watch(
            token: token,
            entry: PollEntry(descriptor, wanted),
            handler: handler
        )
        return token
    }

    package func change(_ token: Token, _ wanted: PollEvents) {
        watches[token]?.entry.wanted = wanted
    }

    /// Calls `handler` once when CLOCK_BOOTTIME reaches `time` (ns).
    package func schedule(at time: Int64, _ handler: @escaping () -> Void) -> Token {
        let token = nextToken()
        timers[token] = Timer(time: time, handler: handler)
        return token
    }

    package func schedule(after nanoseconds: Int64, _ handler: @escaping () -> Void) -> Token {
        schedule(at: Clock.bootTime.now() + nanoseconds, handler)
    }

    /// Ends a watch or a timer; its handler is not called again.
    ///
    /// Unknown tokens are ignored.
    package func cancel(_ token: Token) {
        watches[token] = nil
        timers[token] = nil
    }

    /// Keeps `handler` until the number it returns is posted to ``mailbox``.
    func expect(_ handler: @escaping () -> Void) -> UInt64 {
        let token = nextToken()
        completions[token.number] = handler
        return token.number
    }

    package func stop() { isRunning = false }

    /// Runs until ``stop()``; afterwards no watch, timer or completion is left.
    package func run() throws(SystemError) {
        isRunning = true
        // Handlers hold what they serve, which may hold the loop: let go of all of them.
        defer {
            watches = [:]
            timers = [:]
            completions = [:]
        }
        while isRunning { try turn() }
    }

    /// Waits once for whatever comes and calls its handlers.
    package func turn() throws(SystemError) {
        try setClock()
        let current = Array(watches.values)
        var entries = current.map(\.entry)
        entries.append(PollEntry(clock.raw, .readable))
        entries.append(PollEntry(mailbox.event.raw, .readable))
        _ = try entries.poll(deadline: nil)
        // Clients last: the end of a session must not wait behind a busy one. Before the times what
        // has finished, so that nothing counts as overdue that is here.
        for number in mailbox.take() { completions.removeValue(forKey: number)?() }
        fireTimers()
        for (index, watch) in current.enumerated() where !entries[index].returned.isEmpty {
            // A handler before this one may have ended the watch.
            guard watches[watch.token] != nil else { continue }
            watch.handler(entries[index].returned)
        }
    }

    private func setClock() throws(SystemError) {
        // A time in the past fires at once; all zero would switch the timer off.
        let next = timers.values.map(\.time).min().map { max($0, 1) } ?? 0
        var setting = itimerspec()
        setting.it_value.tv_sec = Int(next / 1_000_000_000)
        setting.it_value.tv_nsec = Int(next % 1_000_000_000)
        let raw = clock.raw
        _ = try retrying("timerfd_settime") {
            timerfd_settime(raw, Int32(TFD_TIMER_ABSTIME), &setting, nil)
        }
    }

    private func fireTimers() {
        let now = Clock.bootTime.now()
        let due = timers.filter { $0.value.time <= now }.sorted { $0.value.time < $1.value.time }
        for (token, _) in due {
            // A handler before this one may have cancelled the timer.
            timers.removeValue(forKey: token)?.handler()
        }
    }

    private func nextToken() -> Token {
        lastNumber += 1
        return Token(number: lastNumber)
    }
}

/// Where other threads tell an ``EventLoop`` that something has finished.
///
/// Thread-safe.
package final class Mailbox: Sendable {
    fileprivate let event: WakeEvent
    private let finished = Mutex<[UInt64]>([])

    fileprivate init(event: WakeEvent) {
        self.event = event
    }

    fileprivate func take() -> [UInt64] {
        event.clear()
        return finished.withLock { list in
            defer { list = [] }
            return list
        }
    }

    func post(_ number: UInt64) {
        finished.withLock { $0.append(number) }
        event.signal()
    }
}
