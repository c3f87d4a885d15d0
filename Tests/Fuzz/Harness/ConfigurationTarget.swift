@testable internal import Configuration

extension FuzzTarget {
    /// The configuration: written again from what was read, it means the same, and what is wrong
    /// with it is said with a line that it has.
    static let configuration = FuzzTarget(
        name: "configuration",
        longest: 4096,
        run: { input in
            let lines = 1 + input.count { $0 == UInt8(ascii: "\n") }
            let read = Reading(input)
            if let line = read.failure?.line {
                expect((1...lines).contains(line), "an error is in a line of the file")
            }
            let document = accepted { () throws(ConfigurationError) in
                try TOMLDocument(input, file: "fuzz")
            }
            guard let document else {
                expect(read.configuration == nil, "a file that is not TOML is refused")
                return
            }
            let written = Array(spelling(of: document).utf8)
            let again = needed { () throws(ConfigurationError) in
                try TOMLDocument(written, file: "fuzz")
            }
            expect(again.tables.map(Plain.init) == document.tables.map(Plain.init), "TOML is kept")
            let other = Reading(written)
            expect(read.configuration == other.configuration, "its meaning is kept")
        },
        seeds: {
            let texts = [
                "", "# nothing\r\n", "[paths]\nspool = \"/srv/spool\"\noutbox = '/srv/outbox'\n",
                """
                [encoder]
                video = "libx264"
                preset = "superfast"
                bitrate = 4_000_000
                audio-bitrate = 96_000
                threads = 2

                [source.front]
                device = "/dev/lenscap/front"
                width = 1920
                height = 1080
                frame-rate = 30

                [source."room-2"]
                device = "hw:room"
                sample-rate = 48_000
                channels = 1

                [spool]
                reserve = 1_073_741_824

                [upload]
                retry-minimum = 5
                retry-maximum = 3600
                """,
                "[a]\nb = [1, [true, \"\\u00e9\\n\"], # comment\n 'x',]\nc = -0\nd = +1_0\n",
                "[a]\nb = {}\n", "[[a]]\n", "a.b = 1\n", "[a]\nb = \"\"\"\n", "[a]\n[a]\n",
                "[a]\nb = 1\nb = 2\n", "[ a . \"b\\\"\" . '' ]\n\"\" = 9223372036854775807\n",
                "[upload]\nretry-minimum = 9\nretry-maximum = 1\n", "[source.x]\nwidth = 16\n",
            ]
            return texts.map { Array($0.utf8) }
        }
    )
}

/// A file as configuration, or why it is none.
private struct Reading {
    var configuration: BoxConfiguration?
    var failure: ConfigurationError?

    init(_ bytes: [UInt8]) {
        do throws(ConfigurationError) {
            configuration = try BoxConfiguration(bytes, file: "fuzz")
        } catch {
            failure = error
            expect(!error.description.isEmpty, "an error has words")
        }
    }
}

extension ConfigurationError {
    fileprivate var line: Int? {
        switch self {
        case .syntax(let position, _), .duplicate(let position, _, _),
            .unknownTable(let position, _, _), .unknownKey(let position, _, _),
            .wrongType(let position, _, _), .notAllowed(let position, _, _):
            position.line
        case .unreadable: nil
        }
    }
}

/// A table without the lines.
private struct Plain: Equatable {
    let path: [String]
    let keys: [String]
    let values: [TOMLValue]

    init(_ table: TOMLDocument.Table) {
        path = table.path
        keys = table.entries.map(\.key)
        values = table.entries.map(\.value)
    }
}

/// The document as TOML in which every name and text is quoted and escaped.
private func spelling(of document: TOMLDocument) -> String {
    var text = ""
    for table in document.tables {
        if !table.path.isEmpty {
            text += "[" + table.path.map { quoted($0) }.joined(separator: ".") + "]\n"
        }
        for entry in table.entries { text += "\(quoted(entry.key)) = \(spelling(entry.value))\n" }
    }
    return text
}

private func spelling(_ value: TOMLValue) -> String {
    switch value {
    case .string(let text): quoted(text)
    case .integer(let number): String(number)
    case .boolean(let flag): String(flag)
    case .array(let values): "[" + values.map { spelling($0) }.joined(separator: ", ") + "]"
    }
}

private func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        let digits = String(scalar.value, radix: 16)
        quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
    }
    return quoted + "\""
}
