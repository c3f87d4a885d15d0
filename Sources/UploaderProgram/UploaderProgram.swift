package import ArgumentParser
internal import Configuration
internal import LinuxSystem
internal import Spool
internal import Uploading

/// `lenscap-uploader`: delivers ended recordings, and ends when none is left.
package struct UploaderProgram: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "lenscap-uploader",
        abstract: "Delivers recordings to their owners' accounts and proves it.",
        discussion: """
            It reads the spool, sends what has ended and is past its hold, and appends to the \
            journal of acknowledgements. It ends when nothing is left to deliver.
            """
    )

    /// Seconds between looks at recordings that have not ended.
    private static let lookInterval: Int64 = 10

    @Option(help: "Keep everything below this folder, without root (demo and tests).")
    var root: String?

    @Flag(help: "Look through the spool once and end, with status 1 if something remains.")
    var once = false

    package init() {}

    package func run() throws {
        try ProcessMemory.forbidDumps()
        let setup = try BoxSetup(root: root)
        let locations = setup.locations
        let configuration = setup.configuration
        let signals = try SignalEvent()
        var uploader = try Uploader(
            Uploader.Settings(
                spool: locations.spool,
                outbox: locations.outbox,
                trust: locations.trust,
                report: locations.uploaderState
            )
        )
        var schedule = RetrySchedule(
            minimum: Int64(configuration.upload.retryMinimum),
            maximum: Int64(configuration.upload.retryMaximum)
        )
        while true {
            let now = Clock.unixSeconds()
            let outcome = uploader.pass(now: now)
            let next = UploaderProgram.nextTry(outcome, now: now, &schedule)
            try uploader.report(
                UploaderReport(
                    time: now,
                    pending: Int64(outcome.pending),
                    lastError: outcome.error.map { "\($0)" } ?? "",
                    nextTry: next ?? 0
                )
            )
            if once {
                if let error = outcome.error { throw error }
                if outcome.pending > 0 { throw ExitCode.failure }
                return
            }
            guard let next else { return }
            if try UploaderProgram.wait(until: next, signals, spool: locations.spool) { return }
        }
    }

    /// Unix seconds of the next pass; nil when nothing waits.
    private static func nextTry(
        _ outcome: Uploader.Outcome,
        now: Int64,
        _ schedule: inout RetrySchedule
    ) -> Int64? {
        if outcome.error != nil {
            return now + schedule.failed(random: Double.random(in: 0..<1))
        }
        schedule.succeeded()
        // The end of a recording changes a file in its folder, which nobody watches.
        let look = outcome.unfinished > 0 ? now + lookInterval : nil
        let release = outcome.nextRelease.map { max($0, now + 1) }
        return [look, release].compactMap { $0 }.min()
    }

    /// Waits for the time or a change of the spool; true when asked to end.
    private static func wait(
        until time: Int64,
        _ signals: borrowing SignalEvent,
        spool: String
    ) throws -> Bool {
        let watch = try FolderWatch(paths: [spool])
        let seconds = max(1, time - Clock.unixSeconds())
        var entries = [
            PollEntry(signals.descriptor.raw, .readable),
            PollEntry(watch.descriptor.raw, .readable),
        ]
        _ = try entries.poll(deadline: Clock.monotonic.now() + seconds * 1_000_000_000)
        return !entries[0].returned.isEmpty
    }
}
