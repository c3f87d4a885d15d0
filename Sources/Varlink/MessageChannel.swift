package import LinuxSystem
private import Synchronization

/// NUL-terminated messages over a stream socket, for threads that may block.
///
/// ## Concurrency model
/// ``send(_:deadline:)`` and ``shutDown()`` are thread-safe: a message is never torn by another.
/// ``receive(deadline:)`` belongs to one thread at a time. Deadlines are CLOCK_MONOTONIC
/// nanoseconds, nil for ever.
package final class MessageChannel: Sendable {
    private struct Output {
        /// Part of a message has gone out, so nothing may follow.
        var isTorn = false
    }

    private let descriptor: Descriptor
    private let output = Mutex(Output())
    private let input: Mutex<MessageFramer>
    private let receiver = SoleUser()

    package init(
        adopting descriptor: consuming Descriptor,
        messageLimit: Int = MessageFramer.channelLimit
    ) {
        self.descriptor = descriptor
        input = Mutex(MessageFramer(limit: messageLimit))
    }

    /// For a ``PollEntry`` of a thread that waits for other things too.
    ///
    /// Whole messages may be here already: call ``receive(deadline:)`` with a past deadline until it times out.
    package var raw: Int32 { descriptor.raw }

    /// Sends a message; its NUL is added here.
    ///
    /// After `.timedOut` the channel can send no more.
    package func send(_ message: [UInt8], deadline: Int64? = nil) throws(VarlinkError) {
        precondition(!message.isEmpty && !message.contains(0), "a message without framing")
        let bytes = message + [0]
        let failure: VarlinkError? = output.withLock { state in
            if state.isTorn { return .closed }
            do throws(VarlinkError) {
                try MessageChannel.write(bytes, to: descriptor, deadline: deadline)
                return nil
            } catch {
                state.isTorn = true
                return error
            }
        }
        if let failure { throw failure }
    }

    /// The next message without its NUL, nil when the peer has closed between two messages.
    package func receive(deadline: Int64? = nil) throws(VarlinkError) -> [UInt8]? {
        receiver.enter()
        defer { receiver.leave() }
        while true {
            let (message, isInsideMessage) = try nextMessage()
            if let message { return message }
            let chunk = try MessageChannel.read(descriptor, deadline: deadline)
            if chunk.isEmpty {
                if isInsideMessage { throw .truncated }
                return nil
            }
            input.withLock { $0.append(chunk) }
        }
    }

    /// Ends both directions; every waiting call returns.
    package func shutDown() {
        UnixSocket.shutDown(descriptor)
    }

    private func nextMessage() throws(VarlinkError) -> (message: [UInt8]?, isInsideMessage: Bool) {
        try input.withLock { (framer) throws(VarlinkError) in
            (try framer.next(), framer.isInsideMessage)
        }
    }

    /// Waits for bytes and reads them; none means the end.
    static func read(
        _ descriptor: borrowing Descriptor,
        deadline: Int64?
    ) throws(VarlinkError)
        -> ArraySlice<UInt8>
    {
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        do throws(SystemError) {
            var span = chunk.mutableSpan
            let raw = descriptor.raw
            while true {
                var entries = [PollEntry(raw, .readable)]
                if try entries.poll(deadline: deadline) == 0 { break }
                do throws(SystemError) {
                    let count = try span.withUnsafeMutableBytes { (bytes) throws(SystemError) in
                        try descriptor.read(into: bytes)
                    }
                    return chunk[..<count]
                } catch {
                    if error.isDisconnected { return [] }
                    if !error.isWouldBlock { throw error }
                }
            }
        } catch {
            throw .system(error)
        }
        throw .timedOut
    }

    /// Writes every byte without SIGPIPE, waiting while the peer takes none.
    static func write(
        _ bytes: [UInt8],
        to descriptor: borrowing Descriptor,
        deadline: Int64?
    )
        throws(VarlinkError)
    {
        var written = 0
        let raw = descriptor.raw
        do throws(SystemError) {
            while written < bytes.count {
                let count = try bytes.span.withUnsafeBytes { (all) throws(SystemError) in
                    try UnixSocket.send(
                        descriptor,
                        UnsafeRawBufferPointer(rebasing: all[written...])
                    )
                }
                written += count
                if count > 0 { continue }
                var entries = [PollEntry(raw, .writable)]
                if try entries.poll(deadline: deadline) == 0 { break }
            }
        } catch {
            throw error.isDisconnected ? .closed : .system(error)
        }
        if written < bytes.count { throw .timedOut }
    }
}
