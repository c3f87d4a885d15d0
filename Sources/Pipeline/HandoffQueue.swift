/// A bounded queue between worker threads that may block.
///
/// # Concurrency model
/// Thread-safe, any number of threads on both sides; elements change owner and arrive in the order
/// of the puts. After ``close()`` puts are refused and takes give what is left.
package final class HandoffQueue<Element: ~Copyable & Sendable>: @unchecked Sendable {
    // Unchecked: the variables are touched under the lock of `condition` only.
    private let condition = Condition()
    private var elements: FIFO<Element>
    private var isClosed = false
    private var displaced = 0
    private let overflow: Overflow
    private let bell: Doorbell?

    /// What a put does when the queue is full.
    package enum Overflow: Sendable {
        /// The new element goes.
        case refuse
        /// The oldest element goes, and is counted.
        case dropOldest
        /// The putting thread waits for room.
        case wait
    }

    /// What became of an element that was put.
    package enum PutOutcome: Hashable, Sendable {
        case accepted
        /// No room; the element is gone.
        case refused
        /// Accepted, and the oldest one is gone.
        case displacedOldest
        /// The queue is closed; the element is gone.
        case closed
    }

    /// What a take came to.
    package enum TakeOutcome: ~Copyable {
        case element(Element)
        /// Nothing came until the deadline.
        case timedOut
        /// The queue is closed and nothing is left.
        case closed
    }

    /// - Parameters:
    ///   - capacity: the most elements in the queue.
    ///   - overflow: what a put does when there are so many.
    ///   - bell: rung after each put and at the close, for a thread that serves several queues.
    package init(capacity: Int, overflow: Overflow, bell: Doorbell? = nil) {
        elements = FIFO(limit: capacity)
        self.overflow = overflow
        self.bell = bell
    }

    /// Hands over `element`; blocks only under ``Overflow/wait``, until there is room or a close.
    @discardableResult
    package func put(_ element: consuming Element) -> PutOutcome {
        condition.lock()
        while elements.isFull && overflow == .wait && !isClosed {
            _ = condition.wait(deadline: nil)
        }
        let outcome = outcomeOfPut()
        if outcome == .displacedOldest {
            _ = elements.takeFirst()
            displaced += 1
        }
        if outcome == .accepted || outcome == .displacedOldest {
            elements.append(element)
            condition.wakeAll()
        }
        condition.unlock()
        bell?.ring()
        return outcome
    }

    /// The oldest element, waiting for it until CLOCK_MONOTONIC shows `deadline` (ns; nil: for
    /// ever; a past time: not at all).
    package func take(deadline: Int64? = nil) -> TakeOutcome {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let element = elements.takeFirst() {
                condition.wakeAll()
                return .element(element)
            }
            if isClosed { return .closed }
            if !condition.wait(deadline: deadline) && elements.isEmpty {
                return isClosed ? .closed : .timedOut
            }
        }
    }

    /// Ends the queue: nothing more goes in; what is in it can still be taken.
    package func close() {
        condition.lock()
        isClosed = true
        condition.wakeAll()
        condition.unlock()
        bell?.ring()
    }

    /// Ends the queue and destroys what is in it.
    package func closeAndDiscard() {
        condition.lock()
        isClosed = true
        while elements.takeFirst() != nil {}
        condition.wakeAll()
        condition.unlock()
        bell?.ring()
    }

    package var count: Int {
        condition.lock()
        defer { condition.unlock() }
        return elements.count
    }

    /// Whether a take would return at once, with an element or because of the close.
    package var isReady: Bool {
        condition.lock()
        defer { condition.unlock() }
        return isClosed || !elements.isEmpty
    }

    /// How many elements ``Overflow/dropOldest`` cost so far.
    package var displacedCount: Int {
        condition.lock()
        defer { condition.unlock() }
        return displaced
    }

    private func outcomeOfPut() -> PutOutcome {
        if isClosed { return .closed }
        if !elements.isFull { return .accepted }
        return overflow == .dropOldest ? .displacedOldest : .refused
    }
}
