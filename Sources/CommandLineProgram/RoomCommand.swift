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

        @Option(
            help: ArgumentHelp(
                "A camera, as NAME or NAME=PORT,VENDOR,PRODUCT,SERIAL; repeat for more.",
                discussion: """
                    With the four it is this USB device in this socket and no other. PORT is \
                    udev's ID_PATH without the interface, such as pci-0000:00:14.0-usb-0:3.
                    """
            )
        )
        var camera: [SourceArgument] = []

        @Option(help: "A microphone, in the same way; repeat for more.")
        var microphone: [SourceArgument] = []

        @Option(help: "The authorities' document.")
        var authorities: String

        @Option(help: "An agreement's text that cards may accept; repeat for more.")
        var agreement: [String]

        @Option(help: "The agreements' identifier.")
        var agreementID = "lenscap-1"

        @Option(help: "LED-class device of the lamp; none is for the demo only.")
        var indicator = "none"

        @Flag(help: "An input of the box senses whether the lamp is lit.")
        var sensed = false

        @Option(
            help: ArgumentHelp(
                "A stop input, as KIND:DEVICE:CODE; repeat for more.",
                discussion: """
                    key:NAME:CODE is a key of the evdev device of that name, line:CHIP:OFFSET a \
                    GPIO line that stops while it is high, line-low one that stops while it is low.
                    """
            )
        )
        var stop: [StopArgument] = []

        @Option(
            help: "A time when nothing is recorded, as FROM..TO in Unix seconds; repeat for more."
        )
        var closed: [ClosedArgument] = []

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
                record.indicator = RoomRecord.Indicator(led: indicator, isSensed: sensed)
                record.stopInputs = stop.map(\.input)
                record.closedTimes = closed.map(\.time)
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
            let cameras = camera.map { $0.source(.camera) }
            let microphones = microphone.map { $0.source(.microphone) }
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
                    guard let device = source.device else { continue }
                    let identifiers = "\(device.vendor):\(device.product) \(device.serial)"
                    Terminal.say("            \(device.port) \(identifiers)")
                }
                Terminal.say("lamp        \(record.indicator.description)")
                for input in record.stopInputs {
                    Terminal.say(
                        "stop        \(input.kind.rawValue) \(input.code) of \(input.device)"
                    )
                }
                for time in record.closedTimes {
                    Terminal.say("closed      \(time.from)..\(time.to)")
                }
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
