internal import LinuxSystem

/// One client of a ``VarlinkServer``, thread-bound to the server's loop.
///
/// Calls are answered in the order they came (varlink.org, "Method Call"): the next is not handed
/// to its handler before the one before it is finished. A method of
/// ``VarlinkLimits/reservedMethods`` is the exception: it is handled the moment it arrives, and
/// its reply waits its turn, so that a `Stop` is not held by the calls in front of it.
package final class VarlinkConnection {
    /// Calls of one client that may wait; more stay unread in the socket.
    private static let mostWaiting = 16

    /// Never used twice by a server.
    package let identifier: UInt64
    /// Whatever the handlers want to keep for this client; released when it has gone.
    package var storage: AnyObject?
    /// Whether it came when all slots were taken and may only call the reserved methods.
    let isReserved: Bool
    private let channel: LoopChannel
    private let router: VarlinkRouter
    private let limits: VarlinkLimits
    private var ending: ((VarlinkConnection, VarlinkError?) -> Void)?
    private var closeHandlers: [() -> Void] = []
    private var calls: [VarlinkCall] = []
    private var held: [ObjectIdentifier: [[UInt8]]] = [:]
    private var heldBytes = 0
    private var isAdvancing = false
    private var closesWhenDone = false

    init(
        identifier: UInt64,
        isReserved: Bool,
        channel: LoopChannel,
        router: VarlinkRouter,
        limits: VarlinkLimits,
        ending: @escaping (VarlinkConnection, VarlinkError?) -> Void
    ) {
        self.identifier = identifier
        self.isReserved = isReserved
        self.channel = channel
        self.router = router
        self.limits = limits
        self.ending = ending
    }

    package var isOpen: Bool { channel.isOpen }

    /// Whether it has ever called anything: who has not may have to make room.
    private(set) var hasCalled = false

    /// Whether a call has come and is not answered yet.
    package var isBusy: Bool { !calls.isEmpty }

    /// Calls `handler` once when the client has gone, at once when it has gone already: from the
    /// loop, or inside ``close()``, never inside an answer to a call.
    package func onClose(_ handler: @escaping () -> Void) {
        guard isOpen else { return handler() }
        closeHandlers.append(handler)
    }

    /// Ends the connection; unsent replies are dropped.
    package func close() { end(nil) }

    /// Closes now and lets everybody know in the next turn: it may be called from a handler.
    func fail(_ error: VarlinkError) { channel.fail(error) }

    func start() {
        channel.onMessage = { self.receive($0) }
        channel.onClose = { self.end($0) }
        channel.onEnd = {
            self.closesWhenDone = true
            self.closeIfDone()
        }
        channel.start()
        channel.receiveNow()
    }

    func receiveNow() { channel.receiveNow() }

    func whenDrained(_ handler: @escaping () -> Void) { channel.whenDrained(handler) }

    /// Sends a reply of `call`, or keeps it until the calls before it are answered.
    func emit(_ reply: [UInt8], of call: VarlinkCall) {
        if calls.first === call {
            channel.send(reply)
            return
        }
        heldBytes += reply.count
        guard heldBytes <= limits.backlog else {
            return channel.fail(.backlogFull(limit: limits.backlog))
        }
        held[ObjectIdentifier(call), default: []].append(reply)
    }

    /// Goes on to the next call after one has been answered.
    func advance() {
        guard !isAdvancing else { return }
        isAdvancing = true
        defer { isAdvancing = false }
        while isOpen, let first = calls.first {
            if !first.isDispatched { dispatch(first) }
            for reply in held.removeValue(forKey: ObjectIdentifier(first)) ?? [] {
                heldBytes -= reply.count
                channel.send(reply)
            }
            guard first.isFinished, !calls.isEmpty else { break }
            calls.removeFirst()
        }
        if calls.count < VarlinkConnection.mostWaiting { channel.resume() }
        closeIfDone()
    }

    private func receive(_ message: [UInt8]) {
        // The reserved slot is for one call.
        if isReserved && closesWhenDone { return }
        do throws(VarlinkError) {
            let call = try VarlinkCall(connection: self, message: message)
            hasCalled = true
            calls.append(call)
            if limits.reservedMethods.contains(call.fullMethod) { dispatch(call) }
        } catch {
            return end(error)
        }
        if isReserved { closesWhenDone = true }
        if calls.count >= VarlinkConnection.mostWaiting { channel.pause() }
        advance()
    }

    private func dispatch(_ call: VarlinkCall) {
        call.isDispatched = true
        guard isReserved, !limits.reservedMethods.contains(call.fullMethod) else {
            return router.dispatch(call)
        }
        call.fail(limits.refusal.error, ["message": limits.refusal.message])
    }

    private func closeIfDone() {
        guard closesWhenDone, isOpen, calls.isEmpty else { return }
        if channel.backlog == 0 { return channel.fail(nil) }
        channel.whenDrained { self.closeIfDone() }
    }

    private func end(_ error: VarlinkError?) {
        guard let ending else { return }
        self.ending = nil
        channel.close()
        calls = []
        held = [:]
        ending(self, error)
        let handlers = closeHandlers
        closeHandlers = []
        for handler in handlers { handler() }
        storage = nil
    }
}
