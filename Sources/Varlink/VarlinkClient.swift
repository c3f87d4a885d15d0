internal import LinuxSystem

/// A blocking client of one Varlink socket, for command-line programs.
///
/// Thread-bound: one call at a time. Deadlines are CLOCK_MONOTONIC nanoseconds, nil for ever.
/// After an error other than ``VarlinkError/remote(_:)`` the connection is of no more use, except
/// that ``next(_:deadline:)`` may be called again after ``VarlinkError/timedOut``.
package final class VarlinkClient {
    private struct Call<Parameters: Encodable>: Encodable {
        let method: String
        let parameters: Parameters
        var more: Bool?
        var oneway: Bool?
    }

    private struct ReplyHead: Decodable {
        let error: String?
        let continues: Bool?
        /// Only whether there are any; their content is decoded later.
        let parameters: NoParameters?
    }

    private static let replyLimit = 16 * 1024 * 1024

    private let path: String
    private let channel: MessageChannel
    private var isStreaming = false

    /// Connects to the socket at `path`.
    package init(path: String) throws(VarlinkError) {
        self.path = path
        do throws(SystemError) {
            channel = MessageChannel(
                adopting: try UnixSocket.connect(path: path),
                messageLimit: VarlinkClient.replyLimit
            )
        } catch {
            if error.isPermission { throw .notPermitted(path: path) }
            if error.isNotFound { throw .noSocket(path: path) }
            throw error.isNotConnectable ? .refused(path: path) : .system(error)
        }
    }

    /// For a ``PollEntry``, to wait for a reply beside other things; see ``MessageChannel/raw``.
    package var raw: Int32 { channel.raw }

    /// Calls `method` (fully qualified) and waits for its one reply.
    package func call<Reply: Decodable>(
        _ method: String,
        _ parameters: some Encodable = NoParameters(),
        returning type: Reply.Type = NoParameters.self,
        deadline: Int64? = nil
    ) throws(VarlinkError) -> Reply {
        precondition(!isStreaming, "a call while another one still has replies to come")
        try send(Call(method: method, parameters: parameters), deadline)
        let (message, continues) = try receive(deadline)
        if continues { throw .malformed("several replies to a call for one") }
        return try MessageJSON.decode(ParameterEnvelope<Reply>.self, from: message).parameters
    }

    /// Calls `method` with `more`; the replies come from ``next(_:deadline:)``.
    package func begin(
        _ method: String,
        _ parameters: some Encodable = NoParameters(),
        deadline: Int64? = nil
    ) throws(VarlinkError) {
        precondition(!isStreaming, "a call while another one still has replies to come")
        try send(Call(method: method, parameters: parameters, more: true), deadline)
        isStreaming = true
    }

    /// The next reply to ``begin(_:_:deadline:)``, nil after the last.
    package func next<Reply: Decodable>(
        _ type: Reply.Type,
        deadline: Int64? = nil
    )
        throws(VarlinkError) -> Reply?
    {
        guard isStreaming else { return nil }
        do throws(VarlinkError) {
            let (message, continues) = try receive(deadline)
            isStreaming = continues
            return try MessageJSON.decode(ParameterEnvelope<Reply>.self, from: message).parameters
        } catch {
            if error != .timedOut { isStreaming = false }
            throw error
        }
    }

    /// Calls `method` without waiting: the service answers nothing.
    package func tell(
        _ method: String,
        _ parameters: some Encodable = NoParameters(),
        deadline: Int64? = nil
    ) throws(VarlinkError) {
        try send(Call(method: method, parameters: parameters, oneway: true), deadline)
    }

    private func send(_ call: Call<some Encodable>, _ deadline: Int64?) throws(VarlinkError) {
        try channel.send(try MessageJSON.encode(call), deadline: deadline)
    }

    private func receive(
        _ deadline: Int64?
    ) throws(VarlinkError)
        -> (message: [UInt8], continues: Bool)
    {
        guard let message = try channel.receive(deadline: deadline) else { throw .closed }
        let head = try MessageJSON.decode(ReplyHead.self, from: message)
        if let name = head.error { throw .remote(RemoteError(name: name, reply: message)) }
        let hasParameters = head.parameters != nil
        return (
            hasParameters ? message : Array(#"{"parameters":{}}"#.utf8), head.continues ?? false
        )
    }
}
