/// A queue in one piece of memory, for elements that have one owner.
///
/// Thread-bound. Grows by doubling up to `limit` elements and never shrinks.
package struct FIFO<Element: ~Copyable>: ~Copyable {
    private var storage: UnsafeMutablePointer<Element>
    private var capacity: Int
    private var first = 0
    package private(set) var count = 0
    /// The most elements it takes.
    package let limit: Int

    package init(limit: Int) {
        precondition(limit > 0)
        self.limit = limit
        capacity = min(limit, 8)
        storage = .allocate(capacity: capacity)
    }

    deinit {
        for offset in 0..<count { (storage + (first + offset) % capacity).deinitialize(count: 1) }
        storage.deallocate()
    }

    package var isEmpty: Bool { count == 0 }
    package var isFull: Bool { count == limit }

    /// Adds at the end; traps when full.
    package mutating func append(_ element: consuming Element) {
        precondition(count < limit)
        if count == capacity { grow() }
        (storage + (first + count) % capacity).initialize(to: element)
        count += 1
    }

    /// The oldest element, or nil.
    package mutating func takeFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = (storage + first).move()
        first = (first + 1) % capacity
        count -= 1
        return element
    }

    private mutating func grow() {
        let size = min(limit, capacity * 2)
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: size)
        for offset in 0..<count {
            (larger + offset).moveInitialize(from: storage + (first + offset) % capacity, count: 1)
        }
        storage.deallocate()
        storage = larger
        capacity = size
        first = 0
    }
}
