internal import LinuxSystem
internal import Synchronization
internal import Testing
internal import Varlink

/// Two connected ends, each to be given away.
private struct Pair: ~Copyable {
    let near: Descriptor
    let far: Descriptor

    init() throws(SystemError) {
        let ends = try UnixSocket.pair()
        let first = try ends.near.duplicate()
        let second = try ends.far.duplicate()
        near = first
        far = second
    }
}

extension VarlinkTests {
    @Suite("Message channels")
    struct Channels {
        private static func soon() -> Int64 { Clock.monotonic.now() + 20_000_000_000 }

        @Test("Messages of many threads arrive whole, each thread's in order")
        func threads() throws {
            let ends = try Pair()
            let sender = MessageChannel(adopting: ends.near)
            let receiver = MessageChannel(adopting: ends.far)
            let threads = try (0..<4).map { thread in
                try NamedThread("sender \(thread)") {
                    for number in 0..<200 {
                        let padding = String(repeating: "p", count: (number * 997) % 20_000)
                        do {
                            try sender.send(Array("\(thread) \(number) \(padding).".utf8))
                        } catch {
                            Issue.record(error)
                        }
                    }
                }
            }
            var next = [0, 0, 0, 0]
            for _ in 0..<800 {
                let message = try #require(try receiver.receive(deadline: Channels.soon()))
                let words = String(decoding: message, as: UTF8.self).split(separator: " ")
                let thread = try #require(Int(words[0]))
                #expect(Int(words[1]) == next[thread])
                #expect(words[2].count == (next[thread] * 997) % 20_000 + 1)
                next[thread] += 1
            }
            for thread in threads { thread.join() }
        }

        @Test("The end between messages is nil, inside one it is an error")
        func ends() throws {
            for (text, expected) in [("a\0", nil), ("a\0b", VarlinkError.truncated)] {
                let ends = try Pair()
                let receiver = MessageChannel(adopting: ends.far)
                try ends.near.writeAll(Array(text.utf8))
                UnixSocket.shutDown(ends.near)
                #expect(try receiver.receive() == [97])
                if let expected {
                    #expect(throws: expected) { try receiver.receive() }
                } else {
                    #expect(try receiver.receive() == nil)
                }
            }
        }

        @Test("Sending to a peer that is gone or does not take it is an error, not a signal")
        func refusedSend() throws {
            let ends = try Pair()
            let sender = MessageChannel(adopting: ends.near)
            let large = [UInt8](repeating: 65, count: 4_000_000)
            #expect(throws: VarlinkError.timedOut) {
                try sender.send(large, deadline: Clock.monotonic.now() + 10_000_000)
            }
            // A part of it is on its way, so nothing sensible can follow.
            #expect(throws: VarlinkError.closed) { try sender.send([65]) }

            let others = try Pair()
            let lonely = MessageChannel(adopting: others.near)
            UnixSocket.shutDown(others.far)
            #expect(throws: VarlinkError.closed) { try lonely.send([65]) }
        }

        @Test("Shutting down wakes the thread that receives")
        func shutDown() throws {
            let ends = try Pair()
            let channel = MessageChannel(adopting: ends.near)
            let outcome = Outcome()
            let thread = try NamedThread("receiver") {
                outcome.set((try? channel.receive()) == .some(nil))
            }
            channel.shutDown()
            thread.join()
            #expect(outcome.value)
        }

        private final class Outcome: Sendable {
            private let stored = Mutex(false)
            func set(_ value: Bool) { stored.withLock { $0 = value } }
            var value: Bool { stored.withLock { $0 } }
        }

        /// The loop's end of a channel, run on this thread until it has closed.
        private func collect(
            _ descriptor: consuming Descriptor,
            backlog: Int = 4 * 1024 * 1024,
            _ body: (LoopChannel) -> Void = { _ in }
        ) throws -> (messages: [String], error: VarlinkError?) {
            let loop = try EventLoop()
            let channel = try LoopChannel(loop: loop, adopting: descriptor, backlogLimit: backlog)
            var messages: [String] = []
            var closings: [VarlinkError?] = []
            channel.onMessage = { messages.append(String(decoding: $0, as: UTF8.self)) }
            channel.onClose = {
                closings.append($0)
                loop.stop()
            }
            channel.start()
            body(channel)
            #expect(closings.isEmpty, "closing is told from the loop only")
            try loop.run()
            #expect(closings.count == 1)
            #expect(!channel.isOpen)
            return (messages, closings.first ?? nil)
        }

        @Test("Everything sent before the peer closed is handed over before the end")
        func lastWords() throws {
            let ends = try Pair()
            let raw = ends.near.release()
            let thread = try NamedThread("peer") {
                let channel = MessageChannel(adopting: Descriptor(adopting: raw))
                for number in 0..<150 {
                    do { try channel.send(Array("\(number)".utf8)) } catch { Issue.record(error) }
                }
            }
            let (messages, error) = try collect(ends.far) { channel in
                // All of it fits into the socket. The peer is gone before this arrives; its messages count all the same.
                thread.join()
                channel.send([65])
            }
            #expect(messages == (0..<150).map(String.init))
            #expect(error == nil)
        }

        @Test("A peer that ends inside a message is told from one that ends after it")
        func truncated() throws {
            let ends = try Pair()
            try ends.near.writeAll(Array("whole\0half".utf8))
            UnixSocket.shutDown(ends.near)
            let (messages, error) = try collect(ends.far)
            #expect(messages == ["whole"])
            #expect(error == .truncated)
        }

        @Test("A peer that does not read is given up when its backlog is full")
        func backlog() throws {
            let ends = try Pair()
            let (_, error) = try collect(ends.far, backlog: 100_000) { channel in
                // One message may be longer than the backlog.
                #expect(channel.send([UInt8](repeating: 65, count: 1_000_000)))
                #expect(channel.backlog > 0)
                #expect(!channel.send([66]))
                #expect(!channel.isOpen)
            }
            #expect(error == .backlogFull(limit: 100_000))
        }
    }
}
