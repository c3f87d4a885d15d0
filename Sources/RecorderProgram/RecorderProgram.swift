package import ArgumentParser
internal import Configuration
internal import LinuxSystem
internal import RecorderProtocol
internal import Recording
internal import Spool
internal import Varlink

/// `lenscap-recorder`: lives for one recording, told by `lenscapd` over its one connection.
package struct RecorderProgram: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "lenscap-recorder",
        abstract: "Records one lesson for lenscapd. It is started by systemd or by lenscapd.",
        discussion: """
            It takes its orders over the connection that it is started with and opens nothing \
            without a token that a teacher has signed. Closing the connection ends it.
            """
    )

    @Option(help: "Keep everything below this folder, without root (demo and tests).")
    var root: String?

    @Option(help: ArgumentHelp("The connection's descriptor.", visibility: .hidden))
    var connection: Int32?

    package init() {}

    package func run() throws {
        guard let raw = connection ?? ActivatedSockets.take().first?.raw else {
            throw ValidationError(
                "lenscap-recorder is started by systemd or by lenscapd, with a connection."
            )
        }
        try ProcessMemory.forbidDumps()
        try ProcessMemory.keepSmall()
        // Before any thread, so that all of them leave the signals to the dead man.
        let signals = try SignalEvent()
        let channel = MessageChannel(adopting: Descriptor(adopting: raw))
        let deadMan = try DeadMan(channel, signals)
        // It lives as long as the process does.
        _ = try deadMan.start()
        // Held for life, and taken before the first word: free again only when this is gone.
        let lock = try LifeLock(path: Locations(root: root).recorderLock)
        lock.keep()
        try channel.send(.state(FromRecorder.State(committed: 0, sources: [])))
        guard let begin = deadMan.awaitBegin() else { return }
        let process = RecorderRun(channel: channel, deadMan: deadMan, root: root)
        guard process.record(begin) else { throw ExitCode.failure }
    }
}

/// The main thread's part: check the order, record, seal the end.
struct RecorderRun {
    let channel: MessageChannel
    let deadMan: DeadMan
    /// With one: without the privilege to lock all memory.
    let root: String?

    /// Whether the lesson was recorded to its end.
    func record(_ begin: ToRecorder.Begin) -> Bool {
        do {
            try lockMemory()
            let setup = try BoxSetup(root: root)
            let configuration = setup.configuration
            let order = try LessonOrder(begin, configuration)
            let channel = channel
            let sink = SealedLesson(
                recipient: order.recipient,
                writer: try ObjectWriter(recording: order.recording, spool: setup.locations.spool),
                lowWater: configuration.spool.reserve / 2,
                report: { leaf throws(LessonSinkError) in try channel.report(leaf) }
            )
            let deadMan = deadMan
            let lesson = try LessonRecorder(
                sources: order.sources,
                settings: order.settings,
                sink: sink,
                ended: { error in
                    let failure = FromRecorder.Failure(error)
                    channel.report(failure)
                    deadMan.requestStop(failure.endReason)
                }
            )
            deadMan.attach(lesson)
            return try record(lesson, sink)
        } catch {
            fail(error)
            return false
        }
    }

    private func record(_ lesson: LessonRecorder, _ sink: SealedLesson) throws -> Bool {
        do throws(RecordingError) {
            try lesson.start { source in try? channel.send(.opened(source: source)) }
        } catch {
            guard case .stopped = error else { throw error }
        }
        var next = Clock.monotonic.now()
        while deadMan.stopReason == nil {
            try channel.send(.state(FromRecorder.State(lesson.health)))
            next += 1_000_000_000
            deadMan.wait(nanoseconds: max(0, next - Clock.monotonic.now()))
        }
        let summary = lesson.finish()
        // What failed after the stop cost the last segment: that is how the lesson ended, then.
        let failure = summary.failure.map { FromRecorder.Failure($0).endReason }
        try sink.end(
            reason: failure ?? deadMan.stopReason ?? "failed",
            time: Clock.unixSeconds(),
            summary: summary.document
        )
        try channel.send(.done)
        return summary.failure == nil
    }

    private func lockMemory() throws {
        do throws(SystemError) {
            try ProcessMemory.lock()
        } catch {
            // Keys lie in locked memory in any case; on a box all of it must be.
            guard root != nil else { throw error }
        }
    }

    /// Says why nothing is recorded, and that nothing is open.
    private func fail(_ error: any Error) {
        let failure = FromRecorder.Failure(error)
        channel.report(failure)
        deadMan.requestStop(failure.endReason)
        // The dead man says `closed`; then this process ends and the lock is free.
        while !deadMan.hasClosed { deadMan.wait(nanoseconds: 100_000_000) }
    }
}

/// The lock that says that a recorder lives.
final class LifeLock: Sendable {
    private let file: Descriptor

    init(path: String) throws(SystemError) {
        file = try Descriptor.open(path, [.readWrite, .create], permissions: 0o660)
        guard try file.tryLock() else {
            throw SystemError.busy("flock", path)
        }
    }

    /// Only the process's end lets go of it.
    func keep() { _ = Unmanaged.passRetained(self) }
}

extension MessageChannel {
    func report(_ leaf: Leaf) throws(LessonSinkError) {
        do throws(VarlinkError) {
            try send(.leaf(line: String(decoding: leaf.line, as: UTF8.self)))
        } catch {
            throw LessonSinkError("lenscapd takes no leaf: \(error)", recovery: .endSession)
        }
    }

    /// An authority that is gone hears nothing; the dead man sees to the rest.
    func report(_ failure: FromRecorder.Failure) {
        try? send(.failed(failure))
    }
}

extension FromRecorder.Failure {
    init(_ error: any Error) {
        switch error {
        case RecordingError.deviceUnavailable(let source, let reason, _):
            self.init(code: "device", source: source, message: reason)
        case RecordingError.noSourceLeft(let source, let reason):
            self.init(code: "device", source: source, message: reason)
        case RecordingError.sinkFailed(let error):
            self.init(error)
        case let error as LessonSinkError:
            self.init(code: error.isNoSpace ? "space" : "spool", message: "\(error)")
        default:
            self.init(code: "recorder", message: "\(error)")
        }
    }

    /// What the recording's end says of it.
    var endReason: String { code == "space" ? code : "failed" }
}

extension FromRecorder.State {
    init(_ health: LessonHealth) {
        self.init(
            committed: health.committed.nanoseconds / 1_000_000_000,
            sources: health.sources.map { source in
                FromRecorder.SourceState(
                    name: source.name,
                    frames: Int64(source.delivered),
                    dropped: Int64(source.dropped + source.lost + source.damaged),
                    gaps: Int64(source.gaps),
                    drift: source.drift,
                    offset: source.offset.map { $0.nanoseconds / 1000 },
                    check: source.checks.map(\.rawValue)
                )
            }
        )
    }
}
