import CryptoPrimitives
import TestSupport
import Testing

@Suite("Canonical JSON")
struct CanonicalJSONTests {
    private func parse(_ text: String) throws -> CanonicalJSON {
        try CanonicalJSON(parsing: Array(text.utf8))
    }

    @Test(
        "Canonical texts parse and serialise to themselves",
        arguments: [
            "0", "1", "9007199254740991", #""""#, "[]", "{}", #"{"":0}"#, #"["a",1,[],{}]"#,
            #"{"A":1,"B":2,"a":3,"a-":4,"aa":5,"b":6}"#, #""\"\\\b\t\n\f\r\u0000\u001f/~""#,
            #"{"\n":0,"\r":1," ":2,"\"":3}"#, "\"\u{7F}\"", "[[[[[[[[]]]]]]]]",
            #"{"a":[{"b":[{"c":"d"}]}]}"#,
        ]
    )
    func canonical(text: String) throws {
        #expect(String(decoding: try parse(text).bytes, as: UTF8.self) == text)
    }

    @Test(
        "White space anywhere is refused",
        arguments: [" 1", "1 ", "1\n", "[ ]", "[1, 2]", "[1 ,2]", "{ }", #"{"a": 1}"#, "\t{}"]
    )
    func whiteSpace(text: String) {
        #expect(throws: CanonicalJSONError.self) { try parse(text) }
    }

    @Test(
        "What is JSON but not in the signed subset, or no JSON at all, is refused",
        arguments: [
            "", "true", "false", "null", "-1", "-0", "1.0", "0.5", "1e3", "1E3", "01", "00", "+1",
            "9007199254740992", "9223372036854775808", "99999999999999999999", "0x1", "NaN", "'a'",
            "[1,]", "[,1]", "[1", "[", "]", "{", "}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, "{1:1}",
            #"{"a":1"#, #"{"a":1"b":2}"#, #"{"a""#, #"""#, #""a"#, "\"\n\"", "\"\t\"", "\"\u{1}\"",
            "[]]", "{}{}", "1,2", "\u{FEFF}1", "[1}", "{]", "\"é\"", "\"\u{1F600}\"", "[1 2]",
        ]
    )
    func otherJSON(text: String) {
        #expect(throws: CanonicalJSONError.self) { try parse(text) }
    }

    @Test(
        "An escape that is not the canonical one is refused",
        arguments: [
            #""\/""#, #""\u0041""#, #""\u000a""#, #""\u0008""#, #""\u001F""#, #""\u0022""#,
            #""\u005c""#, #""\u00e9""#, #""\u2028""#, #""\ud83d\ude00""#, #""\ud800""#, #""\x41""#,
            #""\u00""#, #""\u001"#, #""\"#, #""\U001f""#, #""\u 01f""#, #""\u007f""#, #""\a""#,
        ]
    )
    func escapes(text: String) {
        #expect(throws: CanonicalJSONError.self) { try parse(text) }
    }

    @Test("Errors say what is wrong and where")
    func errors() {
        func expect(_ error: CanonicalJSONError, _ text: String) {
            #expect(throws: error) { try parse(text) }
        }
        expect(.syntax(.duplicateMember("a"), offset: 7), #"{"a":1,"a":1}"#)
        expect(.syntax(.duplicateMember("a"), offset: 7), #"{"a":1,"a":2}"#)
        expect(.notCanonical, #"{"b":1,"a":2}"#)
        expect(.syntax(.trailingBytes, offset: 2), "[]x")
        expect(.syntax(.trailingBytes, offset: 1), "01")
        expect(.syntax(.integerTooLarge, offset: 1), "[9007199254740992]")
        expect(.syntax(.unexpectedEnd, offset: 1), "[")
        expect(.syntax(.unexpectedByte(0x2D), offset: 0), "-1")
        expect(.syntax(.notASCII, offset: 1), "\"é\"")
        expect(.syntax(.escape, offset: 2), #""a\/""#)
        expect(.syntax(.tooDeep, offset: 8), "[[[[[[[[[]]]]]]]]]")
    }

    @Test("Depth counts arrays and objects, up to the limit asked for")
    func depth() throws {
        let text = Array(#"[{"a":[0]}]"#.utf8)
        #expect(throws: Never.self) { try CanonicalJSON(parsing: text, maximumDepth: 3) }
        #expect(throws: CanonicalJSONError.syntax(.tooDeep, offset: 6)) {
            try CanonicalJSON(parsing: text, maximumDepth: 2)
        }
        #expect(throws: Never.self) { try CanonicalJSON(parsing: [0x30], maximumDepth: 0) }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(throws: CanonicalJSONError.syntax(.tooDeep, offset: 8)) {
            try CanonicalJSON(parsing: deep)
        }
    }

    @Test("Bytes that are no UTF-8 are refused", arguments: [0x80, 0xC0, 0xED, 0xFF] as [UInt8])
    func noUTF8(byte: UInt8) {
        for text in [[byte], [0x22, byte, 0x22], [0x22, 0x61, byte], [0x5B, byte, 0x5D]] {
            #expect(throws: CanonicalJSONError.self) { try CanonicalJSON(parsing: text) }
        }
    }

    @Test("Values that have no canonical form are found before they are written")
    func validation() throws {
        try CanonicalJSON.object(["a": .array([.integer(1 << 53 - 1), .string("\u{7F}")])])
            .validate()
        #expect(throws: CanonicalJSONError.notASCII("é")) {
            try CanonicalJSON.array([.string("é")]).validate()
        }
        #expect(throws: CanonicalJSONError.notASCII("ŵ")) {
            try CanonicalJSON.object(["ŵ": .integer(1)]).validate()
        }
        for number: Int64 in [-1, 1 << 53, .min, .max] {
            #expect(throws: CanonicalJSONError.outOfRange(number)) {
                try CanonicalJSON.object(["a": .integer(number)]).validate()
            }
        }
    }

    @Test("Python serialises random values to the same bytes, and they parse back")
    func python() throws {
        var generator = SystemRandomNumberGenerator()
        let values = (0..<300).map { _ in Self.randomValue(depth: 5, using: &generator) }
        let lines = values.map { String(decoding: $0.bytes, as: UTF8.self) + "\n" }.joined()
        let program = """
            import json, sys
            for line in sys.stdin.buffer.read().split(b'\\n')[:-1]:
                value = json.loads(line)
                print(json.dumps(value, sort_keys=True, separators=(',', ':'), ensure_ascii=False))
            """
        let python = try Command("python3", "-c", program, input: Array(lines.utf8))
        #expect(python.text == lines, "\(python.errors)")
        for value in values {
            #expect(try CanonicalJSON(parsing: value.bytes) == value)
        }
    }

    @Test("Of random changes to a text, only what is canonical itself gets through")
    func mutations() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<3000 {
            var text = Self.randomValue(depth: 3, using: &generator).bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) where !text.isEmpty {
                let index = Int.random(in: 0..<text.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: text[index] = .random(in: 0...255, using: &generator)
                case 1: text.remove(at: index)
                default: text.insert(#"{}[]":,\u0"#.utf8.randomElement() ?? 0, at: index)
                }
            }
            if let value = try? CanonicalJSON(parsing: text) { #expect(value.bytes == text) }
        }
    }

    private static func randomValue(
        depth: Int,
        using generator: inout SystemRandomNumberGenerator
    ) -> CanonicalJSON {
        func text() -> String {
            let count = Int.random(in: 0...6, using: &generator)
            let characters = (0..<count).map { _ in UInt8.random(in: 0...0x7F, using: &generator) }
            return String(decoding: characters, as: UTF8.self)
        }
        switch Int.random(in: 0..<(depth > 0 ? 4 : 2), using: &generator) {
        case 0:
            return .string(text())
        case 1:
            let bits = Int64.random(in: 0...53, using: &generator)
            return .integer(.random(in: 0..<(1 << bits), using: &generator))
        case 2:
            let count = Int.random(in: 0...4, using: &generator)
            return .array((0..<count).map { _ in randomValue(depth: depth - 1, using: &generator) })
        default:
            var members: [String: CanonicalJSON] = [:]
            for _ in 0..<Int.random(in: 0...5, using: &generator) {
                members[text()] = randomValue(depth: depth - 1, using: &generator)
            }
            return .object(members)
        }
    }
}

@Suite("Reading members")
struct MemberReaderTests {
    private let document: CanonicalJSON = .object([
        "bytes": .string("AQID"),
        "keys": .array([
            .object(["role": .string("registrar")]), .object(["role": .string("protection")]),
        ]),
        "names": .array([.string("a"), .string("b")]),
        "nested": .object(["inner": .integer(5)]),
        "number": .integer(7),
        "text": .string("hello"),
    ])

