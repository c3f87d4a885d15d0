internal import Synchronization

/// Numbers of buffers that nobody uses, the last one given back first, without a lock.
///
/// So the same few buffers go round while nothing is late, and the others' memory is never touched.
///
/// # Concurrency model
/// Any thread pushes, one pops. No call blocks, allocates or makes a system call. What lies in a
/// buffer before the push is visible after the pop: `top` moves with release and is loaded with
/// acquire. Only the popping thread takes elements away, so that what lies below the top it saw
/// cannot have changed when its exchange succeeds.
package final class FreeList: @unchecked Sendable {
    // Unchecked: `below` is set once, and its elements are atomics.
    private let below: UnsafeMutablePointer<Atomic<Int>>
    private let count: Int
    private let top = Atomic<Int>(none)
    private static let none = -1

    /// An empty list for the numbers from 0 to `count` − 1.
    package init(count: Int) {
        self.count = count
        below = .allocate(capacity: count)
        for index in 0..<count { (below + index).initialize(to: Atomic(Self.none)) }
    }

    deinit {
        below.deinitialize(count: count)
        below.deallocate()
    }

    /// Puts a number on top that is not in the list.
    package func push(_ element: Int) {
        precondition(element >= 0 && element < count)
        var seen = top.load(ordering: .relaxed)
        while true {
            below[element].store(seen, ordering: .relaxed)
            let (isDone, current) = top.compareExchange(
                expected: seen,
                desired: element,
                successOrdering: .acquiringAndReleasing,
                failureOrdering: .relaxed
            )
            if isDone { return }
            seen = current
        }
    }

    /// The number on top, or nil (popping thread only).
    package func pop() -> Int? {
        var seen = top.load(ordering: .acquiring)
        while seen != Self.none {
            let (isMine, current) = top.compareExchange(
                expected: seen,
                desired: below[seen].load(ordering: .relaxed),
                successOrdering: .acquiringAndReleasing,
                failureOrdering: .acquiring
            )
            if isMine { return seen }
            seen = current
        }
        return nil
    }

    /// An instant's impression.
    package var isEmpty: Bool { top.load(ordering: .acquiring) == Self.none }
}
