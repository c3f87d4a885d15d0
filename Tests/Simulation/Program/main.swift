import Glibc
import LinuxSystem
import Simulation

/// The simulation's command line: `simulate [LESSONS] [SEED]`.
///
/// Exit status: 0 when nothing was wrong, 1 otherwise, 64 for a usage error.
func simulate() -> Int32 {
    let arguments = CommandLine.arguments.dropFirst()
    let numbers = arguments.compactMap { UInt64($0) }
    guard numbers.count == arguments.count, numbers.count <= 2 else {
        tell("usage: simulate [LESSONS] [SEED]\n")
        return 64
    }
    let lessons = numbers.first.map { Int($0) } ?? 1
    let seed = numbers.count > 1 ? numbers[1] : UInt64(Clock.unixSeconds())
    print("seed \(seed)")
    var campaign = Campaign()
    let began = Clock.monotonic.now()
    campaign.run(lessons: lessons, seed: seed) { campaign in
        if campaign.worlds.isMultiple(of: 100), CurrentProcess.isTerminal(2) {
            tell("\r\(campaign.lessons) of \(lessons) lessons")
        }
    }
    for (seed, problems) in campaign.failures {
        for problem in problems { print("FAIL  make simulate LESSONS=1 SEED=\(seed): \(problem)") }
    }
    print(campaign.summary)
    print("\((Clock.monotonic.now() - began) / 1_000_000_000) s.")
    return campaign.failures.isEmpty ? 0 : 1
}

/// Beside the result, which goes to standard output.
func tell(_ text: String) {
    try? Descriptor.duplicate(of: 2).writeAll(Array(text.utf8))
}

exit(simulate())
