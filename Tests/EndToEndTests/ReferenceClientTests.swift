import Testing

extension EndToEndTests {
    @Suite struct ReferenceClient {
        @Test("The reference client of Varlink finds what the interface files say")
        func reference() throws {
            try withClassroom { room in
                try room.startAuthority()
                _ = try School(room)
                let package = Judge.folder.split(separator: "/").dropLast(2).joined(separator: "/")
                let output = try Judge.python(
                    "reference_client.py",
                    ["\(room.root)/run/lenscap", "/\(package)/Sources/Authority/Interfaces"]
                )
                #expect(output == "done\n")
            }
        }
    }
}
