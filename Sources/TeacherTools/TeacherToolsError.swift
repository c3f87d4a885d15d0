package import Consent
package import LinuxSystem

/// Why one of the teacher's tools could not do its work.
package enum TeacherToolsError: Error, Sendable {
    case refused(Refusal)
    case system(SystemError)
    /// Something that should be there is not; the sentence says what makes it.
    case missing(String)
    /// Something that would be overwritten is there already.
    case exists(String)
    /// A key or identity file that cannot be read as one.
    case unreadable(String)
    /// The folder holds no recording, or one that nothing can be opened of.
    case notARecording(String)
    /// No identity of the teacher's opens the recording.
    case sealedToSomebodyElse

    package var recovery: Recovery {
        switch self {
        case .refused(let refusal): .personMustAct(hint: refusal.message)
        case .system: .retry
        case .missing(let hint), .exists(let hint), .unreadable(let hint),
            .notARecording(let hint):
            .personMustAct(hint: hint)
        case .sealedToSomebodyElse:
            .personMustAct(hint: "use the identity file of the teacher who recorded the lesson")
        }
    }
}

extension TeacherToolsError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .system(let error): error.description
        case .missing(let what), .exists(let what), .unreadable(let what),
            .notARecording(let what):
            what
        case .sealedToSomebodyElse:
            "no identity here opens this recording: it is sealed to another teacher"
        }
    }
}
