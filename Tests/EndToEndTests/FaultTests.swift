import LinuxSystem
import Testing

extension EndToEndTests {
    /// A sample of what `Tests/FaultSweep` does at length.
    @Suite struct Faults {
        private static let folder = "\(Judge.folder)/../FaultSweep"

        @Test("Whatever call fails or kills a process, no committed segment is lost")
        func sweep() throws {
            guard let programs = Programs.folder else {
                throw Failure("the programs are not built")
            }
            // Longer than any machine takes: the sweep itself begins no point after 20 s.
            let result = try runCommand(
                "timeout",
                [
                    "900", "python3", "-B", "\(Faults.folder)/run", "--programs", programs,
                    "--sample", "14", "--seconds", "20",
                ]
            )
            let output = String(decoding: result.output, as: UTF8.self)
            #expect(result.status == .exited(0), "\(output) \(result.errorText)")
            #expect(
                output.contains(" faults, 0 committed segments lost, 0 failures."),
                "\(output)"
            )
        }

        @Test("The checker of spools finds what is wrong")
        func checker() throws {
            let outcome = try Tool.run(
                "python3",
                ["-B", "-m", "unittest", "discover", "-s", Faults.folder, "-t", Faults.folder]
            )
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.errors.contains("Ran 19 tests"), "\(outcome)")
        }
    }
}
