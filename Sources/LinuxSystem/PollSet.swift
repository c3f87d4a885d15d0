/// Descriptors that one thread waits for again and again, in memory allocated once.
///
/// The descriptors are borrowed: their owners outlive the set.
package struct PollSet: ~Copyable {
    private let entries: UnsafeMutableBufferPointer<PollEntry>

    package init(_ list: [PollEntry]) {
        entries = .allocate(capacity: list.count)
        _ = entries.initialize(from: list)
    }

    deinit {
        entries.deinitialize().deallocate()
    }

    /// Waits as ``poll(_:deadline:)`` does, by `clock`, without allocating.
    package borrowing func wait(
        deadline: Int64?,
        by clock: any WaitingClock = KernelClock()
    )
        throws(SystemError) -> Int
    {
        try clock.wait(entries, deadline: deadline)
    }

    /// What the last ``wait(deadline:)`` reported of the entry at `index`.
    package borrowing func returned(_ index: Int) -> PollEvents {
        entries[index].returned
    }
}
