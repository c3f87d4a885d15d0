internal import LinuxSystem
internal import Synchronization
internal import Testing
internal import Varlink

/// A Varlink server of its own thread, for the time of one test.
final class ProbeServer: Sendable {
    static let description = """
        # What the tests call.
        interface org.example.probe

        type Details (purpose: string, salt: string)

        method Ping(text: string) -> (text: string)
        method Nested(details: Details, count: ?int) -> (count: int)
        method Count(to: int) -> (number: int)
        # Only with more; for ever.
        method Endless() -> (text: string)
        # Several megabytes, as fast as the client takes them.
        method Stream(replies: int) -> (number: int, text: string)
        # Answers after a while.
        method Later(text: string) -> (text: string)
        # Answers when somebody calls Stop; with more, says first that it waits.
        method Wait() -> (stopped: bool)
        method Stop() -> (stopped: bool)
        # How many calls this connection made before.
        method Memory() -> (calls: int)
        method Broken() -> (value: float)
        method Undone() -> ()
        method Fail() -> ()

        error Busy (message: string)
        error NoSpace (needed: int, available: int)

        """

    struct Text: Codable, Equatable { let text: String }
    struct Number: Codable { let number: Int }
    struct Target: Codable { let to: Int }
    struct Replies: Codable { let replies: Int }
    struct Piece: Codable {
        let number: Int
        let text: String
    }
    struct Details: Codable {
        let purpose: String
        let salt: String
    }
    struct Nested: Codable {
        let details: Details
        let count: Int?
    }
    struct Total: Codable { let count: Int }
    struct Stopped: Codable { let stopped: Bool }
    struct Calls: Codable { let calls: Int }
    struct Value: Codable { let value: Double }
    struct Space: Codable {
        let needed: Int
        let available: Int
    }

    private final class Memory { var calls = 0 }

    /// What the handlers of one server share; it never leaves the server's thread.
    private final class State {
        let loop: EventLoop
        var waiting: [VarlinkCall] = []

        init(_ loop: EventLoop) { self.loop = loop }
    }

    let path: String
    let faults: @Sendable () -> [VarlinkError]
    let connectionCount: @Sendable () -> Int
    private let ended: WakeEvent
    private let thread: NamedThread

    init(_ limits: VarlinkLimits = VarlinkLimits()) throws {
        path =
            "/tmp/lenscap-varlink-\(CurrentProcess.identifier)-\(UInt32.random(in: 0...UInt32.max)).sock"
        let ended = try WakeEvent()
        let log = Log()
        self.ended = ended
        faults = { log.faults.withLock { $0 } }
        connectionCount = { log.connections.withLock { $0 } }
        let raw = try UnixSocket.listen(path: path, permissions: 0o600).release()
        thread = try NamedThread("probe") {
            do {
                try ProbeServer.serve(Descriptor(adopting: raw), limits, until: ended, log)
            } catch {
                Issue.record(error)
            }
        }
    }

    private final class Log: Sendable {
        let faults = Mutex<[VarlinkError]>([])
        let connections = Mutex(0)
    }

    /// Ends the server's thread and closes everything it held but the socket's name.
    func stop() {
        ended.signal()
        thread.join()
    }

    deinit {
        do {
            try Folder(path: "/tmp").remove(String(path.split(separator: "/")[1]))
        } catch {
            Issue.record(error)
        }
    }

    private static func serve(
        _ listener: consuming Descriptor,
        _ limits: VarlinkLimits,
        until ended: WakeEvent,
        _ log: Log
    ) throws {
        let loop = try EventLoop()
        let server = VarlinkServer(
            loop: loop,
            product: VarlinkProduct(
                vendor: "Lenscap",
                product: "Probe",
                version: "1",
                url: "https://example.org/"
            )
        )
        server.onFault = { fault in log.faults.withLock { $0.append(fault) } }
        server.onConnectionsChanged = { count in log.connections.withLock { $0 = count } }
        let interface = VarlinkInterface(
            description: description,
            methods: methods(State(loop)) + streams()
        )
        try server.listen(on: listener, [interface], limits: limits)
        let watch = loop.watch(ended.raw, .readable) { _ in loop.stop() }
        try loop.run()
        loop.cancel(watch)
        server.close()
        // What was to be told in the next turn still is, and lets go of the loop.
        _ = loop.schedule(after: 0) { loop.stop() }
        try loop.run()
    }

