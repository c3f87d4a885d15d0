/// Worlds one after another, and what came of them together.
package struct Campaign: Sendable {
    package var worlds = 0
    package var lessons = 0
    package var refusedStarts = 0
    package var kills = 0
    package var powerCuts = 0
    package var errors = 0
    package var cuts = 0
    package var deletions = 0
    package var segments = 0
    package var ends: [String: Int] = [:]
    /// Seeds of worlds in which something was wrong, with what.
    package var failures: [(seed: UInt64, problems: [String])] = []

    package init() {}

    /// Lives worlds from `seed` on until so many lessons began, or too much went wrong.
    package mutating func run(
        lessons wanted: Int,
        seed: UInt64,
        lie: Lie = .none,
        progress: (Campaign) -> Void = { _ in }
    ) {
        while lessons < wanted, failures.count < 10 {
            let seed = seed &+ UInt64(worlds)
            add(World(seed: seed, lie: lie).live(), seed: seed)
            progress(self)
        }
    }

    private mutating func add(_ ledger: Ledger, seed: UInt64) {
        worlds += 1
        lessons += ledger.lessons
        refusedStarts += ledger.refusedStarts
        kills += ledger.kills
        powerCuts += ledger.powerCuts
        errors += ledger.errors
        cuts += ledger.cuts
        deletions += ledger.deletions
        segments += ledger.openedSegments
        ends.merge(ledger.ends) { $0 + $1 }
        if !ledger.problems.isEmpty { failures.append((seed, ledger.problems)) }
    }

    /// In one line.
    package var summary: String {
        let reasons = ends.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        return """
            \(worlds) worlds, \(lessons) lessons (and \(refusedStarts) starts refused): \
            \(kills) moments of death, \(powerCuts) power cuts, \(errors) errors of the disk, \
            \(cuts) cuts, \(deletions) deletions; \(segments) segments opened at the end, of \
            recordings that ended: \(reasons.joined(separator: ", ")); \(failures.count) failures.
            """
    }
}

/// A disk that says it did what it did not, to see whether the judge finds it out.
package enum Lie: Sendable { case none, filesAreSynced, foldersAreSynced }
