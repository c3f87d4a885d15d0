private import Synchronization

/// A named thread that does blocking work in order, for an ``EventLoop`` that must not block.
///
/// ## Concurrency model
/// ``perform(_:then:)`` is called on the loop's thread; `work` runs on the queue's thread, one
/// piece at a time in the order given; `then` runs on the loop's thread with the result. The queue
/// is bounded by its callers: each has at most one piece in flight per session or client.
package final class WorkQueue {
    private final class Result<Value: Sendable>: Sendable {
        let value = Mutex<Value?>(nil)
    }

    private final class Backlog: Sendable {
        struct State {
            var waiting: [@Sendable () -> Void] = []
            var isClosed = false
        }

        let state = Mutex<State>(State())
        let event: WakeEvent

        init() throws(SystemError) { event = try WakeEvent() }

        func next() -> (@Sendable () -> Void)? {
            while true {
                let (work, isClosed) = state.withLock { state in
                    (state.waiting.isEmpty ? nil : state.waiting.removeFirst(), state.isClosed)
                }
                if let work { return work }
                if isClosed { return nil }
                var entries = [PollEntry(event.raw, .readable)]
                // The eventfd is this queue's own; poll on it cannot fail but for bugs.
                _ = try? entries.poll(deadline: nil)
                event.clear()
            }
        }
    }

    private let loop: EventLoop
    private let backlog: Backlog
    private let thread: NamedThread

    package init(_ name: String, loop: EventLoop) throws(SystemError) {
        self.loop = loop
        let backlog = try Backlog()
        self.backlog = backlog
        thread = try NamedThread(name) {
            while let work = backlog.next() { work() }
        }
    }

    /// Runs `work` on the queue's thread, then `then` with its result on the loop's thread.
    package func perform<Value: Sendable>(
        _ work: @escaping @Sendable () -> Value,
        then: @escaping (Value) -> Void
    ) {
        let result = Result<Value>()
        let number = loop.expect {
            guard let value = result.value.withLock({ $0 }) else { return }
            then(value)
        }
        let mailbox = loop.mailbox
        add {
            let value = work()
            result.value.withLock { $0 = value }
            mailbox.post(number)
        }
    }

    private func add(_ work: @escaping @Sendable () -> Void) {
        backlog.state.withLock { $0.waiting.append(work) }
        backlog.event.signal()
    }

    /// Finishes what is queued and ends the thread.
    ///
    /// Results of that work are not delivered.
    package func close() {
        backlog.state.withLock { $0.isClosed = true }
        backlog.event.signal()
        thread.join()
    }
}