    @Test("Every member is read once by its kind, and then nothing is left")
    func readsAll() throws {
        var reader = try MemberReader(document)
        #expect(try reader.bytes("bytes", count: 3) == [1, 2, 3])
        for (index, var key) in try reader.objects("keys", count: 1...2).enumerated() {
            #expect(try key.string("role") == ["registrar", "protection"][index])
            try key.finish()
        }
        #expect(try reader.strings("names") == ["a", "b"])
        var nested = try reader.object("nested")
        #expect(try nested.integer("inner", in: 5...5) == 5)
        try nested.finish()
        #expect(reader.has("number"))
        #expect(try reader.integer("number") == 7)
        #expect(!reader.has("number"))
        #expect(try reader.string("text") == "hello")
        try reader.finish()
    }

    @Test("A member that was not read is named")
    func unknown() throws {
        var reader = try MemberReader(.object(["a": .integer(1), "b": .integer(2)]))
        _ = try reader.integer("a")
        #expect(throws: CanonicalJSONError.member(path: "b", .unknown)) { try reader.finish() }
        let inner = try MemberReader(.object(["x": .integer(1)]), path: "keys.0")
        #expect(throws: CanonicalJSONError.member(path: "keys.0.x", .unknown)) {
            try inner.finish()
        }
    }

