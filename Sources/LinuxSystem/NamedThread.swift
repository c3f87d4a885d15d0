internal import CSystem
internal import Glibc
private import Synchronization

/// A thread with a name that shows in `top -H` and in a debugger (`pthread_create(3)`).
///
/// Life: created running, ended by its body's return, then ``join()``ed exactly once.
package final class NamedThread: Sendable {
    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void
        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    // pthread_t is an integer on Linux and set once in `init`.
    private let thread: pthread_t
    private let joined = Atomic<Bool>(false)

    /// Starts `body` at once.
    ///
    /// `name` is cut to the kernel's 15 bytes.
    package init(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        let box = Unmanaged.passRetained(Body(name: String(name.prefix(15)), run: body))
        var created = pthread_t()
        let result = pthread_create(
            &created,
            nil,
            { argument in
                guard let argument else { return nil }
                let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                _ = lenscap_name_thread(body.name)
                body.run()
                return nil
            },
            box.toOpaque()
        )
        guard result == 0 else {
            box.release()
            throw SystemError(call: "pthread_create", subject: name, number: result)
        }
        thread = created
    }

    /// Waits for the body to return.
    ///
    /// A second call does nothing.
    package func join() {
        if joined.exchange(true, ordering: .acquiringAndReleasing) { return }
        pthread_join(thread, nil)
    }

    deinit {
        if !joined.load(ordering: .acquiring) { pthread_detach(thread) }
    }

    /// Asks for SCHED_FIFO with `priority` for the calling thread; false when not permitted.
    package static func requestRealTime(priority: Int32) -> Bool {
        var parameters = sched_param()
        parameters.sched_priority = priority
        return pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters) == 0
    }
}
