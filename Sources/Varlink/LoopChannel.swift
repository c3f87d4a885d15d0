package import LinuxSystem

/// NUL-terminated messages over a stream socket, on an ``EventLoop``.
///
/// ## Concurrency model
/// Thread-bound to the loop; no call blocks. The loop holds the channel until it is closed, so it
/// must be ended by ``close()`` if the peer does not end it. ``onMessage`` and ``onClose`` are
/// called from the loop and never from inside a call of this class, so a handler may send, pause
/// and close as it likes.
///
/// A few messages are handed over per turn of the loop: a peer that sends much delays others by
/// those, not by everything it has sent. Everything received before the peer closed is handed
/// over before ``onClose``.
package final class LoopChannel {
    private final class Socket {
        let descriptor: Descriptor
        init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
    }

    private static let chunkSize = 64 * 1024
    private static let messagesPerTurn = 8

    package var onMessage: (([UInt8]) -> Void)?
    /// Called once when the peer or an error ends the channel (nil: the peer closed it between
    /// two messages), not after ``close()``.
    package var onClose: ((VarlinkError?) -> Void)?
    /// When set, the peer may end its own direction and still be sent to.
    var onEnd: (() -> Void)?

    private let loop: EventLoop
    private let backlogLimit: Int
    private var socket: Socket?
    private var watch: EventLoop.Token?
    private var framer: MessageFramer
    private var output: [UInt8] = []
    private var written = 0
    private var isOutputBroken = false
    private var isPaused = false
    private var isDelivering = false
    private var hasLeftover = false
    private var hasEnded = false
    private var hasReportedEnd = false
    private var drainHandlers: [() -> Void] = []

    /// Takes the socket and makes it non-blocking; nothing is read before ``start()``.
    ///
    /// `messageLimit` is the longest message accepted, in bytes; `backlogLimit` the bytes that may
    /// wait for the peer: one more message closes the channel. A message alone may be longer.
    package init(
        loop: EventLoop,
        adopting descriptor: consuming Descriptor,
        messageLimit: Int = MessageFramer.channelLimit,
        backlogLimit: Int = 4 * 1024 * 1024
    ) throws(SystemError) {
        try descriptor.setNonBlocking()
        self.loop = loop
        self.backlogLimit = backlogLimit
        framer = MessageFramer(limit: messageLimit)
        socket = Socket(descriptor)
    }

    package var isOpen: Bool { socket != nil }

    /// Bytes that wait for the peer.
    package var backlog: Int { output.count - written }

    package func start() {
        guard let socket, watch == nil else { return }
        watch = loop.watch(socket.descriptor.raw, wanted) { self.ready($0) }
    }

    /// Sends a message now or as soon as the peer takes it; its NUL is added here.
    ///
    /// False when the channel is closed or the message was one too many for a peer that does not
    /// read; the channel is then closed and ``onClose`` follows.
    @discardableResult
    package func send(_ message: [UInt8]) -> Bool {
        precondition(!message.isEmpty && !message.contains(0), "a message without framing")
        guard isOpen, !isOutputBroken else { return false }
        guard backlog == 0 || backlog + message.count < backlogLimit else {
            fail(.backlogFull(limit: backlogLimit))
            return false
        }
        output += message
        output.append(0)
        flush()
        updateWatch()
        return isOpen
    }

    /// Calls `handler` once from the loop when nothing waits for the peer any more.
    ///
    /// So a long answer goes out piece by piece. It is dropped when the channel closes.
    package func whenDrained(_ handler: @escaping () -> Void) {
        guard isOpen else { return }
        drainHandlers.append(handler)
        if backlog == 0 { scheduleDrain() }
    }

    /// Hands over no message until ``resume()``; a peer that goes meanwhile closes the channel.
    package func pause() {
        isPaused = true
        updateWatch()
    }

    package func resume() {
        guard isPaused else { return }
        isPaused = false
        hasLeftover = true
        continueSoon()
        updateWatch()
    }

    /// Closes at once, without ``onClose``; what waits for the peer is dropped.
    package func close() {
        if let watch { loop.cancel(watch) }
        watch = nil
        socket = nil
        output = []
        written = 0
        drainHandlers = []
        onMessage = nil
        onEnd = nil
        onClose = nil
    }

    /// Reads what has arrived without waiting for the loop to say so, and hands it over.
    func receiveNow() {
        read()
        deliver()
    }

    private var wantsInput: Bool { !hasEnded && !isPaused && !hasLeftover }

    private var wanted: PollEvents {
        var events: PollEvents = []
        if wantsInput { events.insert(.readable) }
        if backlog > 0 { events.insert(.writable) }
        return events
    }

    private func updateWatch() {
        if let watch { loop.change(watch, wanted) }
    }

    private func ready(_ events: PollEvents) {
        if events.contains(.writable) { flush() }
        if events.contains(.readable) { read() }
        deliver()
        let isGone = !events.isDisjoint(with: [.hangUp, .error, .invalid])
        // While input is left the loop comes back here; without any nothing more can come.
        if isGone, isPaused || (hasEnded && !hasLeftover) { fail(nil) }
    }

    private func read() {
        guard let socket, wantsInput else { return }
        var chunk = [UInt8](repeating: 0, count: LoopChannel.chunkSize)
        do throws(SystemError) {
            var span = chunk.mutableSpan
            let count = try span.withUnsafeMutableBytes { (bytes) throws(SystemError) in
                try socket.descriptor.read(into: bytes)
            }
            framer.append(chunk[..<count])
            hasEnded = count == 0
        } catch {
            if error.isWouldBlock { return }
            if error.isDisconnected { hasEnded = true } else { fail(.system(error)) }
        }
    }

    private func deliver() {
        guard !isDelivering else { return }
        isDelivering = true
        defer {
            isDelivering = false
            updateWatch()
        }
        for _ in 0..<LoopChannel.messagesPerTurn {
            guard isOpen, !isPaused else { return }
            do throws(VarlinkError) {
                guard let message = try framer.next() else { return allDelivered() }
                onMessage?(message)
            } catch {
                return fail(error)
            }
        }
        hasLeftover = true
        continueSoon()
    }

    private func allDelivered() {
        hasLeftover = false
        guard hasEnded, !hasReportedEnd else { return }
        hasReportedEnd = true
        if framer.isInsideMessage { return fail(.truncated) }
        guard let onEnd else { return fail(nil) }
        onEnd()
    }

    private func continueSoon() {
        _ = loop.schedule(after: 0) { self.deliver() }
    }

    private func flush() {
        guard let socket else { return }
        do throws(SystemError) {
            while written < output.count {
                let count = try output.span.withUnsafeBytes { (bytes) throws(SystemError) in
                    try UnixSocket.send(
                        socket.descriptor,
                        UnsafeRawBufferPointer(rebasing: bytes[written...])
                    )
                }
                if count == 0 { break }
                written += count
            }
        } catch {
            // The peer takes nothing any more, and may have said something before: the end comes
            // from reading, so that its last messages are not lost.
            isOutputBroken = true
            drainHandlers = []
            written = output.count
        }
        if written == output.count {
            output.removeAll(keepingCapacity: output.count <= LoopChannel.chunkSize)
            written = 0
            if !drainHandlers.isEmpty { scheduleDrain() }
        }
        updateWatch()
    }

    private func scheduleDrain() {
        _ = loop.schedule(after: 0) {
            guard self.isOpen, self.backlog == 0 else { return }
            let handlers = self.drainHandlers
            self.drainHandlers = []
            for handler in handlers { handler() }
        }
    }

    /// Closes at once; ``onClose`` follows in the next turn of the loop.
    func fail(_ error: VarlinkError?) {
        guard isOpen else { return }
        let handler = onClose
        close()
        if let handler { _ = loop.schedule(after: 0) { handler(error) } }
    }
}
