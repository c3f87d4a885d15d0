internal import ArgumentParser
internal import Authority
internal import Configuration
internal import Varlink

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "How the box fares: what is recorded, what waits, what is wrong.",
        discussion: "It tells from frames and bytes on disk, never whose they are."
    )

    @OptionGroup var common: CommonOptions

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Go on with every change, until Ctrl-C.")
    var watch = false

    func run() throws {
        try reporting {
            let client = try VarlinkClient(path: try common.locations().statusSocket)
            guard watch else {
                let reply = try client.call(
                    StatusInterface.name + ".Status",
                    returning: StatusInterface.HealthReply.self
                )
                return try show(reply.health)
            }
            try client.begin(StatusInterface.name + ".Monitor")
            while let reply = try client.next(StatusInterface.HealthReply.self) {
                try show(reply.health)
            }
        }
    }

    private func show(_ health: StatusInterface.Health) throws {
        if json {
            return Terminal.say(String(decoding: try MessageJSON.encode(health), as: UTF8.self))
        }
        Terminal.say("state     \(health.state)")
        if let seconds = health.committedSeconds {
            Terminal.say("committed \(seconds) s")
        }
        Terminal.say("lamp      \(health.lamp)")
        for source in health.sources {
            Terminal.say(
                "source    \(source.name) (\(source.kind)): "
                    + (source.inUse
                        ? "\(source.frames) frames, \(source.dropped) dropped, \(source.gaps) gaps"
                        : "capped")
            )
        }
        Terminal.say(
            "waiting   \(health.backlog.recordings) recordings, \(health.backlog.bytes) bytes"
                + (health.backlog.lastError.map { ": \($0)" } ?? "")
        )
        Terminal.say("disk      \(health.diskFree) bytes free")
        Terminal.say("clock     \(health.clockTrusted ? "trusted" : "not synchronised")")
        for problem in health.problems {
            Terminal.say("problem   \(problem.message) (\(problem.code)): \(problem.advice)")
        }
    }
}
