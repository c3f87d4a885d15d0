package import LinuxSystem

/// What can go wrong between two processes that exchange NUL-terminated JSON.
package enum VarlinkError: Error, Hashable, Sendable {
    /// The peer sent more than `limit` bytes without ending the message.
    case messageTooLong(limit: Int)
    /// Two ends of message without anything between them.
    case emptyMessage
    /// The stream ended inside a message.
    case truncated
    /// A whole message that is not the JSON expected; the text says what is wrong with it.
    case malformed(String)
    /// A value of this program that JSON cannot carry, for example a number that is not finite.
    case notEncodable(String)
    /// The peer does not read: more than `limit` bytes wait for it.
    case backlogFull(limit: Int)
    /// The peer closed the connection, or this side did.
    case closed
    case timedOut
    /// There is no socket at this path.
    case noSocket(path: String)
    /// There is a socket at this path and nobody listens.
    case refused(path: String)
    /// The socket's permissions keep this user out.
    case notPermitted(path: String)
    /// The service answered with an error of its interface.
    case remote(RemoteError)
    case system(SystemError)
}

extension VarlinkError {
    package var recovery: Recovery {
        switch self {
        case .timedOut: .retry
        case .messageTooLong, .emptyMessage, .truncated, .malformed, .backlogFull, .closed, .system:
            .restartStage
        case .notEncodable, .remote: .endSession
        case .noSocket(let path):
            .personMustAct(
                hint: "start Lenscap on this machine, or name the folder it runs in (\(path))"
            )
        case .refused(let path):
            .personMustAct(hint: "Lenscap has stopped and left \(path): start it again")
        case .notPermitted(let path):
            .personMustAct(
                hint: "ask to be added to the group that owns \(path), then sign in again"
            )
        }
    }
}

extension VarlinkError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .messageTooLong(let limit): "a message is longer than \(limit) bytes"
        case .emptyMessage: "an empty message"
        case .truncated: "the connection ended inside a message"
        case .malformed(let text): "a message is not as agreed: \(text)"
        case .notEncodable(let text): "a value does not fit into JSON: \(text)"
        case .backlogFull(let limit): "the other side does not read: \(limit) bytes wait for it"
        case .closed: "the other side closed the connection"
        case .timedOut: "no answer in time"
        case .noSocket(let path):
            "\(path) does not exist: start Lenscap on this machine, or name the folder it runs in"
        case .refused(let path): "nobody listens at \(path): start Lenscap again"
        case .notPermitted(let path):
            "not permitted to use \(path): ask to be added to the group that owns it, then sign in again"
        case .remote(let error): error.description
        case .system(let error): error.description
        }
    }
}