    @Test("A member that is missing, of another kind or out of range is named")
    func wrong() throws {
        func expect(
            _ path: String,
            _ problem: CanonicalJSONError.MemberProblem,
            _ read: (inout MemberReader) throws -> Void
        ) throws {
            var reader = try MemberReader(document)
            #expect(throws: CanonicalJSONError.member(path: path, problem)) { try read(&reader) }
        }
        try expect("absent", .missing) { _ = try $0.string("absent") }
        try expect("text", .missing) {
            _ = try $0.string("text")
            _ = try $0.string("text")
        }
        try expect("number", .wrongType) { _ = try $0.string("number") }
        try expect("text", .wrongType) { _ = try $0.integer("text") }
        try expect("text", .wrongType) { _ = try $0.array("text") }
        try expect("text", .wrongType) { _ = try $0.object("text") }
        try expect("number", .outOfRange) { _ = try $0.integer("number", in: 8...9) }
        try expect("bytes", .outOfRange) { _ = try $0.bytes("bytes", count: 4) }
        try expect("text", .notBase64URL) { _ = try $0.bytes("text", count: nil) }
        try expect("names", .outOfRange) { _ = try $0.array("names", count: 3...3) }
        try expect("keys.0", .wrongType) { _ = try $0.strings("keys") }
        try expect("names.0", .wrongType) { _ = try $0.objects("names") }
        try expect("keys.1.absent", .missing) {
            var keys = try $0.objects("keys")
            _ = try keys[1].integer("absent")
        }
        #expect(throws: CanonicalJSONError.member(path: "", .wrongType)) {
            try MemberReader(.array([]))
        }
    }
}
