internal import CSystem
internal import Glibc

/// Wakes a thread that waits in ``poll(_:deadline:)`` (`eventfd(2)`).
///
/// Thread-safe, never blocks.
package final class WakeEvent: Sendable {
    private let descriptor: Descriptor

    package init() throws(SystemError) {
        let flags = Int32(EFD_CLOEXEC | EFD_NONBLOCK)
        descriptor = Descriptor(adopting: try retrying("eventfd") { eventfd(0, flags) })
    }

    /// For a ``PollEntry`` that waits for ``PollEvents/readable``.
    package var raw: Int32 { descriptor.raw }

    /// Makes the descriptor readable until ``clear()``.
    package func signal() {
        var one: UInt64 = 1
        // EAGAIN means that the counter is full: readable already.
        _ = try? retrying("write") { write(descriptor.raw, &one, 8) }
    }

    /// Makes it unreadable again; true when it had been signalled.
    @discardableResult
    package func clear() -> Bool {
        var count: UInt64 = 0
        return (try? retrying("read") { read(descriptor.raw, &count, 8) }) == 8
    }
}
