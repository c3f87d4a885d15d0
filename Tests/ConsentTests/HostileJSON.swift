import CryptoPrimitives

/// Spellings of an object that a reader must not take for it or for another.
struct HostileJSON: Sendable, CustomStringConvertible {
    let description: String
    let bytes: [UInt8]

    /// How many ``variants(of:)`` gives for each member, and besides.
    static let eachMember = 24
    static let whole = 25

    static func variants(of object: CanonicalJSON) -> [HostileJSON] {
        let names = object.members.keys.sorted()
        let entries = names.compactMap { name in
            object.members[name].map { Entry(name: quoted(name), value: text($0)) }
        }
        return entries.indices.flatMap { member(entries, $0) } + whole(entries)
    }

    private struct Entry {
        var name: String
        var value: String
        var text: String { name + ":" + value }
    }

    private static func text(_ value: CanonicalJSON) -> String {
        String(decoding: value.bytes, as: UTF8.self)
    }

    private static func quoted(_ text: String) -> String { "\"\(text)\"" }

    private static func object(_ entries: [Entry]) -> String {
        "{" + entries.map(\.text).joined(separator: ",") + "}"
    }

    private static func member(_ entries: [Entry], _ index: Int) -> [HostileJSON] {
        let entry = entries[index]
        let isText = entry.value.hasPrefix("\"")
        var found: [HostileJSON] = []
        func add(_ what: String, _ text: String) {
            found.append(HostileJSON(description: "\(entry.name) \(what)", bytes: Array(text.utf8)))
        }
        func with(_ what: String, value: String) {
            var changed = entries
            changed[index].value = value
            add(what, object(changed))
        }
        func inserted(_ what: String, _ other: Entry, at place: Int) {
            var changed = entries
            changed.insert(other, at: place)
            add(what, object(changed))
        }
        let other = Entry(name: entry.name, value: isText ? "\"other\"" : "61")
        var fewer = entries
        fewer.remove(at: index)
        add("missing", object(fewer))
        inserted("doubled", entry, at: index)
        inserted("doubled, another value first", other, at: index)
        inserted("doubled, another value last", other, at: index + 1)
        inserted("doubled at the end", entry, at: entries.count)
        with("of the other type", value: isText ? "7" : "\"600\"")
        for value in ["null", "true", "false", "[]", "{}", "-1", "1.0", "6e2", "007", "1E0"] {
            with("is \(value)", value: value)
        }
        with("above 2^53", value: "9007199254740992")
        with("in an array", value: "[\(entry.value)]")
        with("with space before", value: " \(entry.value)")
        with("with space after", value: "\(entry.value) ")
        with("with a line feed after", value: "\(entry.value)\n")
        with(
            "with an escape",
            value: isText ? "\"\\u0061" + entry.value.dropFirst() : "\\u0036"
        )
        with("not quoted right", value: isText ? "'\(entry.value.dropFirst().dropLast())'" : "+60")
        var escaped = entries
        escaped[index].name = "\"\\u00" + hex(entry.name) + entry.name.dropFirst(2)
        add("with an escape in its name", object(escaped))
        return found
    }

    private static func hex(_ name: String) -> String {
        Hex.encode(Array(name.utf8.dropFirst().prefix(1)))
    }

    private static func whole(_ entries: [Entry]) -> [HostileJSON] {
        let good = object(entries)
        let variants: [(String, String)] = [
            ("reversed", object(entries.reversed())),
            ("two swapped", object([entries[1], entries[0]] + entries.dropFirst(2))),
            ("unknown member first", object([Entry(name: "\"a\"", value: "1")] + entries)),
            ("unknown member last", object(entries + [Entry(name: "\"zz\"", value: "\"\"")])),
            ("a member without name", object([Entry(name: "\"\"", value: "1")] + entries)),
            (
                "a megabyte",
                object(
                    entries + [
                        Entry(name: "\"zz\"", value: quoted(String(repeating: "a", count: 1 << 20)))
                    ]
                )
            ),
            ("trailing line feed", good + "\n"),
            ("trailing space", good + " "),
            ("trailing null byte", good + "\0"),
            ("trailing comma", good + ","),
            ("trailing brace", good + "}"),
            ("itself twice", good + good),
            ("leading space", " " + good),
            ("leading mark of byte order", "\u{FEFF}" + good),
            ("comma before the end", good.dropLast() + ",}"),
            ("comma at the start", "{," + good.dropFirst()),
            ("not ended", String(good.dropLast())),
            ("in an array", "[" + good + "]"),
            ("quoted", quoted(good)),
            ("empty object", "{}"),
            ("empty", ""),
            ("an array", "[]"),
            ("a comment", "/**/" + good),
            ("beyond ASCII", object(entries + [Entry(name: "\"\u{E9}\"", value: "1")])),
            ("deep", String(repeating: "[", count: 3000) + String(repeating: "]", count: 3000)),
        ]
        return variants.map { HostileJSON(description: $0.0, bytes: Array($0.1.utf8)) }
    }
}
