internal import LinuxSystem
internal import TestSupport
internal import Testing

@Suite struct AttributeTests {
    private let place = TemporaryFolder()

    @Test(
        "A shorter value leaves nothing of a longer one",
        arguments: ["255", "[none] timer", "0"]
    )
    func shorter(_ before: String) throws {
        let folder = try Folder(path: place.path)
        try folder.writeDurably("a", Array("\(before)\n".utf8))
        try folder.setAttribute("a", "7")
        #expect(try folder.attribute("a") == "7")
        try folder.setAttribute("a", before)
        #expect(try folder.read("a", limit: 100) == Array("\(before)\n".utf8))
        try folder.setAttribute("a", "longer than it ever was")
        #expect(try folder.attribute("a") == "longer than it ever was")
    }

    @Test("Only the newlines at the end are no part of a value")
    func value() throws {
        let folder = try Folder(path: place.path)
        try folder.writeDurably("a", Array(" A 1 \n".utf8))
        #expect(try folder.attribute("a") == " A 1 ")
        try folder.writeDurably("a", [], replacing: true)
        #expect(try folder.attribute("a") == "")
    }

    @Test("An attribute is neither made nor followed")
    func onlyThere() throws {
        let folder = try Folder(path: place.path)
        #expect(throws: SystemError.self) { try folder.setAttribute("a", "1") }
        #expect(try folder.names() == [])
        try folder.writeDurably("b", Array("0\n".utf8))
        _ = tool("ln -s b '\(place.path)/a'")
        #expect(throws: SystemError.self) { try folder.setAttribute("a", "1") }
        #expect(try folder.attribute("b") == "0")
    }

    @Test("A link says where it leads, and a path is resolved to its end")
    func links() throws {
        _ = tool("cd '\(place.path)' && mkdir -p x/y && ln -s x/y z && ln -s nowhere lost")
        #expect(try SymbolicLink.target(of: "\(place.path)/z") == "x/y")
        #expect(try SymbolicLink.target(of: "\(place.path)/lost") == "nowhere")
        #expect(try SymbolicLink.resolve("\(place.path)/z/../y") == "\(place.path)/x/y")
        for path in ["x", "none"] {
            #expect(throws: SystemError.self) {
                try SymbolicLink.target(of: "\(place.path)/\(path)")
            }
        }
        #expect(throws: SystemError.self) { try SymbolicLink.resolve("\(place.path)/lost") }
    }
}
