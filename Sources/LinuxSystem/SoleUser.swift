internal import Synchronization

/// Traps when two threads are inside an object that belongs to one thread at a time.
///
/// It makes the word *thread-bound* checkable: a class whose calls are all bracketed by
/// ``enter()`` and ``leave()`` has no two of them running at once, and what one thread wrote
/// is seen by the next.
package struct SoleUser: ~Copyable, Sendable {
    private let isInside = Atomic<Bool>(false)

    package init() {}

    package borrowing func enter() {
        let wasInside = isInside.exchange(true, ordering: .acquiring)
        precondition(!wasInside, "a thread-bound object was used from two threads at once")
    }

    package borrowing func leave() {
        isInside.store(false, ordering: .releasing)
    }
}
