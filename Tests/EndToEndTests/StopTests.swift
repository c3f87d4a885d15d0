import Testing

extension EndToEndTests {
    /// A sample of what `Tests/StopTrials` does at length, judged by order and counts alone.
    @Suite struct Stops {
        private static let folder: String = {
            let tests = Judge.folder.split(separator: "/").dropLast().joined(separator: "/")
            return "/\(tests)/StopTrials"
        }()

        private func python(_ script: String, _ arguments: [String]) throws -> Outcome {
            try Tool.run(
                "python3",
                ["-B", "\(Stops.folder)/\(script)", "--programs", try folder()] + arguments
            )
        }

        private func folder() throws -> String {
            guard let folder = Programs.folder else { throw Failure("the programs are not built") }
            return folder
        }

        @Test("Whatever stops a lesson, the devices close under a lit lamp and an open gate")
        func trials() throws {
            let causes = [
                "call", "button", "lamp-fault", "authority-killed", "recorder-killed",
                "recorder-ended",
                "shutdown", "revoked",
            ]
            let outcome = try python(
                "run",
                ["--trials", "3", "--load", "idle", "--cause"] + causes
            )
            #expect(outcome.code == 0, "\(outcome)")
            let last = outcome.output.split(separator: "\n").last ?? ""
            #expect(last.hasPrefix("\(3 * causes.count) trials, 0 failures,"), "\(outcome)")
        }

        @Test("Wherever a process dies, no device is open in the dark, and the next lesson starts")
        func kills() throws {
            let outcome = try python("kill-sweep", ["--sample", "30"])
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.output.contains(" kills, 0 failures,"), "\(outcome)")
        }

        @Test("The judge of trials and kills finds what is wrong")
        func judge() throws {
            let outcome = try Tool.run(
                "python3",
                ["-B", "-m", "unittest", "discover", "-s", Stops.folder, "-t", Stops.folder]
            )
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.errors.contains("Ran 2"), "\(outcome)")
        }
    }
}
