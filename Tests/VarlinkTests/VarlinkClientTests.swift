internal import LinuxSystem
internal import Testing
internal import Varlink

extension VarlinkTests {
    @Suite("Client")
    struct Client {
        @Test("A call gives its reply, typed")
        func call() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let client = try VarlinkClient(path: server.path)
            let text = ProbeServer.Text(text: "a/b \0 é")
            let reply = try client.call(
                "org.example.probe.Ping",
                text,
                returning: ProbeServer.Text.self
            )
            #expect(reply == text)
        }

        @Test("An error of the service keeps its name and parameters")
        func remote() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let client = try VarlinkClient(path: server.path)
            do throws(VarlinkError) {
                _ = try client.call("org.example.probe.Fail")
                Issue.record("no error")
            } catch .remote(let error) {
                #expect(error.name == "org.example.probe.NoSpace")
                #expect(error.integer("needed") == 7)
                #expect(error.integer("absent") == nil)
                #expect(try error.parameters(as: ProbeServer.Space.self).available == 3)
            }
            // The connection goes on.
            #expect(
                try client.call(
                    "org.example.probe.Memory",
                    returning: ProbeServer.Calls.self
                ).calls == 0
            )
        }

        @Test("Replies of a call with more come one after the other, then nil")
        func more() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let client = try VarlinkClient(path: server.path)
            try client.begin("org.example.probe.Count", ProbeServer.Target(to: 3))
            for expected in 0...3 {
                #expect(try client.next(ProbeServer.Number.self)?.number == expected)
            }
            #expect(try client.next(ProbeServer.Number.self) == nil)
            #expect(try client.next(ProbeServer.Number.self) == nil)
        }

        @Test("Waiting ends at the deadline, and a reply that comes later is not lost")
        func deadline() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let client = try VarlinkClient(path: server.path)
            try client.begin("org.example.probe.Wait")
            #expect(try client.next(ProbeServer.Stopped.self)?.stopped == false)
            #expect(throws: VarlinkError.timedOut) {
                try client.next(
                    ProbeServer.Stopped.self,
                    deadline: Clock.monotonic.now() + 10_000_000
                )
            }
            let other = try VarlinkClient(path: server.path)
            let stopped = try other.call(
                "org.example.probe.Stop",
                returning: ProbeServer.Stopped.self
            )
            #expect(stopped.stopped)
            #expect(try client.next(ProbeServer.Stopped.self)?.stopped == true)
            #expect(try client.next(ProbeServer.Stopped.self) == nil)
        }

        @Test("A service that goes away while it should answer is said")
        func gone() throws {
            let server = try ProbeServer()
            let client = try VarlinkClient(path: server.path)
            try client.begin("org.example.probe.Wait")
            #expect(try client.next(ProbeServer.Stopped.self)?.stopped == false)
            server.stop()
            #expect(throws: VarlinkError.closed) { try client.next(ProbeServer.Stopped.self) }
        }

        @Test("A socket that is missing, deserted or forbidden is named with what to do")
        func unreachable() throws {
            let server = try ProbeServer()
            // Its socket lies there as long as it.
            defer { withExtendedLifetime(server) {} }
            let path = server.path
            server.stop()
            #expect(throws: VarlinkError.refused(path: path)) { try VarlinkClient(path: path) }
            #expect(throws: VarlinkError.noSocket(path: path + "x")) {
                try VarlinkClient(path: path + "x")
            }
            for error in [
                VarlinkError.refused(path: path), .noSocket(path: path), .notPermitted(path: path),
            ] {
                #expect(error.description.contains(path))
                guard case .personMustAct = error.recovery else {
                    Issue.record("\(error) has no hint")
                    continue
                }
            }
        }
    }

    @Suite("The reference client of the protocol")
    struct Reference {
        private static let script = """
            import sys
            try:
                import varlink
            except ImportError:
                sys.exit("the reference client is missing: pip install varlink")
            with varlink.Client(address="unix:" + sys.argv[1]) as client:
                info = client.get_interfaces()
                print(*sorted(info))
                for text in ("org.varlink.service", "org.example.probe"):
                    with client.open("org.varlink.service") as service:
                        answer = service.GetInterfaceDescription(text)
                        varlink.Interface(answer["description"])
                with client.open("org.example.probe") as probe:
                    print(probe.Ping("h\\u00e9llo/")["text"])
                    print(*[reply["number"] for reply in probe.Count(3, _more=True)])
                    print(probe.Nested({"purpose": "a", "salt": "b"}, 5)["count"])
                    print(probe.Later("late")["text"])
                    probe.Memory(_oneway=True)
                    print(probe.Memory()["calls"])
                    for call in (probe.Fail, probe.Undone, probe.Endless):
                        try:
                            call()
                        except varlink.VarlinkError as error:
                            print(error.error(), dict(error.parameters()))
                    print(len([None for reply in probe.Stream(50, _more=True)]))
            """

        @Test("It reads the descriptions, calls, streams and understands the errors")
        func reference() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let result = try runCommand("python3", ["-c", Reference.script, server.path])
            try #require(
                result.status.isSuccess,
                "the reference client of Varlink failed (pip install varlink): \(result.errorText)"
            )
            #expect(
                result.text == """
                    org.example.probe org.varlink.service
                    héllo/
                    0 1 2 3
                    5
                    late
                    1
                    org.example.probe.NoSpace {'available': 3, 'needed': 7}
                    org.varlink.service.MethodNotImplemented {'method': 'org.example.probe.Undone'}
                    org.varlink.service.ExpectedMore {}
                    50

                    """
            )
            #expect(server.faults().isEmpty)
        }
    }
}
