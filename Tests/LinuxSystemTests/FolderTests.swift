import LinuxSystem
import TestSupport
import Testing

@Suite struct FolderTests {
    @Test("A durable write leaves the file whole and no temporary name")
    func durableWrite() throws {
        let place = TemporaryFolder()
        let folder = try Folder(path: place.path)
        try folder.writeDurably("lesson", [1, 2, 3], permissions: 0o600)
        #expect(try folder.read("lesson", limit: 10) == [1, 2, 3])
        #expect(try folder.names() == ["lesson"])
        #expect(try folder.file("lesson").status().permissions == 0o600)
    }

    @Test("An existing file is kept unless replacing is asked for")
    func existingStays() throws {
        let place = TemporaryFolder()
        let folder = try Folder(path: place.path)
        try folder.writeDurably("a", [1])
        #expect(throws: SystemError.self) { try folder.writeDurably("a", [2]) }
        #expect(try folder.read("a", limit: 10) == [1])
        #expect(try folder.names() == ["a"])
        try folder.writeDurably("a", [2], replacing: true)
        #expect(try folder.read("a", limit: 10) == [2])
    }

    @Test("A name is there or not, or cannot be looked at, which is an error")
    func contained() throws {
        let place = TemporaryFolder()
        let folder = try Folder(path: place.path)
        try folder.writeDurably("a", [1])
        #expect(try folder.contains("a"))
        #expect(try !folder.contains("b"))
        #expect(throws: SystemError.self) {
            try folder.contains(String(repeating: "a", count: 300))
        }
    }

    @Test("A leftover of a crash does not stop the next write")
    func leftover() throws {
        let place = TemporaryFolder()
        let folder = try Folder(path: place.path)
        _ = try folder.file(".a.part", [.write, .create])
        try folder.writeDurably("a", [7])
        #expect(try folder.names() == ["a"])
    }

    @Test("Links, FIFOs and folders are no files", arguments: ["link", "fifo", "folder"])
    func onlyRegularFiles(_ kind: String) throws {
        let place = TemporaryFolder()
        let folder = try Folder(path: place.path)
        try folder.writeDurably("target", [1])
        switch kind {
        case "link": _ = try runCommand("ln", ["-s", "target", "\(place.path)/x"])
        case "fifo": _ = try runCommand("mkfifo", ["\(place.path)/x"])
        default: _ = try folder.makeFolder("x", permissions: 0o755)
        }
        #expect(throws: SystemError.self) { try folder.read("x", limit: 10) }
    }

    @Test(
        "Names that lead elsewhere are refused",
        arguments: ["", ".", "..", "a/b", "/etc/passwd"]
    )
    func namesStayInside(_ name: String) throws {
        let place = TemporaryFolder()
        let folder = try Folder(path: place.path)
        #expect(throws: SystemError.self) { try folder.read(name, limit: 1 << 20) }
        #expect(throws: SystemError.self) { try folder.writeDurably(name, [1]) }
        #expect(throws: SystemError.self) { try folder.remove(name) }
    }

    @Test("A folder gets exactly the permissions asked for, sticky bit and all")
    func folderPermissions() throws {
        let place = TemporaryFolder()
        let made = try Folder(path: place.path).makeFolder("x", permissions: 0o1775)
        #expect(try made.descriptor.status().permissions == 0o1775)
    }

    @Test("A read beyond its limit is an error and not a cut")
    func readLimit() throws {
        let place = TemporaryFolder()
        let folder = try Folder(path: place.path)
        try folder.writeDurably("a", [UInt8](repeating: 1, count: 100))
        #expect(throws: SystemError.self) { try folder.read("a", limit: 99) }
        #expect(try folder.read("a", limit: 100).count == 100)
    }
}

@Suite struct ProcessTests {
    @Test("A command's output, input and status come through")
    func command() throws {
        let input = [UInt8](repeating: 65, count: 300_000)
        let result = try runCommand("cat", [], input: input)
        #expect(result.status == .exited(0))
        #expect(result.output == input)
        #expect(try runCommand("sh", ["-c", "exit 3"]).status == .exited(3))
    }

