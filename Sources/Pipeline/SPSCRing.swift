internal import Synchronization

/// A fixed number of small integers on their way from one thread to another, without a lock.
///
/// Capture threads pass the indices of buffers through it; what lies in a buffer before the push
/// is visible after the pop.
///
/// # Concurrency model
/// One thread pushes, one pops. The pushing thread may also evict the oldest element, so that the
/// newest finds room: it then competes with the popping thread for it, and exactly one gets it.
/// No call blocks, allocates or makes a system call.
///
/// Memory order: `tail` is stored with release after the slot and loaded with acquire before it,
/// so an element is complete when it is seen. `head` moves by compare-and-exchange with release
/// after the slot was read and is loaded with acquire before the slot is written again, so a slot
/// is never overwritten under a reader. Both only grow, so that a stale exchange always fails.
package final class SPSCRing: @unchecked Sendable {
    // Unchecked: `slots` is set once, and its elements are atomics.
    private let slots: UnsafeMutablePointer<Atomic<Int>>
    private let mask: Int
    private let head = CacheLine()
    private let tail = CacheLine()

    package let capacity: Int

    /// `capacity` is rounded up to a power of two.
    package init(capacity: Int) {
        var size = 1
        while size < capacity { size *= 2 }
        self.capacity = size
        mask = size - 1
        slots = .allocate(capacity: size)
        for index in 0..<size { (slots + index).initialize(to: Atomic(0)) }
    }

    deinit {
        slots.deinitialize(count: capacity)
        slots.deallocate()
    }

    /// False when there is no room (pushing thread only).
    package func push(_ element: Int) -> Bool {
        let next = tail.value.load(ordering: .relaxed)
        guard next - head.value.load(ordering: .acquiring) < capacity else { return false }
        slots[next & mask].store(element, ordering: .relaxed)
        tail.value.store(next + 1, ordering: .releasing)
        return true
    }

    /// The oldest element, or nil (popping thread only).
    package func pop() -> Int? { takeOldest() }

    /// Takes the oldest element back, or nil (pushing thread only).
    package func evictOldest() -> Int? { takeOldest() }

    /// Exact on the popping thread when nothing is evicted, else an instant's impression.
    package var isEmpty: Bool {
        head.value.load(ordering: .acquiring) == tail.value.load(ordering: .acquiring)
    }

    /// An instant's impression from any thread.
    package var count: Int {
        let first = head.value.load(ordering: .acquiring)
        return max(0, tail.value.load(ordering: .acquiring) - first)
    }

    private func takeOldest() -> Int? {
        while true {
            let first = head.value.load(ordering: .acquiring)
            guard first != tail.value.load(ordering: .acquiring) else { return nil }
            let element = slots[first & mask].load(ordering: .relaxed)
            let (isMine, _) = head.value.compareExchange(
                expected: first,
                desired: first + 1,
                ordering: .acquiringAndReleasing
            )
            if isMine { return element }
        }
    }
}

/// A counter in a heap object of its own, so that the two threads do not share a cache line.
private final class CacheLine: Sendable {
    let value = Atomic<Int>(0)
    private let padding: (Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0)
}
