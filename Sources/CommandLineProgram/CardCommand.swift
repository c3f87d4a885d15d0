internal import ArgumentParser
internal import Configuration
internal import Consent
internal import CryptoPrimitives
internal import LinuxSystem
internal import TeacherTools

struct CardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "card",
        abstract: "Make, approve and show teacher cards.",
        subcommands: [Make.self, Approve.self, Check.self, Show.self]
    )

    struct Make: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a card for the keys in the teacher's folder.",
            discussion: """
                The card says which account lessons go to and which agreement was accepted. It \
                becomes valid when the school's authorities have approved it.
                """
        )

        @OptionGroup var common: CommonOptions

        @Option(help: "Where lessons go, for example file:///srv/lessons (kind directory).")
        var account: String

        @Option(help: "The agreement's text, which the card accepts.")
        var agreement: String

        @Option(help: "The agreement's identifier.")
        var agreementID = "lenscap-1"

        @Option(help: "The language in which it was read: en or cy.")
        var language = "en"

        @Option(help: "The day of the teacher's training, YYYY-MM-DD.")
        var trained: String

        @Option(help: "The last day of the card, YYYY-MM-DD.")
        var expires: String

        @Option(help: "Also write the card to this file, to hand it in for approval.")
        var output: String?

        @Flag(name: .shortAndLong, help: "Accept the agreement without being asked.")
        var yes = false

        func run() throws {
            guard let trained = CalendarDay.seconds(trained) else {
                throw ValidationError("--trained is a day such as 2026-09-01.")
            }
            guard let expires = CalendarDay.seconds(expires) else {
                throw ValidationError("--expires is a day such as 2027-08-31.")
            }
            guard ["en", "cy"].contains(language) else {
                throw ValidationError("--language is en or cy.")
            }
            try reporting { try make(trained: trained, expires: expires) }
        }

        private func make(trained: Int64, expires: Int64) throws {
            let text = try Descriptor.open(agreement).readAll(limit: 1 << 20)
            if !yes {
                Terminal.say(String(decoding: text, as: UTF8.self))
                guard try Terminal.confirm("Do you accept this agreement?") else {
                    throw CommandFailure("the agreement was not accepted, so no card was made")
                }
            }
            let folder = TeacherFolder(path: try common.locations().teacher)
            let key = try folder.signingKey()
            let accepted = Enrolment.AgreementText(
                identifier: agreementID,
                language: language,
                text: text
            )
            let card = TeacherCard(
                teacher: try TeacherCard.newPseudonym(),
                key: key.verificationKey,
                recipients: try folder.identities().map(\.recipient.text),
                account: TeacherCard.Account(kind: "directory", url: account),
                agreement: TeacherCard.Agreement(
                    identifier: accepted.identifier,
                    sha256: accepted.sha256,
                    language: accepted.language
                ),
                trained: trained,
                issued: Clock.unixSeconds(),
                expires: expires
            )
            let document = try Enrolment.card(card, signedWith: key)
            try folder.saveAgreement(text, language: language)
            try folder.saveCard(document)
            if let output { try Enrolment.write(document.bytes, to: output, replacing: false) }
            Terminal.say("teacher \(card.teacher)")
            Terminal.say("card    \(output ?? folder.path + "/" + TeacherFolder.cardName)")
            Terminal.say("It becomes valid when the school's authorities have approved it.")
        }
    }

    struct Approve: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add an authority's signature to cards."
        )

        @OptionGroup var approval: ApprovalOptions

        func run() throws { try approval.approve(as: [.card]) }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a card's signatures, its teacher's and the authorities'."
        )

        @OptionGroup var options: CheckOptions

        func run() throws {
            try options.check { document, authorities in
                _ = try TeacherCard(verifying: document, by: authorities)
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show what a card says.")

        @OptionGroup var common: CommonOptions

        @Argument(help: "The card; without it, the one in the teacher's folder.")
        var file: String?

        func run() throws {
            try reporting {
                let folder = TeacherFolder(path: try common.locations().teacher)
                let document = try file.map { try Enrolment.read($0) } ?? folder.card()
                let card = try TeacherCard(reading: document)
                Terminal.say("teacher    \(card.teacher)")
                Terminal.say("key        \(card.key.thumbprint) (\(card.key.algorithm.rawValue))")
                for recipient in card.recipients { Terminal.say("recipient  \(recipient)") }
                Terminal.say("account    \(card.account.kind) \(card.account.url)")
                Terminal.say(
                    "agreement  \(card.agreement.identifier) (\(card.agreement.language))"
                )
                Terminal.say("trained    \(CalendarDay.text(card.trained))")
                Terminal.say("issued     \(CalendarDay.text(card.issued))")
                Terminal.say("expires    \(CalendarDay.text(card.expires))")
                Terminal.say("hash       \(document.hash)")
                Terminal.say("signatures \(document.signatures.count), the teacher's among them")
            }
        }
    }
}

/// What `approve` takes, whatever it approves.
struct ApprovalOptions: ParsableArguments {
    @Option(help: "The authority's signing key.")
    var key: String

    @Argument(help: "The documents; each is changed in place.")
    var files: [String]

    /// Approves each file as the first of `types` that it reads as.
    func approve(as types: [DocumentType]) throws {
        guard !files.isEmpty else { throw ValidationError("Name the documents to approve.") }
        try reporting {
            let key = try SigningKeyFile.read(key)
            for file in files {
                try Enrolment.approve(file, as: try kind(of: file, among: types), with: key)
                Terminal.say("approved \(file)")
            }
        }
    }

    private func kind(of file: String, among types: [DocumentType]) throws -> DocumentType {
        guard types.contains(.revocations) else { return types[0] }
        let document = try Enrolment.read(file)
        return (try? Revocations(reading: document)) == nil ? types[0] : .revocations
    }
}

/// What `check` takes, whatever it checks.
struct CheckOptions: ParsableArguments {
    @Option(help: "The authorities' document.")
    var authorities: String

    @Argument(help: "The document to check.")
    var file: String

    /// Runs `judge` on the document; what it refuses is said with its reason.
    func check(_ judge: (ThresholdDocument, Authorities) throws -> Void) throws {
        try reporting {
            let vouching = try Authorities(verifying: try Enrolment.read(authorities))
            try judge(try Enrolment.read(file), vouching)
            Terminal.say("\(file) is valid: enough authorities have signed it")
        }
    }
}
