internal import CSystem
internal import Glibc

/// SIGTERM and SIGINT as something to poll for (`signalfd(2)`), for a clean shutdown.
///
/// Make it before any thread: threads made later inherit the blocked signals.
package struct SignalEvent: ~Copyable, Sendable {
    package let descriptor: Descriptor

    package init() throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        var copy = set
        descriptor = Descriptor(
            adopting: try retrying("signalfd") {
                signalfd(-1, &copy, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
            }
        )
    }

    /// Forgets the signals that came.
    package borrowing func clear() {
        var information = signalfd_siginfo()
        while read(descriptor.raw, &information, MemoryLayout<signalfd_siginfo>.size) > 0 {}
    }
}
