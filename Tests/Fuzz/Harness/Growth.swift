internal import CryptoPrimitives
internal import LinuxSystem
internal import Spool

/// Long inputs made to be slow, in two sizes: where four times the bytes take much more than four
/// times as long, somebody else decides how long a reader is busy.
enum Growth {
    private struct Case: Sendable {
        let target: FuzzTarget
        let what: String
        /// Bytes of the larger input, about.
        let size: Int
        /// Why the case may grow faster; nil when it may not.
        var excuse: String?
        let make: @Sendable (_ size: Int) -> [UInt8]
    }

    private static let ownFile = "accepted: only root writes the file"

    /// Times within this factor of linear pass, and so does what takes no longer than this in
    /// nanoseconds: with AddressSanitizer everything here takes several times as long.
    private static let allowance = 1.6
    private static let negligible: Int64 = 250_000_000

    /// Prints one line for each case; 1 when one of them grows too fast.
    static func measure() -> Int32 {
        var result: Int32 = 0
        for item in cases {
            let small = time(item, item.size / 4)
            let large = time(item, item.size)
            let isLinear = Double(large) <= 4 * allowance * Double(max(small, 1))
            let passes = isLinear || large < negligible
            if !passes, item.excuse == nil { result = 1 }
            let verdict = passes ? "" : item.excuse ?? "TOO SLOW"
            let times = "\(small / 1000) µs, \(large / 1000) µs"
            print(
                item.target.name,
                item.what,
                "\(item.size / 4), \(item.size) bytes:",
                times,
                verdict
            )
        }
        return result
    }

    /// Nanoseconds, the best of three.
    private static func time(_ item: Case, _ size: Int) -> Int64 {
        let input = item.make(size)
        return (0..<3).map { _ in
            let start = Clock.monotonic.now()
            item.target.run(input)
            return Clock.monotonic.now() - start
        }.min() ?? 0
    }

    private static func repeated(_ text: String) -> @Sendable (Int) -> [UInt8] {
        { size in Array(String(repeating: text, count: size / text.utf8.count).utf8) }
    }

    private static func numbered(_ count: Int, _ line: (String) -> String) -> String {
        (0..<count).map { number in
            let digits = String(number)
            return line(String(repeating: "0", count: 7 - digits.count) + digits)
        }.joined()
    }

    private static let cases = [
        Case(target: .json, what: "members", size: 1 << 18) { size in
            Array(("{" + numbered(size / 12) { "\"\($0)\":0," }.dropLast() + "}").utf8)
        },
        Case(target: .json, what: "elements", size: 1 << 18) { size in
            Array("[".utf8) + repeated("0,")(size).dropLast() + Array("]".utf8)
        },
        Case(target: .json, what: "escapes", size: 1 << 18) { size in
            Array("\"".utf8) + repeated(#"\u0001"#)(size) + Array("\"".utf8)
        },
        Case(target: .document, what: "payload", size: 1 << 18) { size in
            let payload = Base64URL.encode(repeated("[")(size * 3 / 4 - 64))
            return Array("{\"payload\":\"\(payload)\",\"signatures\":[]}".utf8)
        },
        Case(target: .encodings, what: "digits", size: 1 << 18, make: repeated("A")),
        Case(target: .leaf, what: "log", size: 1 << 18) { size in
            let gap = Leaf.gap(source: "desk", reason: "xrun", from: 0, to: 1)
            let begin = Leaf.begin(
                token: [UInt8](repeating: 1, count: 32),
                card: [UInt8](repeating: 2, count: 32),
                receipt: [UInt8](repeating: 3, count: 32)
            )
            let line = gap.line + [UInt8(ascii: "\n")]
            return begin.line + [UInt8(ascii: "\n")]
                + (0..<(size / line.count)).flatMap { _ in line }
        },
        Case(target: .framing, what: "short messages", size: 1 << 18) { size in
            [255, 1] + (0..<(size / 2)).flatMap { _ in [1, 0] as [UInt8] }
        },
        Case(target: .message, what: "members", size: 1 << 16) { size in
            Array(("{" + numbered(size / 12) { "\"\($0)\":0," }.dropLast() + "}").utf8)
        },
        Case(target: .message, what: "depth", size: 1 << 16, make: repeated("[")),
        Case(target: .message, what: "objects", size: 1 << 16, make: repeated(#"{"parameters":"#)),
        Case(target: .message, what: "number", size: 1 << 16) { size in
            Array(#"{"parameters":{"counts":["#.utf8) + repeated("9")(size) + Array("]}}".utf8)
        },
        Case(target: .ageStanzas, what: "body", size: 60_000) { size in
            [0, 255] + Array("-> a\n".utf8)
                + repeated(String(repeating: "A", count: 64) + "\n")(size) + Array("\n".utf8)
        },
        Case(
            target: .ageStanzas,
            what: "stanzas",
            size: 60_000,
            make: { size in
                [0, 255] + repeated("-> a\n\n")(size)
            }
        ),
        Case(
            target: .ageStanzas,
            what: "arguments",
            size: 60_000,
            make: { size in
                [0, 255] + Array("->".utf8) + repeated(" a")(size) + Array("\n\n".utf8)
            }
        ),
        Case(target: .bech32, what: "digits", size: 1 << 16) { size in
            Array(Bech32.encode(prefix: "age", [UInt8](repeating: 0, count: size * 5 / 8)).utf8)
        },
        Case(target: .note, what: "empty lines", size: 1 << 18, make: repeated("\n")),
        Case(target: .note, what: "text", size: 1 << 18) { size in
            repeated("a\n")(size) + Array("\n\u{2014} a AAAAAAA=\n".utf8)
        },
        Case(target: .configuration, what: "keys", size: 1 << 16, excuse: ownFile) { size in
            Array(("[spool]\n" + numbered(size / 11) { "a\($0)=1\n" }).utf8)
        },
        Case(target: .configuration, what: "tables", size: 1 << 16, excuse: ownFile) { size in
            Array(numbered(size / 17) { "[source.\($0)]\n" }.utf8)
        },
        Case(target: .configuration, what: "comment", size: 1 << 18, make: repeated("#")),
        Case(target: .configuration, what: "elements", size: 1 << 18) { size in
            Array("[spool]\na=[".utf8) + repeated("1,")(size) + Array("]\n".utf8)
        },
    ]
}
