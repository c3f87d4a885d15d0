internal import Consent
package import LinuxSystem
package import Spool

/// Why an object did not reach its account.
///
/// Nothing is lost by any of them: the recording stays in the spool and is tried again.
package enum UploadError: Error, Sendable {
    /// The account's folder is not there, or a disk is not mounted: the marker file is missing.
    case accountMissing(String)
    /// The card names an account that this uploader cannot reach.
    case accountUnsupported(kind: String)
    /// The account holds something else under the name of this object.
    case conflict(name: String)
    /// What is in the spool is not what its records say; it is never sent.
    case unsound(recording: String, String)
    case spool(SpoolError)
    case system(SystemError)

    package var recovery: Recovery {
        switch self {
        case .accountMissing(let path):
            .personMustAct(
                hint: "mount the account's disk, or make \(DirectoryAccount.markerName) in \(path)"
            )
        case .accountUnsupported(let kind):
            .personMustAct(hint: "accounts of kind \(kind) are not served; renew the card")
        case .conflict, .unsound: .personMustAct(hint: "keep the folder and look into it")
        case .spool(let error): error.recovery
        case .system: .retry
        }
    }
}

extension UploadError: CustomStringConvertible {
    /// Without the account's place, anybody's pseudonym or a recording's identifier: it is shown to
    /// technicians.
    package var description: String {
        switch self {
        case .accountMissing: "the account's folder is not there or lacks its marker file"
        case .accountUnsupported(let kind): "accounts of kind \(kind) are not served"
        case .conflict(let name): "the account holds another \(name)"
        case .unsound(_, let what): "a recording is not what its records say: \(what)"
        case .spool(.system(let error)), .system(let error): "\(error.call): \(error.reason)"
        case .spool(.damaged(_, let what)): "a recording is damaged: \(what)"
        case .spool(.disorder(let what)): "a recording's log is out of order: \(what)"
        case .spool(.exists): "a recording exists already"
        }
    }
}
