import LinuxSystem
import Testing

extension EndToEndTests {
    @Suite struct Transcripts {
        private static let path = "\(Judge.folder)/Transcripts/help.txt"
        private static let programs = [
            "lenscap", "lenscap-recorder", "lenscap-uploader", "lenscapd",
        ]

        @Test("The help of every program and command is what was agreed on")
        func help() throws {
            var transcript = ""
            for program in Transcripts.programs { transcript += try help(program, []) }
            if CurrentProcess.environment("LENSCAP_RENEW_TRANSCRIPTS") != nil {
                try Folder(path: "\(Judge.folder)/Transcripts")
                    .writeDurably(
                        "help.txt",
                        Array(transcript.utf8),
                        permissions: 0o644,
                        replacing: true
                    )
            }
            let agreed = try Descriptor.open(Transcripts.path).readAll(limit: 1 << 20)
            let pairs = zip(
                transcript.split(separator: "\n", omittingEmptySubsequences: false),
                String(decoding: agreed, as: UTF8.self)
                    .split(separator: "\n", omittingEmptySubsequences: false)
            )
            for (line, (found, wanted)) in pairs.enumerated() where found != wanted {
                Issue.record(
                    """
                    help.txt:\(line + 1) is "\(wanted)" and the programs say "\(found)". If that \
                    is meant: LENSCAP_RENEW_TRANSCRIPTS=1 swift test --filter EndToEndTests
                    """
                )
                return
            }
            #expect(transcript.utf8.count == agreed.count)
        }

        /// The help of a command, then of each command that it lists.
        private func help(_ program: String, _ command: [String]) throws -> String {
            let outcome = try Programs.run(program, command + ["--help"])
            #expect(outcome.code == 0 && outcome.errors.isEmpty)
            let line = ([program] + command + ["--help"]).joined(separator: " ")
            // The generator pads some lines.
            let text = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
                .map { line in String(line.reversed().drop { $0 == " " }.reversed()) }
            var transcript = "$ \(line)\n" + text.joined(separator: "\n")
            var isListing = false
            for line in text {
                // A blank line ends a list, before what stands below all of them.
                if line.hasSuffix(":") || line.isEmpty {
                    isListing = line.hasSuffix("SUBCOMMANDS:")
                }
                guard isListing, line.hasPrefix("  "), !line.hasPrefix("   "),
                    let name = line.split(separator: " ").first
                else { continue }
                transcript += try help(program, command + [String(name)])
            }
            return transcript
        }

        @Test("Every program tells its version")
        func version() throws {
            let outcome = try Programs.run("lenscap", ["--version"])
            #expect(outcome.code == 0)
            #expect(outcome.output == "0.1.0\n")
        }
    }
}
