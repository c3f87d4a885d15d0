import Spool

/// What was promised to whom, kept beside the box and not believed from it.
package final class Ledger {
    /// What one recording owes its teacher.
    struct Promise {
        /// Lines that the box signed for.
        var lines: [[UInt8]] = []
        /// Sealed files that the recorder wrote and whose leaves may not have arrived.
        var unnamed: Set<String> = []
        /// Media segments that the recorder has written and reported.
        var segments = 0
        var wantsDeletion = false
        var isDeleted = false
        /// How much of it the account had when it was deleted, where nothing was on its way.
        var sentBefore: Int?
        /// Segments that were cut before anybody had them.
        var takenOut: Set<String> = []
    }

    var promises: [String: Promise] = [:]
    package var problems: [String] = []

    /// Counts for the report.
    package var lessons = 0
    package var refusedStarts = 0
    package var kills = 0
    package var powerCuts = 0
    package var errors = 0
    package var openedSegments = 0
    package var cuts = 0
    package var deletions = 0
    package var delivered = 0
    package var ends: [String: Int] = [:]

    func note(_ problem: String) {
        if !problems.contains(problem) { problems.append(problem) }
    }
}
