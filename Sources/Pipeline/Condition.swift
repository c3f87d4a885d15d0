internal import Glibc

/// A lock and the condition that threads wait for under it, with deadlines on CLOCK_MONOTONIC.
///
/// Thread-safe. For workers; capture threads never touch it.
final class Condition: @unchecked Sendable {
    // Unchecked: both objects live in memory of their own, which POSIX makes safe to share.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        // None of these can fail on Linux with default attributes and the monotonic clock.
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func lock() {
        pthread_mutex_lock(mutex)
    }

    func unlock() {
        pthread_mutex_unlock(mutex)
    }

    func wakeAll() {
        pthread_cond_broadcast(condition)
    }

    /// Waits, unlocked, for a wake-up or until `deadline` (ns; nil: for ever).
    ///
    /// False at the deadline. Wakes early now and then.
    func wait(deadline: Int64?) -> Bool {
        guard let deadline else {
            pthread_cond_wait(condition, mutex)
            return true
        }
        var time = timespec(
            tv_sec: Int(max(0, deadline) / 1_000_000_000),
            tv_nsec: Int(max(0, deadline) % 1_000_000_000)
        )
        return pthread_cond_timedwait(condition, mutex, &time) == 0
    }
}
