package import LinuxSystem

/// Why something in the spool could not be done.
package enum SpoolError: Error, Sendable {
    /// The disk, or what is on it, said no.
    case system(SystemError)
    /// A leaf that does not follow the ones before it; nothing was written.
    case disorder(String)
    /// Something in a recording's folder is not as the format says.
    case damaged(recording: String, String)
    /// A recording of this identifier is there already.
    case exists(recording: String)

    /// Whether there was no room for it.
    package var isNoSpace: Bool {
        guard case .system(let error) = self else { return false }
        return error.isNoSpace
    }

    package var recovery: Recovery {
        switch self {
        case .system: isNoSpace ? .endSession : .retry
        case .disorder: .endSession
        case .damaged: .personMustAct(hint: "look at the folder; nothing in it was changed")
        case .exists: .personMustAct(hint: "sign a new token")
        }
    }
}

extension SpoolError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system(let error): error.description
        case .disorder(let what): "out of order: \(what)"
        case .damaged(let recording, let what): "recording \(recording): \(what)"
        case .exists(let recording): "recording \(recording) exists"
        }
    }
}

/// Runs calls of ``LinuxSystem`` and gives their errors this module's type.
func wrapping<Result: ~Copyable>(
    _ body: () throws(SystemError) -> Result
) throws(SpoolError)
    -> Result
{
    do throws(SystemError) { return try body() } catch { throw .system(error) }
}
