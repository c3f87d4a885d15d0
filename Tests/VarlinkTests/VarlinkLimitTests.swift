internal import LinuxSystem
internal import Testing
internal import Varlink

extension VarlinkTests {
    @Suite("Limits of the server")
    struct Limits {
        private static let reserving = VarlinkLimits(
            connections: 2,
            reservedMethods: ["org.example.probe.Stop"],
            refusal: .init(error: "org.example.probe.Busy", message: "later")
        )

        /// Two clients that hold both slots.
        private func fill(_ server: ProbeServer) throws -> [RawClient] {
            let clients = [try RawClient(server.path), try RawClient(server.path)]
            for client in clients {
                try client.call("Ping", #"{"text":"a"}"#)
                _ = try client.reply()
            }
            return clients
        }

        @Test("When every slot is taken, Stop gets through and nothing else does")
        func reservedSlot() throws {
            let server = try ProbeServer(Limits.reserving)
            defer { server.stop() }
            let clients = try fill(server)
            try clients[0].wait()

            let curious = try RawClient(server.path)
            try curious.call("Ping", #"{"text":"a"}"#)
            #expect(
                try curious.reply()
                    == #"{"error":"org.example.probe.Busy","parameters":{"message":"later"}}"#
            )
            #expect(try curious.reply() == nil)

            let stopping = try RawClient(server.path)
            try stopping.call("Stop")
            #expect(try clients[0].reply() == #"{"parameters":{"stopped":true}}"#)
            #expect(try stopping.reply() == #"{"parameters":{"stopped":true}}"#)
            #expect(try stopping.reply() == nil)
            withExtendedLifetime(clients) {}
        }

        @Test("Whoever sits in the reserved slot without a call gives way to the next")
        func squatters() throws {
            let server = try ProbeServer(Limits.reserving)
            defer { server.stop() }
            let clients = try fill(server)
            let squatters = try (0..<20).map { _ in try RawClient(server.path) }
            let unfinished = try RawClient(server.path)
            try unfinished.send("{")
            let stopping = try RawClient(server.path)
            try stopping.call("Stop")
            #expect(try stopping.reply() == #"{"parameters":{"stopped":false}}"#)
            for squatter in squatters { #expect(try squatter.reply() == nil) }
            withExtendedLifetime(clients) {}
        }

        @Test("Hundreds of silent and slow clients keep nobody out who calls")
        func silentClients() throws {
            let server = try ProbeServer(
                VarlinkLimits(connections: 16, reservedMethods: ["org.example.probe.Stop"])
            )
            defer { server.stop() }
            let working = try RawClient(server.path)
            try working.call("Ping", #"{"text":"a"}"#)
            #expect(try working.reply() == #"{"parameters":{"text":"a"}}"#)
            var silent: [RawClient] = []
            for number in 0..<400 {
                let client = try RawClient(server.path)
                if number.isMultiple(of: 2) { try? client.send("{\"method\":") }
                silent.append(client)
                guard number.isMultiple(of: 50) else { continue }
                let newcomer = try RawClient(server.path)
                try newcomer.call("Ping", #"{"text":"n"}"#)
                #expect(try newcomer.reply() == #"{"parameters":{"text":"n"}}"#)
                try working.call("Ping", #"{"text":"b"}"#)
                #expect(try working.reply() == #"{"parameters":{"text":"b"}}"#)
            }
            withExtendedLifetime(silent) {}
        }

        @Test("A slot is free again when its client has gone")
        func freed() throws {
            let server = try ProbeServer(Limits.reserving)
            defer { server.stop() }
            var clients = try fill(server)
            clients.removeLast()
            eventually("the slot is free") { server.connectionCount() == 1 }
            let next = try RawClient(server.path)
            try next.call("Ping", #"{"text":"a"}"#)
            #expect(try next.reply() == #"{"parameters":{"text":"a"}}"#)
            withExtendedLifetime(clients) {}
        }

        @Test("Without a reserved method one client too many is closed")
        func noReserve() throws {
            let server = try ProbeServer(VarlinkLimits(connections: 2))
            defer { server.stop() }
            let clients = try fill(server)
            let next = try RawClient(server.path)
            #expect(try next.reply() == nil)
            try clients[0].call("Ping", #"{"text":"a"}"#)
            #expect(try clients[0].reply() != nil)
        }

        @Test("Stop is done at once behind an unfinished call of its own connection")
        func stopBehindCall() throws {
            let server = try ProbeServer(Limits.reserving)
            defer { server.stop() }
            let client = try RawClient(server.path)
            try client.call("Wait")
            try client.call("Ping", #"{"text":"between"}"#)
            try client.call("Stop")
            #expect(try client.reply() == #"{"parameters":{"stopped":true}}"#)
            #expect(try client.reply() == #"{"parameters":{"text":"between"}}"#)
            #expect(try client.reply() == #"{"parameters":{"stopped":true}}"#)
        }

        @Test("A Stop whose sender hangs up at once is still done")
        func stopAndGone() throws {
            let server = try ProbeServer(Limits.reserving)
            defer { server.stop() }
            let waiting = try RawClient(server.path)
            try waiting.wait()
            try RawClient(server.path).call("Stop", "{}", #","oneway":true"#)
            #expect(try waiting.reply() == #"{"parameters":{"stopped":true}}"#)
        }

        @Test("A client that never reads its replies is closed, and others are served meanwhile")
        func neverReads() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let lazy = try RawClient(server.path)
            try lazy.call("Endless", "{}", #","more":true"#)
            let other = try RawClient(server.path)
            try other.call("Ping", #"{"text":"a"}"#)
            #expect(try other.reply() == #"{"parameters":{"text":"a"}}"#)
            eventually("the lazy client is closed") { server.connectionCount() == 1 }
            #expect(server.faults() == [.backlogFull(limit: 256 * 1024)])
            // What the kernel had taken before is there, then the end.
            var replies = 0
            do throws(VarlinkError) {
                while try lazy.reply() != nil { replies += 1 }
            } catch {
                #expect(error == .truncated)
            }
            #expect(replies > 10)
        }

        @Test("A client that only sends is not read without end")
        func neverReadsPings() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let client = try RawClient(server.path)
            try client.call("Wait")
            // 4 MB of calls behind one that is not answered: they must stay in the client.
            let call =
                #"{"method":"org.example.probe.Ping","parameters":{"text":"\#(String(repeating: "z", count: 4000))"}}"#
            let channel = MessageChannel(adopting: try client.descriptor.duplicate())
            #expect(throws: VarlinkError.timedOut) {
                for _ in 0..<1000 {
                    try channel.send(
                        Array(call.utf8),
                        deadline: Clock.monotonic.now() + 300_000_000
                    )
                }
            }
            #expect(server.connectionCount() == 1)
        }

        @Test("A long answer goes out piece by piece to whoever reads it")
        func stream() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let client = try VarlinkClient(path: server.path)
            try client.begin("org.example.probe.Stream", ProbeServer.Replies(replies: 800))
            var numbers: [Int] = []
            while let piece = try client.next(ProbeServer.Piece.self) {
                numbers.append(piece.number)
            }
            #expect(numbers == Array(0..<800))
            #expect(server.faults().isEmpty)
        }

        @Test("Two hundred idle clients do not keep one from being served")
        func idleClients() throws {
            let server = try ProbeServer(VarlinkLimits(connections: 201))
            defer { server.stop() }
            let idle = try (0..<200).map { index in
                let client = try RawClient(server.path)
                if index.isMultiple(of: 2) { try client.send("{\"method\":") }
                return client
            }
            let client = try RawClient(server.path)
            for number in 0..<500 {
                try client.call("Ping", #"{"text":"\#(number)"}"#)
                #expect(try client.reply() == #"{"parameters":{"text":"\#(number)"}}"#)
            }
            #expect(server.connectionCount() == 201)
            withExtendedLifetime(idle) {}
        }

        @Test(
            "Every descriptor is given back: clients that go, that are thrown out, and the server"
        )
        func descriptors() throws {
            // The runtime opens some of its own in the first round.
            try comeAndGo()
            let before = try openDescriptors()
            for _ in 0..<3 { try comeAndGo() }
            eventually("as many are open as before") { (try? openDescriptors()) == before }
        }

        private func comeAndGo() throws {
            let server = try ProbeServer(Limits.reserving)
            defer { server.stop() }
            // Once it answers, it has opened what it needs for itself.
            _ = try fill(server)
            eventually("the first clients are gone") { server.connectionCount() == 0 }
            let running = try openDescriptors()
            for round in 0..<30 {
                let client = try RawClient(server.path)
                try client.call("Wait")
                let other = try RawClient(server.path)
                try other.send(round.isMultiple(of: 3) ? "\0" : "{")
                let third = try RawClient(server.path)
                if round.isMultiple(of: 2) { try third.call("Stop") }
            }
            eventually("all clients are gone") { server.connectionCount() == 0 }
            eventually("their descriptors too") { (try? openDescriptors()) == running }
        }
    }
}
