import Age
import CryptoPrimitives
import Testing

@Suite("The grammar of headers")
struct AgeHeaderTests {
    private static let tag = String(repeating: "A", count: 43)
    private static let line64 = String(repeating: "A", count: 64)
    private static let line63 = String(repeating: "A", count: 63)

    /// How a file with these lines between the version line and the footer is refused.
    private func refusal(_ lines: [String], footer: String = "--- \(tag)") throws -> AgeError? {
        let file = (["age-encryption.org/v1"] + lines + [footer, "payload"])
            .joined(separator: "\n")
        do {
            _ = try Age.open(Array(file.utf8), with: [try AgeIdentity.generate()])
            return nil
        } catch let error as AgeError {
            return error
        }
    }

    @Test(
        "A stanza of any kind passes when it is well formed",
        arguments: [
            ["-> other", ""],
            ["-> other a b !\"~", "AA"],
            ["-> other", line64, ""],
            ["-> other", line64, line64, "AAAA"],
            ["-> x25519", "AA"],
            ["-> -", ""],
            ["-> one", "", "-> two", ""],
        ]
    )
    func wellFormed(lines: [String]) throws {
        #expect(try refusal(lines) == .noMatch)
    }

    @Test(
        "A body is canonical base64 in lines of 64, and a shorter one ends it",
        arguments: [
            ["-> other"],
            ["-> other", line64],
            ["-> other", line64 + "A", line63],
            ["-> other", line64 + "AAAA", ""],
            ["-> other", "AAA=", ""],
            ["-> other", "AB"],
            ["-> other", "A"],
            ["-> other", "AA "],
            ["-> other", "AA\r"],
            ["-> other", "-_"],
            ["-> other", "-> two", ""],
        ]
    )
    func body(lines: [String]) throws {
        #expect(try refusal(lines) == .headerFailure(.stanzaBody))
    }

    @Test(
        "A stanza begins with an arrow, one space and visible words with one space between",
        arguments: [
            ["->", ""], ["-> ", ""], ["->other", ""], ["-> other ", ""], ["->  other", ""],
            ["-> a  b", ""], ["-> a\tb", ""], ["-> a\r", ""], ["-> \u{7F}", ""], ["-> é", ""],
            ["=> other", ""], ["", "-> other", ""], ["-> other", "AA", "AA"],
        ]
    )
    func arguments(lines: [String]) throws {
        #expect(try refusal(lines) == .headerFailure(.stanzaArguments))
    }

    @Test(
        "The footer is three dashes, one space and a canonical tag",
        arguments: [
            "---", "--- ", "---\(tag)", "---  \(tag)", "--- \(tag) ", "--- \(tag)A", "--- \(tag)\r",
            "--- \(tag.dropLast())", "--- \(tag.dropLast())B", "---- \(tag)", "--- \(tag)=",
        ]
    )
    func footer(footer: String) throws {
        #expect(try refusal(["-> other", ""], footer: footer) == .headerFailure(.footer))
    }

    @Test("A header needs a stanza")
    func noStanza() throws {
        #expect(try refusal([]) == .headerFailure(.noStanza))
    }

    @Test(
        "An X25519 stanza has one share of 32 bytes and a body of 32 bytes",
        arguments: [
            ["-> X25519", tag],
            ["-> X25519 \(tag) a", tag],
            ["-> X25519 \(tag.dropLast())", tag],
            ["-> X25519 \(tag)A", tag],
            ["-> X25519 \(tag)", ""],
            ["-> X25519 \(tag)", tag + "A"],
            // Also when a good one stands before it.
            ["-> other", "", "-> X25519", ""],
        ]
    )
    func x25519(lines: [String]) throws {
        #expect(try refusal(lines) == .headerFailure(.x25519Stanza))
    }

    @Test("A share of low order is a header failure")
    func lowOrderShare() throws {
        #expect(
            try refusal(["-> X25519 \(Self.tag)", Self.tag]) == .headerFailure(.lowOrderShare)
        )
    }
}
