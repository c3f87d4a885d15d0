internal import ArgumentParser
internal import Auditing
internal import Authority
internal import Consent
internal import LinuxSystem
internal import TeacherTools
internal import TransparencyLog
internal import Varlink

struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "The activation log: show, verify, copy, or make a statement from it.",
        discussion: """
            Reads the log from the box (group lenscap-audit), or with --from-copy from a folder \
            that --export made, on any machine.
            """
    )

    @OptionGroup var common: CommonOptions

    @Option(help: "Read a copy instead of the box.")
    var fromCopy: String?

    @Flag(help: "Check the whole log, and all that is given with it.")
    var verify = false

    @Option(help: "With --verify: an earlier checkpoint that the log must begin with; repeat.")
    var checkpoint: [String] = []

    @Option(help: "With --verify: a token.jws that a teacher kept; repeat.")
    var tokens: [String] = []

    @Option(help: "Copy entries, checkpoint and key into this folder.")
    var export: String?

    @Option(
        parsing: .upToNextOption,
        help: "Print a statement about the days FROM to TO (YYYY-MM-DD, TO not included)."
    )
    var statement: [String] = []

    func validate() throws {
        guard statement.isEmpty || statement.count == 2 else {
            throw ValidationError("--statement takes two days, FROM and TO.")
        }
    }

    func run() throws {
        try reporting {
            let copy = try fromCopy.map { try LogCopy(folder: $0) } ?? fetch()
            if let export {
                try copy.export(to: export)
                Terminal.say("copied \(copy.lines.count) entries to \(export)")
            }
            if verify { try report(copy) }
            if statement.count == 2 { try state(copy) }
            if export == nil && !verify && statement.isEmpty { try show(copy) }
        }
    }

    private func fetch() throws -> LogCopy {
        let locations = try common.locations()
        let client = try VarlinkClient(path: locations.auditSocket)
        let name = AuditService.Messages.name
        let checkpoint = try client.call(
            name + ".Checkpoint",
            returning: AuditService.Messages.CheckpointReply.self
        ).checkpoint
        var lines: [[UInt8]] = []
        if checkpoint.size > 0 {
            try client.begin(
                name + ".Log",
                AuditService.Messages.LogParameters(from: 0, to: checkpoint.size)
            )
            while let reply = try client.next(AuditService.Messages.LogReply.self) {
                lines.append(Array(reply.entry.utf8))
            }
        }
        let room = try RoomRecord(reading: try Enrolment.read(locations.room))
        let key = try NoteKey(
            name: Checkpoint.activationOrigin(box: room.box),
            key: room.boxKey
        )
        return LogCopy(
            lines: lines,
            checkpoint: Array(checkpoint.note.utf8),
            key: key.text
        )
    }

    private func report(_ copy: LogCopy) throws {
        let verdict = try LogVerification.verify(
            copy,
            earlier: try checkpoint.map { path in
                try Descriptor.open(path).readAll(limit: SignedNote.maximumByteCount)
            },
            tokens: try tokens.map { path in
                let bytes = try Descriptor.open(path).readAll(limit: CompactJWS.byteLimit)
                return String(decoding: bytes, as: UTF8.self).trimmed
            }
        )
        Terminal.say("sound: \(verdict.entries) entries, \(verdict.sessions) sessions")
        Terminal.say("state  \(verdict.root)")
        for size in verdict.earlier {
            Terminal.say("begins with the \(size) entries signed earlier")
        }
        if !tokens.isEmpty {
            Terminal.say("\(verdict.tokensFound) tokens stand behind their sessions")
        }
    }

    private func state(_ copy: LogCopy) throws {
        guard let from = CalendarDay.seconds(statement[0]),
            let to = CalendarDay.seconds(statement[1]), from < to
        else { throw ValidationError("--statement takes two days such as 2026-11-20 2026-11-21.") }
        Terminal.say(
            try Statement.page(copy, from: from, to: to) { CalendarDay.moment($0) }
        )
    }

    private func show(_ copy: LogCopy) throws {
        for (index, line) in copy.lines.enumerated() {
            let event = try LogEvent(line)
            let mark = event.isTimeTrusted ? " " : "?"
            Terminal.say(
                "\(index)\t\(CalendarDay.moment(event.time))\(mark)\t\(event.type)\t\(event.rest)"
            )
        }
    }
}