    @Test("A child killed by a signal is not a success")
    func killed() throws {
        let result = try runCommand("sh", ["-c", "kill -9 $$"])
        #expect(result.status == .signalled(9))
        #expect(!result.status.isSuccess)
    }

    @Test("A command that does not exist is an error")
    func missing() {
        #expect(throws: SystemError.self) { try runCommand("/nonexistent/program", []) }
    }

    @Test("A child gets no descriptor but those it is given")
    func descriptors() throws {
        let kept = try Descriptor.open("/dev/null")
        let result = try runCommand("ls", ["/proc/self/fd"])
        #expect(!result.text.split(separator: "\n").contains("\(kept.raw)") || kept.raw < 4)
    }
}

@Suite struct LoopTests {
    /// Counts on the loop's thread.
    private final class Count { var value = 0 }

    @Test("Timers fire in their order, cancelled ones not at all")
    func timers() throws {
        let loop = try EventLoop()
        var order: [Int] = []
        _ = loop.schedule(after: 20_000_000) { order.append(2) }
        _ = loop.schedule(after: 1_000_000) { order.append(1) }
        let never = loop.schedule(after: 2_000_000) { order.append(9) }
        loop.cancel(never)
        _ = loop.schedule(after: 40_000_000) { loop.stop() }
        try loop.run()
        #expect(order == [1, 2])
    }

    @Test("Work runs in order on its own thread and its results come back on the loop")
    func work() throws {
        let loop = try EventLoop()
        let queue = try WorkQueue("test", loop: loop)
        var results: [Int] = []
        for number in 0..<100 {
            queue.perform {
                number * 2
            } then: { result in
                results.append(result)
                if results.count == 100 { loop.stop() }
            }
        }
        try loop.run()
        queue.close()
        #expect(results == (0..<100).map { $0 * 2 })
    }

    @Test("A watch that a handler ends is not called again")
    func endedWatch() throws {
        let loop = try EventLoop()
        let event = try WakeEvent()
        let count = Count()
        var token: EventLoop.Token?
        token = loop.watch(event.raw, .readable) { _ in
            count.value += 1
            if let token { loop.cancel(token) }
        }
        event.signal()
        _ = loop.schedule(after: 30_000_000) { loop.stop() }
        try loop.run()
        #expect(count.value == 1)
    }

    @Test("Blocked work does not hold up the loop")
    func blockedWork() throws {
        let loop = try EventLoop()
        let queue = try WorkQueue("test", loop: loop)
        let gate = try WakeEvent()
        var order: [String] = []
        queue.perform {
            var entries = [PollEntry(gate.raw, .readable)]
            _ = try? entries.poll(deadline: nil)
        } then: {
            order.append("work")
            loop.stop()
        }
        _ = loop.schedule(after: 10_000_000) {
            order.append("timer")
            gate.signal()
        }
        try loop.run()
        queue.close()
        #expect(order == ["timer", "work"])
    }
}

@Suite struct SocketTests {
    @Test("A socket file has exactly the permissions asked for")
    func permissions() throws {
        let place = TemporaryFolder()
        let path = place.path + "/s.sock"
        let listener = try UnixSocket.listen(path: path, permissions: 0o660)
        let status = try runCommand("stat", ["-c", "%a", path])
        #expect(status.text == "660\n")
        let client = try UnixSocket.connect(path: path)
        let isAccepted = try UnixSocket.accept(listener) != nil
        #expect(isAccepted)
        #expect(client.raw >= 0)
    }

    @Test("A path beyond 107 bytes is refused by name")
    func longPath() {
        let path = "/tmp/" + String(repeating: "x", count: 110)
        #expect(throws: SystemError.self) { _ = try UnixSocket.connect(path: path) }
    }
}
