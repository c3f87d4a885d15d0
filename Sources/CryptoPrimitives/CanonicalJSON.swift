/// The JSON that Lenscap signs: objects, arrays, ASCII strings and integers from 0 to 2^53 − 1, in
/// the one serialisation of RFC 8785.
///
/// There are no booleans, nulls, fractions or negative numbers.
package enum CanonicalJSON: Sendable, Hashable {
    case string(String)
    case integer(Int64)
    case array([CanonicalJSON])
    case object([String: CanonicalJSON])

    /// 2^53 − 1: the last integer that every JSON reader gets right.
    package static let maximumInteger: Int64 = 1 << 53 - 1

    /// The value that `bytes` are the canonical serialisation of.
    ///
    /// Refuses everything else: white space, duplicate or unsorted members, other escapes than the
    /// canonical ones, characters beyond ASCII, other numbers than the integers above, bytes after
    /// the value, and more than `maximumDepth` arrays and objects inside each other. What it gives
    /// was serialised again and compared byte by byte, so that one value has one spelling.
    package init(
        parsing bytes: [UInt8],
        maximumDepth: Int = 8
    ) throws(CanonicalJSONError) {
        var parser = CanonicalJSONParser(bytes: bytes, maximumDepth: maximumDepth)
        let value = try parser.document()
        guard value.bytes == bytes else { throw .notCanonical }
        self = value
    }

    /// The canonical serialisation (RFC 8785): no white space, members sorted by their names.
    ///
    /// A string beyond ASCII or an integer out of range is a mistake of the caller and traps; where
    /// a value comes from outside, call ``validate()`` first.
    package var bytes: [UInt8] {
        var output: [UInt8] = []
        append(to: &output)
        return output
    }

    /// Throws the first thing in this value that has no canonical serialisation.
    package func validate() throws(CanonicalJSONError) {
        switch self {
        case .string(let text):
            guard Self.isASCII(text) else { throw .notASCII(text) }
        case .integer(let number):
            guard (0...Self.maximumInteger).contains(number) else { throw .outOfRange(number) }
        case .array(let elements):
            for element in elements { try element.validate() }
        case .object(let members):
            for (name, value) in members {
                guard Self.isASCII(name) else { throw .notASCII(name) }
                try value.validate()
            }
        }
    }

    private static func isASCII(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 < 0x80 }
    }

    private func append(to output: inout [UInt8]) {
        switch self {
        case .string(let text):
            Self.append(text, to: &output)
        case .integer(let number):
            precondition((0...Self.maximumInteger).contains(number), "not 0…2^53 − 1")
            output += String(number).utf8
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                element.append(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            // RFC 8785 sorts by UTF-16 code units, which for ASCII is the order of the bytes.
            let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            output.append(UInt8(ascii: "{"))
            for (index, member) in sorted.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                Self.append(member.key, to: &output)
                output.append(UInt8(ascii: ":"))
                member.value.append(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    /// A string with the escapes of RFC 8785 section 3.2.2.2.
    private static func append(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            precondition(byte < 0x80, "beyond ASCII")
            if byte > UInt8(ascii: "\\") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte {
                // Most of what is written, and never escaped.
                output.append(byte)
            } else if let letter = CanonicalEscape.letter(for: byte) {
                output += [UInt8(ascii: "\\"), letter]
            } else if byte < 0x20 {
                output += "\\u00".utf8
                output += Hex.encode(CollectionOfOne(byte)).utf8
            } else {
                output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}

/// The two-character escapes, the same for writing and reading.
enum CanonicalEscape {
    private static let pairs: [(letter: UInt8, byte: UInt8)] = [
        (UInt8(ascii: "\""), UInt8(ascii: "\"")),
        (UInt8(ascii: "\\"), UInt8(ascii: "\\")),
        (UInt8(ascii: "b"), 0x08),
        (UInt8(ascii: "t"), 0x09),
        (UInt8(ascii: "n"), 0x0A),
        (UInt8(ascii: "f"), 0x0C),
        (UInt8(ascii: "r"), 0x0D),
    ]

    static func letter(for byte: UInt8) -> UInt8? {
        pairs.first { $0.byte == byte }?.letter
    }

    static func byte(for letter: UInt8) -> UInt8? {
        pairs.first { $0.letter == letter }?.byte
    }
}
