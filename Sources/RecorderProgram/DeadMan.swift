internal import LinuxSystem
internal import RecorderProtocol
internal import Recording
internal import Synchronization
internal import Varlink

/// Closes the devices whatever the rest of the process is doing.
///
/// ## Concurrency model
/// A thread of its own that reads the connection to the authority and does nothing else: it waits
/// for no codec, no disk and no lock that they hold. On `stop`, at the lesson's last moment, and
/// when the connection closes, it tells the device threads to close and waits a bounded time for
/// them. After a stop the process has a limited time to seal what it holds; a closed connection, an
/// authority that is silent, or that limit passed, ends the process, and the kernel closes what is
/// left.
final class DeadMan: Sendable {
    /// Devices that are not closed by then are closed by ending the process.
    ///
    /// Far more than a driver takes, since the end of a process closes nothing while one of its
    /// threads waits in the kernel, be it for a disk that hangs.
    private static let closingLimit: Int64 = 1_000_000_000
    /// The authority is heard each second; one that is silent for so long is dead or stuck.
    private static let silenceLimit: Int64 = 5_000_000_000
    private static let finishingLimit: Int64 = 45_000_000_000
    private static let longestWait: Int64 = 500_000_000

    private struct State: Sendable {
        var begin: ToRecorder.Begin?
        var lesson: LessonRecorder?
        var stopReason: String?
        var isClosed = false
        /// CLOCK_BOOTTIME ns.
        var ends: Int64?
        /// When the authority was last heard, once it has begun; CLOCK_MONOTONIC ns.
        var heard: Int64?
        /// CLOCK_MONOTONIC ns.
        var mustEnd: Int64?
    }

    private let channel: MessageChannel
    /// The watchdog of systemd behind this thread: a suspended process does not answer it.
    private let serviceManager = ServiceManager()
    /// SIGTERM: whoever stops the service wants the devices closed and the lesson's end sealed.
    private let signals: SignalEvent
    private let state = Mutex(State())
    /// For the main thread: something above has changed.
    private let changed: WakeEvent
    /// For the dead man's thread: somebody else asks for a stop.
    private let poke: WakeEvent

    init(_ channel: MessageChannel, _ signals: consuming SignalEvent) throws(SystemError) {
        self.channel = channel
        self.signals = signals
        changed = try WakeEvent()
        poke = try WakeEvent()
    }

    func start() throws(SystemError) -> NamedThread {
        try NamedThread("dead-man") { self.run() }
    }

    // MARK: The main thread's side

    /// Waits for the order to begin; nil when the connection said something else.
    func awaitBegin() -> ToRecorder.Begin? {
        while true {
            let (begin, isStopped) = state.withLock { ($0.begin, $0.stopReason != nil) }
            if let begin { return begin }
            if isStopped { return nil }
            wait(nanoseconds: nil)
        }
    }

    /// From now on a stop closes this lesson's devices, also one that has come already.
    func attach(_ lesson: LessonRecorder) {
        let isStopped = state.withLock { state in
            state.lesson = lesson
            return state.stopReason != nil
        }
        if isStopped { lesson.stopCapture(deadline: 0) }
    }

    /// Whether every device is closed and the authority was told.
    var hasClosed: Bool { state.withLock { $0.isClosed } }

    /// Why the lesson was stopped; nil while it was not.
    var stopReason: String? { state.withLock { $0.stopReason } }

    /// Waits for a change, at most so long (nil: until there is one).
    func wait(nanoseconds: Int64?) {
        var entries = [PollEntry(changed.raw, .readable)]
        // An eventfd of this process: poll cannot fail on it but for bugs.
        _ = try? entries.poll(deadline: nanoseconds.map { Clock.monotonic.now() + $0 })
        changed.clear()
    }

    /// Asks for a stop from inside: no source is left, or nothing more can be kept.
    func requestStop(_ reason: String) {
        state.withLock { state in
            if state.stopReason == nil { state.stopReason = reason }
        }
        poke.signal()
        changed.signal()
    }

    // MARK: Its own thread

    private func run() {
        // A manager that does not listen will see for itself, here and below.
        try? serviceManager.notify("READY=1")
        while true {
            waitForWork()
            if serviceManager.watchdogInterval != nil { try? serviceManager.notify("WATCHDOG=1") }
            poke.clear()
            receive()
            let now = Clock.bootTime.now()
            let isOver = state.withLock { $0.ends.map { $0 <= now } ?? false }
            if isOver { requestStop("duration") }
            closeIfStopped()
            let (mustEnd, heard) = state.withLock { ($0.mustEnd, $0.heard) }
            if let mustEnd, mustEnd <= Clock.monotonic.now() { CurrentProcess.exitNow(70) }
            if let heard, heard + DeadMan.silenceLimit <= Clock.monotonic.now() { abort() }
        }
    }

    private func waitForWork() {
        var entries = [channel.raw, poke.raw, signals.descriptor.raw].map {
            PollEntry($0, .readable)
        }
        _ = try? entries.poll(deadline: Clock.monotonic.now() + DeadMan.longestWait)
        guard !entries[2].returned.isEmpty else { return }
        signals.clear()
        requestStop("shutdown")
    }

    private func receive() {
        while true {
            do throws(VarlinkError) {
                guard let message = try channel.receive(deadline: 0) else { abort() }
                obey(message)
            } catch {
                if case .timedOut = error { return }
                abort()
            }
        }
    }

    private func obey(_ message: [UInt8]) {
        state.withLock { if $0.heard != nil { $0.heard = Clock.monotonic.now() } }
        switch try? MessageJSON.decode(ToRecorder.self, from: message) {
        case .begin(let begin):
            state.withLock { state in
                guard state.begin == nil else { return }
                state.begin = begin
                state.ends = begin.ends
                state.heard = Clock.monotonic.now()
            }
            changed.signal()
        case .stop(let reason):
            requestStop(reason)
        case .signed, .alive:
            break
        case nil:
            // An authority that cannot be understood is none.
            abort()
        }
    }

    private func closeIfStopped() {
        let (lesson, reason) = state.withLock { state in
            (state.lesson, state.isClosed ? nil : state.stopReason)
        }
        guard let reason else { return }
        if let lesson {
            let deadline = Clock.monotonic.now() + DeadMan.closingLimit
            guard lesson.stopCapture(deadline: deadline) else { CurrentProcess.exitNow(70) }
        }
        state.withLock { state in
            state.isClosed = true
            state.mustEnd = Clock.monotonic.now() + DeadMan.finishingLimit
        }
        // The devices are closed already: an authority that does not listen changes nothing.
        try? channel.send(.closed(time: Clock.monotonic.now(), reason: reason))
        changed.signal()
    }

    /// The authority is gone: close the devices and end, with what was sealed until now.
    private func abort() -> Never {
        let lesson = state.withLock { $0.lesson }
        lesson?.stopCapture(deadline: Clock.monotonic.now() + DeadMan.closingLimit)
        CurrentProcess.exitNow(71)
    }
}

extension MessageChannel {
    /// Sends a report; one that the peer does not take in ten seconds is an error.
    func send(_ message: FromRecorder) throws(VarlinkError) {
        try send(
            try MessageJSON.encode(message),
            deadline: Clock.monotonic.now() + 10_000_000_000
        )
    }
}
