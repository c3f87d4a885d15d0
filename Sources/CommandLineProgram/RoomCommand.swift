internal import ArgumentParser
internal import Configuration
internal import Consent
internal import CryptoPrimitives
internal import LinuxSystem
internal import TeacherTools

struct RoomCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "room",
        abstract: "Make, approve, show and import room records.",
        subcommands: [Make.self, Approve.self, Check.self, Show.self, Import.self]
    )

    struct Make: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a room record for a box.",
            discussion: "It becomes valid when the authorities have approved it."
        )

        @Option(help: "The box's key as lenscap box show prints it, in a file.")
        var box: String

        @Option(help: "The room's name.")
        var room: String

        @Option(help: "A camera's name; repeat for more.")
        var camera: [String] = []

        @Option(help: "A microphone's name; repeat for more.")
        var microphone: [String] = []

        @Option(help: "The authorities' document.")
        var authorities: String

        @Option(help: "An agreement's text that cards may accept; repeat for more.")
        var agreement: [String]

        @Option(help: "The agreements' identifier.")
        var agreementID = "lenscap-1"

        @Option(help: "LED-class device of the lamp; none is for the demo only.")
        var indicator = "none"

        @Option(help: "Longest lesson in seconds.")
        var maxDuration: Int64 = 5400

        @Option(help: "Minutes after the stop before anything leaves the box.")
        var hold: Int64 = 15

        @Option(help: "A number that grows with each record of this room.")
        var sequence: Int64 = 1

        @Option(name: .shortAndLong, help: "Where to write the record.")
        var output: String

        func run() throws {
            try reporting {
                let key = try VerificationKey(
                    jwk: try CanonicalJSON(parsing: try trimmed(box))
                )
                var record = RoomRecord(
                    boxKey: key,
                    room: room,
                    sources: sources,
                    agreements: try agreement.map { path in
                        let text = try Descriptor.open(path).readAll(limit: 1 << 20)
                        return RoomRecord.Agreement(
                            identifier: agreementID,
                            sha256: Base64URL.encode(SHA256.hash(text)),
                            last: 0
                        )
                    },
                    authorities: try Enrolment.read(authorities).hash,
                    sequence: sequence,
                    issued: Clock.unixSeconds()
                )
                record.indicator = RoomRecord.Indicator(led: indicator, isSensed: false)
                record.maximumDuration = maxDuration
                record.defaultDuration = min(3600, maxDuration)
                record.holdMinutes = hold
                try Enrolment.write(
                    try Enrolment.room(record).bytes,
                    to: output,
                    replacing: false
                )
                Terminal.say("room record for box \(record.box)")
                Terminal.say("in \(output): it becomes valid when the authorities approved it.")
            }
        }

        private var sources: [RoomRecord.Source] {
            let cameras = camera.map { RoomRecord.Source(name: $0, kind: .camera) }
            let microphones = microphone.map { RoomRecord.Source(name: $0, kind: .microphone) }
            return (cameras + microphones).sorted { $0.name < $1.name }
        }

        private func trimmed(_ path: String) throws -> [UInt8] {
            let bytes = try Descriptor.open(path).readAll(limit: 1 << 16)
            return bytes.last == UInt8(ascii: "\n") ? Array(bytes.dropLast()) : bytes
        }
    }

    struct Approve: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add an authority's signature to room records."
        )

        @OptionGroup var approval: ApprovalOptions

        func run() throws { try approval.approve(as: [.room]) }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a room record's signatures."
        )

        @OptionGroup var options: CheckOptions

        func run() throws {
            try options.check { document, authorities in
                _ = try RoomRecord(verifying: document, by: authorities)
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show what a record says.")

        @Argument(help: "The room record.")
        var file: String

        func run() throws {
            try reporting {
                let document = try Enrolment.read(file)
                let record = try RoomRecord(reading: document)
                Terminal.say("room        \(record.room)")
                Terminal.say("box         \(record.box)")
                for source in record.sources {
                    Terminal.say("source      \(source.name) (\(source.kind.rawValue))")
                }
                Terminal.say("lamp        \(record.indicator.led)")
                Terminal.say("longest     \(record.maximumDuration) s")
                Terminal.say("hold        \(record.holdMinutes) min")
                Terminal.say("purposes    \(record.purposes.joined(separator: ", "))")
                Terminal.say("sequence    \(record.sequence)")
                Terminal.say("hash        \(document.hash)")
                Terminal.say("signatures  \(document.signatures.count)")
            }
        }
    }

    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Teacher: take over a room's record and its authorities.",
            discussion: "The teacher's signer warns on any other record later."
        )

        @OptionGroup var common: CommonOptions

        @Option(help: "The authorities' document.")
        var authorities: String

        @Argument(help: "The room record.")
        var file: String

        func run() throws {
            try reporting {
                let folder = TeacherFolder(path: try common.locations().teacher)
                let record = try folder.importRoom(
                    try Enrolment.read(file).bytes,
                    authorities: try Enrolment.read(authorities).bytes
                )
                Terminal.say("room \(record.room) of box \(record.box)")
            }
        }
    }
}
