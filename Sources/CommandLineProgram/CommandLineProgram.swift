package import ArgumentParser
internal import Configuration

/// `lenscap`: for teachers, technicians and auditors.
package struct CommandLineProgram: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "lenscap",
        abstract: "Records a lesson with its teacher's own signature, sealed to that teacher.",
        discussion: """
            Exit codes: 0 done, 1 failed, 64 usage, 69 unavailable, 77 not permitted.
            """,
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(
                name: "In the room",
                subcommands: [
                    StartCommand.self, StopCommand.self, CutCommand.self, DiscardCommand.self,
                    RevokeCommand.self,
                ]
            ),
            CommandGroup(
                name: "Teacher, anywhere",
                subcommands: [
                    KeyCommand.self, CardCommand.self, SignCommand.self, OpenCommand.self,
                ]
            ),
            CommandGroup(
                name: "School and technician",
                subcommands: [
                    RoomCommand.self, TrustCommand.self, BoxCommand.self, StatusCommand.self,
                ]
            ),
            CommandGroup(name: "Auditor", subcommands: [LogCommand.self]),
            CommandGroup(name: "To try it", subcommands: [DemoCommand.self]),
        ]
    )

    package init() {}
}

/// Options that every command takes.
struct CommonOptions: ParsableArguments {
    @Option(help: "Keep everything below this folder, without root (demo and tests).")
    var root: String?

    func locations() throws -> Locations {
        try BoxSetup(root: root).locations
    }
}
