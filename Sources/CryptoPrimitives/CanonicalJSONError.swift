/// Why bytes or a value are not the canonical JSON that was asked for.
package enum CanonicalJSONError: Error, Equatable, Sendable {
    /// Not this grammar; `offset` counts bytes from 0.
    case syntax(SyntaxProblem, offset: Int)
    /// Well formed, but not its own canonical serialisation (unsorted members).
    case notCanonical
    /// A string that cannot be written, since it has characters beyond ASCII.
    case notASCII(String)
    /// An integer that cannot be written, since it is not in 0…2^53 − 1.
    case outOfRange(Int64)
    /// A member is not as its reader asks; `path` is like `keys.0.role`, empty for the whole value.
    case member(path: String, MemberProblem)

    package enum SyntaxProblem: Equatable, Sendable {
        /// The bytes end inside the value.
        case unexpectedEnd
        /// A byte that cannot stand here: white space, `-`, `t`rue, `n`ull, a leading zero, …
        case unexpectedByte(UInt8)
        /// An escape that is not the canonical one for its character.
        case escape
        /// A byte from 0x80 upwards.
        case notASCII
        /// An integer above 2^53 − 1.
        case integerTooLarge
        /// The same member name twice in one object.
        case duplicateMember(String)
        /// Too many arrays and objects inside each other.
        case tooDeep
        /// More bytes after the value.
        case trailingBytes
    }

    package enum MemberProblem: Equatable, Sendable {
        case missing
        case wrongType
        /// An integer or a number of elements or bytes out of the range asked for.
        case outOfRange
        /// A string that is not canonical base64url.
        case notBase64URL
        /// A member that nobody asked for.
        case unknown
        /// A value with a meaning that its reader refuses; for readers' own use.
        case refused(String)
    }
}
