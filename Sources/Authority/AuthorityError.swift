package import Consent
package import LinuxSystem
package import Spool

/// Why the authority could not do something that was allowed.
package enum AuthorityError: Error, Sendable {
    case refused(Refusal)
    case busy
    case device(source: String, reason: String, message: String)
    /// Bytes.
    case noSpace(needed: Int, available: Int)
    /// The disk ran full during a session.
    case diskFull(String)
    case indicator(reason: String, message: String)
    case spool(SpoolError)
    case system(SystemError)
    /// No such recording is on the box.
    case notHere
    /// The session ended before it had started.
    case ended(StopCause)

    package var recovery: Recovery {
        switch self {
        case .refused(let refusal): .personMustAct(hint: refusal.message)
        case .busy: .personMustAct(hint: "stop the session that runs, or wait for its end")
        case .device: .personMustAct(hint: "look after the device, then start again")
        case .noSpace, .diskFull: .personMustAct(hint: "let the uploader deliver what waits")
        case .indicator: .personMustAct(hint: "have the lamp mended")
        case .spool(let error): error.recovery
        case .system: .retry
        case .notHere: .personMustAct(hint: "look in the account: what was delivered is there")
        case .ended: .retry
        }
    }
}

extension AuthorityError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .busy: "a lesson is being recorded"
        case .device(let source, let reason, let message): "\(source): \(message) [\(reason)]"
        case .noSpace(let needed, let available):
            "the lesson may need \(needed) bytes and \(available) are free"
        case .diskFull(let message): message
        case .indicator(let reason, let message): "\(message) [\(reason)]"
        case .spool(let error): error.description
        case .system(let error): error.description
        case .notHere: "no such recording is on this box; what was delivered is in the account"
        case .ended(let cause): "the session ended before it had started: \(cause.rawValue)"
        }
    }
}
