internal import LinuxSystem
internal import Testing
internal import Varlink

extension VarlinkTests {
    @Suite("Server")
    struct Server {
        @Test("The interface every service has describes itself and the others")
        func introspection() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            struct Info: Codable {
                let vendor: String
                let interfaces: [String]
            }
            struct Name: Codable { let interface: String }
            struct Description: Codable { let description: String }
            let client = try VarlinkClient(path: server.path)
            let info = try client.call("org.varlink.service.GetInfo", returning: Info.self)
            #expect(info.vendor == "Lenscap")
            #expect(info.interfaces == ["org.varlink.service", "org.example.probe"])
            let text = try client.call(
                "org.varlink.service.GetInterfaceDescription",
                Name(interface: "org.example.probe"),
                returning: Description.self
            )
            #expect(text.description == ProbeServer.description)
        }

        @Test(
            "Errors of the protocol have the names and parameters of the specification",
            arguments: [
                (
                    #""org.example.nobody.X""#, "", "InterfaceNotFound",
                    #""interface":"org.example.nobody""#
                ),
                (#""X""#, "", "InterfaceNotFound", #""interface":"""#),
                (
                    #""org.example.probe.X""#, "", "MethodNotFound",
                    #""method":"org.example.probe.X""#
                ),
                (
                    #""org.example.probe.Undone""#, "", "MethodNotImplemented",
                    #""method":"org.example.probe.Undone""#
                ),
                (#""org.example.probe.Endless""#, "", "ExpectedMore", ""),
                (#""org.example.probe.Ping""#, "", "InvalidParameter", #""parameter":"text""#),
                (
                    #""org.example.probe.Ping""#, #","parameters":null"#, "InvalidParameter",
                    #""parameter":"text""#
                ),
                (
                    #""org.example.probe.Ping""#, #","parameters":5"#, "InvalidParameter",
                    #""parameter":"parameters""#
                ),
                (
                    #""org.example.probe.Ping""#, #","parameters":{"text":5}"#, "InvalidParameter",
                    #""parameter":"text""#
                ),
                (
                    #""org.example.probe.Ping""#, #","parameters":{"text":"a","b":1}"#,
                    "InvalidParameter", #""parameter":"b""#
                ),
                (
                    #""org.example.probe.Nested""#, #","parameters":{"details":{"purpose":"a"}}"#,
                    "InvalidParameter", #""parameter":"details.salt""#
                ),
                (
                    #""org.example.probe.Nested""#,
                    #","parameters":{"details":{"purpose":"a","salt":"b","name":"c"}}"#,
                    "InvalidParameter", #""parameter":"details.name""#
                ),
                (
                    #""org.example.probe.Stop""#, #","parameters":{"why":"x"}"#, "InvalidParameter",
                    #""parameter":"why""#
                ),
                (
                    #""org.example.probe.Ping""#, #","upgrade":true"#, "InvalidParameter",
                    #""parameter":"upgrade""#
                ),
                (
                    #""org.varlink.service.GetInterfaceDescription""#,
                    #","parameters":{"interface":"a.b"}"#, "InterfaceNotFound",
                    #""interface":"a.b""#
                ),
            ]
        )
        func protocolErrors(method: String, rest: String, error: String, parameters: String) throws
        {
            let server = try ProbeServer()
            defer { server.stop() }
            let client = try RawClient(server.path)
            try client.send("{\"method\":\(method)\(rest)}\0")
            #expect(
                try client.reply()
                    == #"{"error":"org.varlink.service.\#(error)","parameters":{\#(parameters)}}"#
            )
            // The connection is as good as before.
            try client.call("Ping", #"{"text":"still here"}"#)
            #expect(try client.reply() == #"{"parameters":{"text":"still here"}}"#)
        }

        @Test("A member of value null counts as absent")
        func nullMember() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let client = try RawClient(server.path)
            try client.call("Nested", #"{"details":{"purpose":"a","salt":"b"},"count":null}"#)
            #expect(try client.reply() == #"{"parameters":{"count":-1}}"#)
        }

        @Test(
            "What is no call ends the connection and nobody else's",
            arguments: [
                "\0", "nonsense\0", "[]\0", "{}\0", "{\"method\":5}\0", "\u{FFFD}\0",
                String(repeating: "{\"a\":", count: 10_000) + "\0",
                String(repeating: "x", count: 70_000),
            ]
        )
        func nonsense(bytes: String) throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let bystander = try RawClient(server.path)
            let client = try RawClient(server.path)
            try client.send(bytes)
            #expect(try client.reply() == nil)
            try bystander.call("Ping", #"{"text":"a"}"#)
            #expect(try bystander.reply() == #"{"parameters":{"text":"a"}}"#)
            eventually("the fault is reported") { server.faults().count == 1 }
        }

        @Test("A hostile number of members is refused, not walked")
        func manyMembers() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let client = try RawClient(server.path)
            let members = (0..<4000).map { #""m\#($0)":{}"# }.joined(separator: ",")
            try client.call("Ping", #"{"text":"a",\#(members)}"#)
            #expect(try client.reply()?.contains("InvalidParameter") == true)
        }

        @Test("Calls sent without waiting are answered in order, slow ones included")
        func pipelining() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let client = try RawClient(server.path)
            try client.call("Later", #"{"text":"first"}"#)
            for number in 0..<200 { try client.call("Ping", #"{"text":"\#(number)"}"#) }
            try client.call("Later", #"{"text":"last"}"#)
            #expect(try client.reply() == #"{"parameters":{"text":"first"}}"#)
            for number in 0..<200 {
                #expect(try client.reply() == #"{"parameters":{"text":"\#(number)"}}"#)
            }
            #expect(try client.reply() == #"{"parameters":{"text":"last"}}"#)
        }

        @Test("A call that arrives byte by byte is a call")
        func slowCall() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let client = try RawClient(server.path)
            for byte in #"{"method":"org.example.probe.Memory"}"# { try client.send(String(byte)) }
            try client.send("\0")
            #expect(try client.reply() == #"{"parameters":{"calls":0}}"#)
        }

        @Test("What a handler keeps belongs to one connection")
        func storage() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let first = try RawClient(server.path)
            let second = try RawClient(server.path)
            for (client, calls) in [(first, 0), (first, 1), (second, 0), (first, 2), (second, 1)] {
                try client.call("Memory")
                #expect(try client.reply() == #"{"parameters":{"calls":\#(calls)}}"#)
            }
        }

        @Test("Several replies come with more, one without")
        func more() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let client = try RawClient(server.path)
            try client.call("Count", #"{"to":2}"#, #","more":true"#)
            #expect(try client.reply() == #"{"continues":true,"parameters":{"number":0}}"#)
            #expect(try client.reply() == #"{"continues":true,"parameters":{"number":1}}"#)
            #expect(try client.reply() == #"{"parameters":{"number":2}}"#)
            try client.call("Count", #"{"to":2}"#)
            try client.call("Ping", #"{"text":"a"}"#)
            #expect(try client.reply() == #"{"parameters":{"number":0}}"#)
            #expect(try client.reply() == #"{"parameters":{"text":"a"}}"#)
        }

        @Test("A oneway call is done and not answered")
        func oneway() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let client = try RawClient(server.path)
            try client.call("Memory", "{}", #","oneway":true"#)
            try client.call("Nowhere", "{}", #","oneway":true"#)
            try client.call("Count", #"{"to":2}"#, #","oneway":true,"more":true"#)
            try client.call("Memory")
            #expect(try client.reply() == #"{"parameters":{"calls":1}}"#)
        }

        @Test("An error carries its parameters, and a second answer to one call is not sent")
        func failure() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let client = try RawClient(server.path)
            try client.call("Fail")
            try client.call("Ping", #"{"text":"next"}"#)
            #expect(
                try client.reply()
                    == #"{"error":"org.example.probe.NoSpace","parameters":{"available":3,"needed":7}}"#
            )
            #expect(try client.reply() == #"{"parameters":{"text":"next"}}"#)
        }

        @Test("A reply that JSON cannot carry ends that connection and is reported")
        func unencodable() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let client = try RawClient(server.path)
            try client.call("Broken")
            #expect(try client.reply() == nil)
            eventually("the fault is reported") {
                server.faults() == [.notEncodable("parameters.value has no JSON form")]
            }
        }

        @Test("A client that sends its calls and closes its direction still gets the replies")
        func halfClosed() throws {
            let server = try ProbeServer()
            defer { server.stop() }
            let script = """
                import socket, sys
                s = socket.socket(socket.AF_UNIX)
                s.connect(sys.argv[1])
                call = b'{"method":"org.example.probe.%s","parameters":{"text":"a"}}\\0'
                s.sendall(call % b"Later" + call % b"Ping")
                s.shutdown(socket.SHUT_WR)
                data = b""
                while chunk := s.recv(100): data += chunk
                sys.stdout.write(str(data.count(b"\\0")))
                """
            let result = try runCommand("python3", ["-c", script, server.path])
            #expect(result.text == "2", "\(result.errorText)")
        }
    }
}
