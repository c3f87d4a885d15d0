package import LinuxSystem

/// How much one listening socket takes from its clients.
package struct VarlinkLimits: Sendable {
    /// What a client is told that came when every slot was taken and asked for something else.
    package struct Refusal: Sendable {
        package let error: String
        package let message: String

        package init(error: String, message: String) {
            self.error = error
            self.message = message
        }
    }

    /// Clients at a time.
    ///
    /// One more takes the place of one that never called anything; if there is none, it gets the
    /// reserved slot, if there is one, or is closed.
    package var connections: Int
    /// Bytes of a call.
    package var message: Int
    /// Bytes of replies that may wait for one client; one that lets more wait is closed.
    ///
    /// A single reply may be longer.
    package var backlog: Int
    /// Methods (fully qualified) that always get through: one slot is kept for them, and they do
    /// not wait for calls in front of them on the same connection.
    package var reservedMethods: Set<String>
    package var refusal: Refusal

    package init(
        connections: Int = 64,
        message: Int = MessageFramer.serverLimit,
        backlog: Int = 256 * 1024,
        reservedMethods: Set<String> = [],
        refusal: Refusal = Refusal(
            error: "org.varlink.service.PermissionDenied",
            message: "too many clients: try again later"
        )
    ) {
        self.connections = connections
        self.message = message
        self.backlog = backlog
        self.reservedMethods = reservedMethods
        self.refusal = refusal
    }
}

/// Serves Varlink interfaces on listening sockets (varlink.org).
///
/// ## Concurrency model
/// Thread-bound to its ``EventLoop``: methods' handlers run there and must not block. Nothing a
/// client does or leaves undone blocks it: sockets are non-blocking, what waits for a client is
/// bounded, and each client is served a few messages per turn.
package final class VarlinkServer {
    private final class Listener {
        let descriptor: Descriptor
        let router: VarlinkRouter
        let limits: VarlinkLimits
        var watch: EventLoop.Token?
        var connections: [UInt64: VarlinkConnection] = [:]
        var reserved: VarlinkConnection?

        init(_ descriptor: consuming Descriptor, _ router: VarlinkRouter, _ limits: VarlinkLimits) {
            self.descriptor = descriptor
            self.router = router
            self.limits = limits
        }
    }

    private static let acceptsPerTurn = 16
    private static let acceptPause: Int64 = 100_000_000

    /// Called after a client came or went: what is left may be none.
    package var onConnectionsChanged: ((Int) -> Void)?
    /// Called for what went wrong without being any caller's business: a connection that could
    /// not be accepted, a client closed for breaking the protocol or not reading.
    package var onFault: ((VarlinkError) -> Void)?

    private let loop: EventLoop
    private let product: VarlinkProduct
    private var listeners: [Listener] = []
    private var lastIdentifier: UInt64 = 0

    package init(loop: EventLoop, product: VarlinkProduct) {
        self.loop = loop
        self.product = product
    }

    /// Serves `interfaces` and `org.varlink.service` to whoever may open the socket.
    ///
    /// `descriptor` is a listening stream socket, owned from here on.
    package func listen(
        on descriptor: consuming Descriptor,
        _ interfaces: [VarlinkInterface],
        limits: VarlinkLimits = VarlinkLimits()
    ) throws(SystemError) {
        try descriptor.setNonBlocking()
        let listener = Listener(descriptor, VarlinkRouter(product, interfaces), limits)
        listener.watch = loop.watch(listener.descriptor.raw, .readable) { [unowned listener] _ in
            self.accept(listener)
        }
        listeners.append(listener)
    }

    package var connectionCount: Int {
        listeners.reduce(0) { $0 + $1.connections.count + ($1.reserved == nil ? 0 : 1) }
    }

    /// Stops listening and closes every connection; their handlers for closing run.
    ///
    /// A loop that is to go away afterwards should make one more turn, which tells what was left
    /// to be told in it.
    package func close() {
        let ended = listeners
        listeners = []
        for listener in ended {
            if let watch = listener.watch { loop.cancel(watch) }
            listener.watch = nil
            for connection in listener.connections.values { connection.close() }
            listener.reserved?.close()
        }
    }

    private func accept(_ listener: Listener) {
        // A handler may close the server while its socket is being emptied.
        for _ in 0..<VarlinkServer.acceptsPerTurn where listener.watch != nil {
            do throws(SystemError) {
                guard let socket = try UnixSocket.accept(listener.descriptor) else { return }
                if listener.connections.count >= listener.limits.connections {
                    makeRoom(listener)
                }
                guard listener.connections.count < listener.limits.connections else {
                    return try useReservedSlot(socket, of: listener)
                }
                try add(socket, to: listener, isReserved: false)
            } catch {
                onFault?(.system(error))
                return pauseAccepting(listener)
            }
        }
    }

    /// Closes the client that has been here longest without ever calling anything, so that silent
    /// and slow ones cannot keep others out.
    private func makeRoom(_ listener: Listener) {
        let silent = listener.connections.values.filter { !$0.hasCalled }
        guard let oldest = silent.min(by: { $0.identifier < $1.identifier }) else { return }
        oldest.receiveNow()
        if !oldest.hasCalled { oldest.close() }
    }

    /// Out of descriptors, say: the socket would stay readable and the loop would spin.
    private func pauseAccepting(_ listener: Listener) {
        guard let watch = listener.watch else { return }
        loop.change(watch, [])
        _ = loop.schedule(after: VarlinkServer.acceptPause) { [loop] in
            loop.change(watch, .readable)
        }
    }

    /// One such client per turn, so that each is heard before the next may take its place.
    private func useReservedSlot(
        _ socket: consuming Descriptor,
        of listener: Listener
    )
        throws(SystemError)
    {
        guard !listener.limits.reservedMethods.isEmpty else { return }
        if let holder = listener.reserved {
            holder.receiveNow()
            if holder.isOpen && holder.isBusy { return }
            // Whoever holds the slot without asking for anything must not keep others from it.
            holder.close()
        }
        try add(socket, to: listener, isReserved: true)
    }

    private func add(
        _ socket: consuming Descriptor,
        to listener: Listener,
        isReserved: Bool
    ) throws(SystemError) {
        let channel = try LoopChannel(
            loop: loop,
            adopting: socket,
            messageLimit: listener.limits.message,
            backlogLimit: listener.limits.backlog
        )
        lastIdentifier += 1
        let connection = VarlinkConnection(
            identifier: lastIdentifier,
            isReserved: isReserved,
            channel: channel,
            router: listener.router,
            limits: listener.limits
        ) { [weak self, weak listener] connection, error in
            if let listener { VarlinkServer.remove(connection, from: listener) }
            guard let self else { return }
            if let error { onFault?(error) }
            onConnectionsChanged?(connectionCount)
        }
        if isReserved {
            listener.reserved = connection
        } else {
            listener.connections[connection.identifier] = connection
        }
        onConnectionsChanged?(connectionCount)
        connection.start()
    }

    private static func remove(_ connection: VarlinkConnection, from listener: Listener) {
        if listener.reserved === connection { listener.reserved = nil }
        listener.connections[connection.identifier] = nil
    }
}
