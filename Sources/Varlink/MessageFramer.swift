/// Cuts a stream of bytes into NUL-terminated messages (varlink.org, "Method Call").
///
/// Pure: bytes in, messages out. It holds at most `limit` bytes of an unfinished message plus
/// what one ``append(_:)`` brought. After an error the stream has no sync point left, so the same
/// error is thrown for ever.
package struct MessageFramer: Sendable {
    /// The longest message, in bytes without its NUL.
    package let limit: Int
    private var buffer: [UInt8] = []
    /// Where the current message begins, and how far it was searched for its end.
    private var start = 0
    private var searched = 0
    private var failure: VarlinkError?

    package static let serverLimit = 64 * 1024
    package static let channelLimit = 1024 * 1024

    package init(limit: Int = MessageFramer.serverLimit) {
        precondition(limit > 0)
        self.limit = limit
    }

    /// True inside a message: if the stream ended now, it would have been cut.
    package var isInsideMessage: Bool { start < buffer.count }

    package mutating func append(_ bytes: some Collection<UInt8>) {
        guard failure == nil else { return }
        if start > 0 {
            buffer.removeFirst(start)
            searched -= start
            start = 0
        }
        buffer += bytes
    }

    /// The next whole message without its NUL, nil when more bytes are needed.
    package mutating func next() throws(VarlinkError) -> [UInt8]? {
        if let failure { throw failure }
        guard let end = buffer[searched...].firstIndex(of: 0) else {
            searched = buffer.count
            if buffer.count - start > limit { throw fail(.messageTooLong(limit: limit)) }
            return nil
        }
        guard end > start else { throw fail(.emptyMessage) }
        guard end - start <= limit else { throw fail(.messageTooLong(limit: limit)) }
        let message = Array(buffer[start..<end])
        start = end + 1
        searched = start
        return message
    }

    private mutating func fail(_ error: VarlinkError) -> VarlinkError {
        failure = error
        buffer = []
        start = 0
        searched = 0
        return error
    }
}
