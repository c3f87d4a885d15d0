/// Why something signed was not accepted: a stable code for programs and a sentence for people.
///
/// The sentence says what to do where somebody can do something. It never repeats bytes of the
/// refused input.
package struct Refusal: Error, Hashable, Sendable {
    /// The codes; they are part of the protocol and never change meaning.
    package enum Reason: String, Sendable, CaseIterable {
        case oversized
        case malformed
        case notCanonical = "not-canonical"
        case header
        case unknownKey = "unknown-key"
        case unknownCard = "unknown-card"
        case cardKey = "card-key"
        case quorum
        case expired
        case notYetValid = "not-yet-valid"
        case agreement
        case revoked
        case algorithm
        case signature
        case payload
        case teacher
        case box
        case record
        case sources
        case duration
        case notInformed = "not-informed"
        case version
        case recipient
        case replayed
        case details
        case purpose
        case challenge
        case log
        case closed
        case notEnrolled = "not-enrolled"
        case key
        case indicator
    }

    package let reason: Reason
    package let message: String

    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }
}

extension Refusal: CustomStringConvertible {
    package var description: String { "\(message) [\(reason.rawValue)]" }
}
