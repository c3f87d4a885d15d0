internal import ArgumentParser
internal import Configuration
internal import TeacherTools

struct OpenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Verify, decrypt and join a delivered lesson into one MP4.",
        discussion: """
            FOLDER is the recording's folder in the account, named by 32 hexadecimal digits. The \
            signature is held against the room record that was imported (lenscap room import). What \
            is missing, swapped, repeated, truncated, altered, foreign or not signed is said, the \
            rest is opened, and the status is 1. Without the room record the lesson opens with a \
            warning, and --check fails.
            """
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The recording's folder.")
    var folder: String

    @Option(name: .shortAndLong, help: "Where to write the MP4.")
    var output: String?

    @Option(help: "The age identity file; without it, the one in the teacher's folder.")
    var identity: String?

    @Flag(help: "Verify and decrypt, write nothing.")
    var check = false

    @Flag(
        help: ArgumentHelp(
            "Take what opens of truncated segments too.",
            discussion: "Nothing shows that those parts are what the box sealed."
        )
    )
    var salvage = false

    @Flag(
        help: ArgumentHelp(
            "Write one file for each camera, with every microphone.",
            discussion: "A camera's name is added: lesson-front.mp4."
        )
    )
    var eachCamera = false

    func validate() throws {
        guard check != (output != nil) else {
            throw ValidationError("Give -o lesson.mp4, or --check to write nothing.")
        }
        guard !(check && salvage) else {
            throw ValidationError("--salvage writes what --check would find fault with.")
        }
        guard !(check && eachCamera) else {
            throw ValidationError("--each-camera says what to write, and --check writes nothing.")
        }
    }

    func run() throws {
        try reporting {
            let teacher = TeacherFolder(path: try common.locations().teacher)
            let identities = try identity.map { try IdentityFile.read($0) } ?? teacher.identities()
            let opener = LessonOpener(
                identities: identities,
                salvages: salvage,
                dividesCameras: eachCamera
            ) { (box) throws(TeacherToolsError) in try teacher.boxKey(box) }
            let report = try opener.open(folder, to: output) { fraction in
                Terminal.progress("opening \(Int(fraction * 100)) %")
            }
            Terminal.endProgress()
            OpenCommand.show(report)
            guard report.isComplete, report.isBoxKnown || !check else { throw CommandExit.failed }
        }
    }

    static func show(_ report: OpenReport) {
        for file in report.files { Terminal.say("lesson    \(file)") }
        Terminal.say("recording \(report.recording)")
        Terminal.say("room      \(report.room)")
        Terminal.say("purpose   \(report.purpose)")
        Terminal.say(
            "\(report.isBoxKnown ? "verified  signature," : "checked  ") token, card, receipt and \(report.segments) segments, "
                + "\(tenths(report.seconds)) s, \(report.bytes) bytes"
        )
        Terminal.say("ended     \(report.end ?? "interrupted: it has no end mark")")
        for cut in report.cuts { Terminal.say("removed   \(cut), by the teacher") }
        for gap in report.gaps { Terminal.say("gap       \(gap)") }
        for part in report.salvaged { Terminal.say("salvaged  \(part)") }
        if !report.isBoxKnown {
            Terminal.complain(
                "warning   the room record of box \(report.box) is not imported here, so its "
                    + "signature was not checked: anybody who knows the recipient could have made "
                    + "this recording"
            )
        }
        for problem in report.problems { Terminal.complain("problem   \(problem)") }
    }

    private static func tenths(_ seconds: Double) -> String {
        let tenths = Int((seconds * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
