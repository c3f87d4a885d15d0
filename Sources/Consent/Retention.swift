/// When a recording that did not reach its account may go all the same.
///
/// Only by signed words: its teacher has left (threshold-signed, a representative among the
/// signers) and the grace is over, or the room record limits how long unsent recordings are kept.
package struct Retention: Sendable {
    private static let day: Int64 = 86_400

    private let trust: Trust

    package init(trust: Trust) {
        self.trust = trust
    }

    /// Why a recording goes now, or nil while it stays.
    ///
    /// `keyIdentifier` is that of the card that started it, `ended` Unix seconds. With a clock that
    /// nothing keeps right nothing goes: any doubt keeps the recording.
    package func reasonToRemove(
        keyIdentifier: String,
        ended: Int64,
        time: JudgementTime
    ) -> String? {
        guard time.isTrusted else { return nil }
        if let revocations = trust.revocations,
            let entry = revocations.entry(for: keyIdentifier), entry.reason == .left,
            revocations.issued + entry.grace * Self.day <= time.now
        {
            return "left"
        }
        let limit = trust.room.record.unsentDays
        if limit > 0, ended + limit * Self.day <= time.now { return "unsent" }
        return nil
    }
}