    private static func methods(_ state: State) -> [VarlinkMethod] {
        [
            VarlinkMethod("Ping") { call in
                guard let text = call.parameters(as: Text.self) else { return }
                call.reply(text)
            },
            VarlinkMethod("Nested") { call in
                guard let nested = call.parameters(as: Nested.self) else { return }
                call.reply(Total(count: nested.count ?? -1))
            },
            VarlinkMethod("Later") { call in
                guard let text = call.parameters(as: Text.self) else { return }
                _ = state.loop.schedule(after: 20_000_000) { call.reply(text) }
            },
            VarlinkMethod("Wait") { call in
                state.waiting.append(call)
                if call.wantsMore { call.reply(continuing: Stopped(stopped: false)) }
                call.connection.onClose { state.waiting.removeAll { $0 === call } }
            },
            VarlinkMethod("Stop") { call in
                guard call.parameters(as: NoParameters.self) != nil else { return }
                let waiting = state.waiting
                state.waiting = []
                for call in waiting { call.reply(Stopped(stopped: true)) }
                call.reply(Stopped(stopped: !waiting.isEmpty))
            },
            VarlinkMethod("Memory") { call in
                let memory = call.connection.storage as? Memory ?? Memory()
                call.connection.storage = memory
                call.reply(Calls(calls: memory.calls))
                memory.calls += 1
            },
            VarlinkMethod("Broken") { $0.reply(Value(value: .infinity)) },
            VarlinkMethod("Fail") { call in
                call.fail("org.example.probe.NoSpace", Space(needed: 7, available: 3))
                // A second answer must not reach the client.
                call.reply()
            },
        ]
    }

    private static func streams() -> [VarlinkMethod] {
        [
            VarlinkMethod("Count") { call in
                guard let target = call.parameters(as: Target.self) else { return }
                for number in 0..<target.to { call.reply(continuing: Number(number: number)) }
                call.reply(Number(number: target.to))
            },
            VarlinkMethod("Endless", .onlyMore) { call in
                while call.isOpen {
                    call.reply(continuing: Text(text: String(repeating: "x", count: 1000)))
                }
            },
            VarlinkMethod("Stream", .onlyMore) { call in
                guard let wanted = call.parameters(as: Replies.self) else { return }
                send(0, of: wanted.replies, to: call)
            },
        ]
    }

    private static func send(_ number: Int, of replies: Int, to call: VarlinkCall) {
        let piece = Piece(number: number, text: String(repeating: "y", count: 10_000))
        guard number + 1 < replies else { return call.reply(piece) }
        call.reply(continuing: piece)
        call.whenDrained { send(number + 1, of: replies, to: call) }
    }
}

/// A client that sends what it likes, byte by byte if need be.
final class RawClient: Sendable {
    let descriptor: Descriptor
    private let channel: MessageChannel

    init(_ path: String) throws {
        let connected = try UnixSocket.connect(path: path)
        descriptor = try connected.duplicate()
        channel = MessageChannel(adopting: connected)
    }

    func send(_ text: String) throws { try descriptor.writeAll(Array(text.utf8)) }

    func call(_ method: String, _ parameters: String = "{}", _ more: String = "") throws {
        try send(
            #"{"method":"org.example.probe.\#(method)","parameters":\#(parameters)\#(more)}"# + "\0"
        )
    }

    /// Makes a call that is underway from here on and ends with the next Stop.
    func wait() throws {
        try call("Wait", "{}", #","more":true"#)
        #expect(try reply() == #"{"continues":true,"parameters":{"stopped":false}}"#)
    }

    /// The next reply as text, nil at the end of the connection.
    func reply() throws(VarlinkError) -> String? {
        try channel.receive(deadline: Clock.monotonic.now() + 20_000_000_000)
            .map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Waits for something another thread does; a condition that never comes is a failed test.
func eventually(_ what: Comment, _ condition: () -> Bool) {
    let deadline = Clock.monotonic.now() + 20_000_000_000
    while !condition() {
        if Clock.monotonic.now() > deadline {
            Issue.record(what)
            return
        }
        Clock.monotonic.sleep(until: Clock.monotonic.now() + 1_000_000)
    }
}

func openDescriptors() throws -> Int {
    let folder = try Folder(path: "/proc/self/fd")
    return try folder.names().count
}
