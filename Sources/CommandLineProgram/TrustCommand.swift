internal import ArgumentParser
internal import Authority
internal import Configuration
internal import Consent
internal import CryptoPrimitives
internal import LinuxSystem
internal import TeacherTools

struct TrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust",
        abstract: "Make the authorities' document; install signed records on a box.",
        subcommands: [Make.self, Revoke.self, Approve.self, Import.self]
    )

    struct Make: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make the document that says who may vouch.",
            discussion: "It becomes valid when as many of its members as it asks for approved it."
        )

        @Option(
            help: "A member as role=KEYFILE; roles are registrar, representative, protection."
        )
        var member: [String]

        @Option(help: "How many of them must sign.")
        var threshold: Int

        @Option(help: "A number that grows with each document.")
        var sequence: Int64 = 1

        @Option(name: .shortAndLong, help: "Where to write it.")
        var output: String

        func run() throws {
            let members = try member.map { text -> (Authorities.Role, String) in
                let parts = text.split(separator: "=", maxSplits: 1).map { String($0) }
                guard parts.count == 2, let role = Authorities.Role(rawValue: parts[0]) else {
                    throw ValidationError("A member is role=KEYFILE, not \(text).")
                }
                return (role, parts[1])
            }
            try reporting {
                let document = try Enrolment.authorities(
                    try members.map { role, path in
                        Authorities.Member(
                            key: try SigningKeyFile.read(path).verificationKey,
                            role: role
                        )
                    },
                    threshold: threshold,
                    sequence: sequence,
                    issued: Clock.unixSeconds()
                )
                try Enrolment.write(document.bytes, to: output, replacing: false)
                Terminal.say("authorities \(document.hash)")
            }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke",
            abstract: "Make the next revocations, with one key more.",
            discussion: """
                lost: nothing starts with the key; what it recorded still reaches its account. \
                left: besides, unsent recordings are destroyed after the grace; a representative \
                must be among the signers. They become valid when enough authorities approved them.
                """
        )

        @Option(help: "The thumbprint of the key, as lenscap card show prints it.")
        var key: String

        @Option(help: "lost or left.")
        var reason: String

        @Option(help: "With left: days until unsent recordings go.")
        var grace: Int64 = 0

        @Option(help: "The revocations in force, if there are any.")
        var previous: String?

        @Option(name: .shortAndLong, help: "Where to write them.")
        var output: String

        func run() throws {
            guard let reason = Revocations.Reason(rawValue: reason) else {
                throw ValidationError("--reason is lost or left.")
            }
            try reporting {
                let earlier = try previous.map {
                    try Revocations(reading: try Enrolment.read($0))
                }
                let kept = (earlier?.entries ?? []).filter { $0.keyIdentifier != key }
                let document = try Enrolment.revocations(
                    kept + [
                        Revocations.Entry(keyIdentifier: key, reason: reason, grace: grace)
                    ],
                    sequence: (earlier?.sequence ?? 0) + 1,
                    issued: Clock.unixSeconds()
                )
                try Enrolment.write(document.bytes, to: output, replacing: false)
                Terminal.say("revocations \(document.hash), \(kept.count + 1) keys")
            }
        }
    }

    struct Approve: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a signature to the authorities' document or to revocations."
        )

        @OptionGroup var approval: ApprovalOptions

        func run() throws { try approval.approve(as: [.authorities, .revocations]) }
    }

    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Technician: install authorities, room record and cards on this box.",
            discussion: """
                FOLDER holds authorities.json, room.json and cards/*.json. They prove themselves: \
                whatever is not signed by enough authorities is refused. Doing it again changes \
                nothing.
                """
        )

        @OptionGroup var common: CommonOptions

        @Argument(help: "The folder with the signed records.")
        var folder: String

        func run() throws {
            try reporting {
                let report = try TrustImport.run(
                    from: folder,
                    to: try common.locations().trust
                )
                Terminal.say("room \(report.room), \(report.cards) cards")
                for card in report.rejected {
                    Terminal.complain("not installed: \(card.name): \(card.refusal.message)")
                }
                if !report.rejected.isEmpty { throw CommandExit.notPermitted }
            }
        }
    }
}

struct BoxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "box",
        abstract: "This box's own key.",
        subcommands: [Show.self]
    )

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the public key (JWK) for the room record.",
            discussion:
                "lenscapd makes the key at its first start; reading it needs its user or root."
        )

        @OptionGroup var common: CommonOptions

        func run() throws {
            try reporting {
                let key = try BoxKey.load(folder: try common.locations().keyFolder)
                Terminal.say(String(decoding: key.verificationKey.jwk.bytes, as: UTF8.self))
            }
        }
    }
}
