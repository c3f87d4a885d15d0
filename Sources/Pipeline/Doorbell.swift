package import LinuxSystem
internal import Synchronization

/// Lets one thread sleep until others have put something where it looks.
///
/// # Concurrency model
/// Any thread rings, without blocking or allocating, and makes a system call only when the one
/// waiting thread sleeps. The waiting thread says what it looks for; because both sides cross a
/// sequentially consistent fence between their write and their read, either the ringing thread
/// sees the sleeper or the sleeper sees what was put.
package final class Doorbell: Sendable {
    private let event: WakeEvent
    private let clock: any WaitingClock
    private let isAwaited = Atomic<Bool>(false)

    /// `clock` is what the waiting thread's deadlines are read on.
    package init(clock: any WaitingClock = KernelClock()) throws(SystemError) {
        event = try WakeEvent()
        self.clock = clock
    }

    /// Wakes the waiting thread; to be called after the change that it waits for.
    package func ring() {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        guard isAwaited.load(ordering: .relaxed) else { return }
        if isAwaited.exchange(false, ordering: .acquiringAndReleasing) { event.signal() }
    }

    /// Returns when `isReady` says so, when rung, or when the clock shows `deadline` (ns).
    ///
    /// May also return early; the caller looks again.
    package func wait(deadline: Int64, until isReady: () -> Bool) {
        isAwaited.store(true, ordering: .relaxed)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if !isReady() { sleep(deadline) }
        isAwaited.store(false, ordering: .relaxed)
        event.clear()
    }

    private func sleep(_ deadline: Int64) {
        do throws(SystemError) {
            _ = try clock.wait(event.raw, .readable, deadline: deadline)
        } catch {
            // Only memory shortage in the kernel can come here; a pause is still right.
            Clock.monotonic.sleep(until: Clock.monotonic.now() + 10_000_000)
        }
    }
}
