internal import ArgumentParser
internal import Authority
internal import Configuration
internal import LinuxSystem
internal import TeacherTools
internal import Varlink

struct DiscardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard",
        abstract: "Delete a whole recording from the box, running or waiting.",
        discussion: """
            With the signature of the teacher who made it. What was delivered already is in the \
            account; the answer says how much.
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var signing: SigningOptions

    @Argument(help: "The recording, 32 hexadecimal digits.")
    var recording: String

    func run() throws {
        try reporting {
            let reply = try Orders.delete(recording, from: 0, to: 0, common, signing)
            Terminal.say("deleted \(reply.deleted) objects; \(reply.left) had left the box before")
        }
    }
}

struct CutCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cut",
        abstract: "Delete a stretch of a recording from the box, running or waiting.",
        discussion: """
            Whole segments of two seconds go, every one that the stretch touches. With the \
            signature of the teacher who made the recording.
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var signing: SigningOptions

    @Argument(help: "The recording, 32 hexadecimal digits.")
    var recording: String

    @Option(help: "Seconds from the lesson's start.")
    var from: Int64

    @Option(help: "Seconds from the lesson's start; without it, to the end as it is now.")
    var to: Int64?

    func validate() throws {
        guard from >= 0, from < 1_000_000, to.map({ $0 > from && $0 < 1_000_000 }) ?? true else {
            throw ValidationError("--from and --to are seconds, and --to is after --from.")
        }
    }

    func run() throws {
        try reporting {
            let reply = try Orders.delete(
                recording,
                from: from * 1_000_000_000,
                to: (to ?? 1_000_000) * 1_000_000_000,
                common,
                signing
            )
            Terminal.say("cut \(reply.deleted) segments; \(reply.left) had left the box before")
        }
    }
}

struct RevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "End your own key on this box, at once.",
        discussion: """
            Nothing starts with the key any more; what it recorded still reaches its account. Ask \
            for a new card afterwards.
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var signing: SigningOptions

    func run() throws {
        try reporting {
            let (client, token) = try Orders.sign(.revoke, common, signing)
            _ = try client.call(
                TeacherInterface.name + ".Revoke",
                TeacherInterface.TokenParameters(token: token),
                returning: NoParameters.self
            )
            Terminal.say("revoked: nothing starts with this key here any more")
        }
    }
}

/// How a signature comes about.
struct SigningOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A command that signs: request on its input, token on its output.",
            valueName: "command"
        )
    )
    var signWith: String?

    @Flag(name: .shortAndLong, help: "Sign without being asked (not with --sign-with).")
    var yes = false

    /// The answer of the signer that was chosen; `own` signs with the teacher's own files.
    func signature(
        of request: [UInt8],
        isRooted: Bool,
        own: () throws -> String
    ) throws -> String {
        if let signWith {
            let result = try runCommand(
                "/bin/sh",
                ["-c", signWith],
                input: request + [UInt8(ascii: "\n")]
            )
            guard result.status.isSuccess else {
                throw CommandFailure("the signer signed nothing: \(result.errorText.trimmed)")
            }
            return result.text.trimmed
        }
        guard isRooted || !Locations.isBox else {
            throw CommandFailure(
                "a teacher's key is not kept on a box: sign with --sign-with or a personal key"
            )
        }
        return try own()
    }
}

/// Orders about what is the teacher's own.
enum Orders {
    static func delete(
        _ recording: String,
        from: Int64,
        to: Int64,
        _ common: CommonOptions,
        _ signing: SigningOptions
    ) throws -> TeacherInterface.DeleteReply {
        let (client, token) = try sign(
            .delete(recording: recording, from: from, to: to),
            common,
            signing
        )
        return try client.call(
            TeacherInterface.name + ".Delete",
            TeacherInterface.TokenParameters(token: token),
            returning: TeacherInterface.DeleteReply.self
        )
    }

    /// Asks the box for a challenge and the teacher for the signature.
    static func sign(
        _ order: OrderRequest.Order,
        _ common: CommonOptions,
        _ signing: SigningOptions
    ) throws -> (VarlinkClient, String) {
        let locations = try common.locations()
        let client = try VarlinkClient(path: locations.teacherSocket)
        let reply = try client.call(
            TeacherInterface.name + ".Challenge",
            returning: TeacherInterface.ChallengeReply.self
        )
        let request = OrderRequest(challenge: reply.challenge, order: order)
        let token = try signing.signature(of: request.bytes, isRooted: common.root != nil) {
            try Orders.sign(
                request,
                TeacherFolder(path: locations.teacher),
                asks: !signing.yes
            )
        }
        return (client, token)
    }

    static func sign(
        _ request: OrderRequest,
        _ folder: TeacherFolder,
        asks: Bool
    ) throws -> String {
        Terminal.complain("You are about to sign: \(request.description).")
        if asks, try !Terminal.confirm("Do you sign?") {
            throw CommandFailure("nothing was signed")
        }
        return try request.sign(for: folder)
    }
}

extension OrderRequest {
    /// What would be signed, for the person who signs.
    var description: String {
        switch order {
        case .revoke: "end your own key on this box for good"
        case .delete(let recording, 0, 0): "delete the whole recording \(recording)"
        case .delete(let recording, let from, let to):
            "delete \(from / 1_000_000_000) s to \(to / 1_000_000_000) s of \(recording)"
        }
    }
}
