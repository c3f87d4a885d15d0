internal import ArgumentParser
internal import Authority
internal import Configuration
internal import Consent
internal import CryptoPrimitives
internal import LinuxSystem
internal import TeacherTools
internal import Varlink

struct StartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start a lesson's recording with the teacher's signature.",
        discussion: """
            Without --camera and --microphone every source of the room is used. The command stays \
            until the recording ends and shows how it goes; Ctrl-C stops the recording. With \
            --detach it returns as soon as the recording runs.
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var signing: SigningOptions

    @Option(help: "A camera; repeat for more.")
    var camera: [String] = []

    @Option(help: "A microphone; repeat for more.")
    var microphone: [String] = []

    @Option(help: "Seconds, from 60; the room's usual length without it.")
    var duration: Int64?

    @Option(help: "What for: reflection, coaching, collaboration or enquiry.")
    var purpose = "reflection"

    @Flag(help: "Return when the recording runs.")
    var detach = false

    func run() throws {
        // Before any thread: Ctrl-C asks for a stop and must not just end this command.
        let signals = try SignalEvent()
        try reporting {
            // The purpose is nobody else's to know.
            try ProcessMemory.forbidDumps()
            let locations = try common.locations()
            let client = try VarlinkClient(path: locations.teacherSocket)
            let reply = try client.call(
                TeacherInterface.name + ".Challenge",
                returning: TeacherInterface.ChallengeReply.self
            )
            let request = try request(reply.challenge, locations)
            let token = try sign(request, locations)
            try client.begin(
                TeacherInterface.name + ".Start",
                TeacherInterface.StartParameters(
                    token: token,
                    details: TeacherInterface.Details(
                        purpose: request.details.purpose,
                        salt: request.details.salt
                    )
                )
            )
            try follow(client, signals, locations)
        }
    }

    private func request(_ challenge: String, _ locations: Locations) throws -> SigningRequest {
        let room = try RoomRecord(reading: try Enrolment.read("\(locations.trust)/room.json"))
        let takesAll = camera.isEmpty && microphone.isEmpty
        let names = { (kind: RoomRecord.SourceKind) in
            room.sources.filter { $0.kind == kind }.map(\.name)
        }
        return SigningRequest(
            challenge: challenge,
            cameras: takesAll ? names(.camera) : camera.sorted(),
            microphones: takesAll ? names(.microphone) : microphone.sorted(),
            duration: duration ?? room.defaultDuration,
            details: StartDetails(
                purpose: purpose,
                salt: Base64URL.encode(try randomBytes(32))
            )
        )
    }

    private func sign(_ request: SigningRequest, _ locations: Locations) throws -> String {
        try signing.signature(of: try request.bytes(), isRooted: common.root != nil) {
            try Signer.sign(
                request,
                TeacherFolder(path: locations.teacher),
                asks: !signing.yes
            )
        }
    }

    private func follow(
        _ client: VarlinkClient,
        _ signals: borrowing SignalEvent,
        _ locations: Locations
    ) throws {
        var isAnnounced = false
        while true {
            var entries = [
                PollEntry(client.raw, .readable),
                PollEntry(signals.descriptor.raw, .readable),
            ]
            _ = try entries.poll(deadline: nil)
            if !entries[1].returned.isEmpty {
                try StopCommand.stop(locations)
                signals.clear()
            }
            if !entries[0].returned.isEmpty, try !takeReplies(client, &isAnnounced) { return }
        }
    }

    /// Shows the replies that are here, several at a time perhaps; false when this command is done.
    private func takeReplies(_ client: VarlinkClient, _ isAnnounced: inout Bool) throws -> Bool {
        do throws(VarlinkError) {
            while let reply = try client.next(TeacherInterface.StartReply.self, deadline: 0) {
                if !isAnnounced {
                    Terminal.say("recording \(reply.recording)")
                    isAnnounced = true
                    if detach { return false }
                }
                show(reply.session)
            }
            return false
        } catch {
            guard case .timedOut = error else { throw error }
            return true
        }
    }

    private func show(_ session: TeacherInterface.Session) {
        let sources = session.sources.map { "\($0.name) \($0.health)" }.joined(separator: "  ")
        switch session.state {
        case "idle":
            Terminal.endProgress()
            Terminal.say("ended: \(session.reason ?? "unknown")")
        default:
            let left = session.remaining.map { "\($0 / 60) min \($0 % 60) s left" } ?? ""
            Terminal.progress("\(session.state)  \(left)  \(sources)")
        }
    }
}

struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop the recording. Anybody in the room may.",
        discussion: """
            It returns when every device is closed, or fails when a driver has not let go of one \
            within three seconds.
            """
    )

    @OptionGroup var common: CommonOptions

    func run() throws {
        try reporting {
            let session = try StopCommand.stop(try common.locations())
            guard session.state != "fault" else {
                throw CommandFailure(
                    "A device is not closed: its driver does not answer. The lamp stays lit until it "
                        + "is; cover the lens, pull the device's plug, and tell your technician."
                )
            }
            Terminal.say(
                session.state == "idle"
                    ? "nothing was being recorded" : "stopped: every device is closed"
            )
        }
    }

    @discardableResult
    static func stop(_ locations: Locations) throws -> TeacherInterface.Session {
        let client = try VarlinkClient(path: locations.teacherSocket)
        let reply = try client.call(
            TeacherInterface.name + ".Stop",
            returning: TeacherInterface.SessionReply.self
        )
        return reply.session
    }
}

struct SignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Sign a start on the teacher's own device: request in, token out.",
        discussion: """
            Reads what lenscap start --sign-with gives on standard input, shows what would be \
            signed, asks on the terminal, and prints the token.
            """
    )

    @OptionGroup var common: CommonOptions

    @Flag(name: .shortAndLong, help: "Sign without being asked.")
    var yes = false

    func run() throws {
        try reporting {
            try ProcessMemory.forbidDumps()
            let input = try Descriptor.duplicate(of: 0).readAll(limit: 1 << 16)
            let folder = TeacherFolder(path: try common.locations().teacher)
            if let order = try OrderRequest(parsing: input) {
                return Terminal.say(
                    try Orders.sign(order, folder, asks: !yes)
                )
            }
            Terminal.say(
                try Signer.sign(try SigningRequest(parsing: input), folder, asks: !yes)
            )
        }
    }
}

/// Shows what is signed, asks, and signs.
enum Signer {
    static func sign(
        _ request: SigningRequest,
        _ folder: TeacherFolder,
        asks: Bool
    ) throws
        -> String
    {
        let prepared = try PreparedSignature(request, for: folder)
        let room = prepared.room
        Terminal.complain(
            """
            You are about to sign the recording of a lesson, picture and sound:
              room        \(room.room)
              cameras     \(request.cameras.joined(separator: ", "))
              microphones \(request.microphones.joined(separator: ", "))
              lamp        \(room.indicator.description)
              duration    \(request.duration) s at the most
              purpose     \(request.details.purpose)
              sealed to   \(prepared.recipient)
            """
        )
        if asks {
            let question = "Have those present been told, and do you sign?"
            guard try Terminal.confirm(question) else {
                throw CommandFailure("nothing was signed")
            }
        }
        return try prepared.sign(with: try folder.signingKey())
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
