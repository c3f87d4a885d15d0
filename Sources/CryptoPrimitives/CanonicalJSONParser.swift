/// A recursive-descent parser for the subset that ``CanonicalJSON`` describes.
///
/// It checks everything but the order of members, which its caller finds by serialising again.
struct CanonicalJSONParser {
    private let bytes: [UInt8]
    private let maximumDepth: Int
    private var position = 0
    private var depth = 0

    init(bytes: [UInt8], maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    mutating func document() throws(CanonicalJSONError) -> CanonicalJSON {
        let result = try value()
        guard position == bytes.count else { throw problem(.trailingBytes) }
        return result
    }

    private mutating func value() throws(CanonicalJSONError) -> CanonicalJSON {
        switch try peek() {
        case UInt8(ascii: "\""): .string(try string())
        case UInt8(ascii: "0")...UInt8(ascii: "9"): .integer(try integer())
        case UInt8(ascii: "["): try array()
        case UInt8(ascii: "{"): try object()
        case let byte: throw unexpected(byte)
        }
    }

    private mutating func array() throws(CanonicalJSONError) -> CanonicalJSON {
        try enter()
        var elements: [CanonicalJSON] = []
        if try !take(UInt8(ascii: "]")) {
            repeat {
                elements.append(try value())
            } while try separator(orEnd: UInt8(ascii: "]"))
        }
        depth -= 1
        return .array(elements)
    }

    private mutating func object() throws(CanonicalJSONError) -> CanonicalJSON {
        try enter()
        var members: [String: CanonicalJSON] = [:]
        if try !take(UInt8(ascii: "}")) {
            repeat {
                let nameOffset = position
                let name = try string()
                guard members[name] == nil else {
                    throw .syntax(.duplicateMember(name), offset: nameOffset)
                }
                guard try take(UInt8(ascii: ":")) else { throw unexpected(try peek()) }
                members[name] = try value()
            } while try separator(orEnd: UInt8(ascii: "}"))
        }
        depth -= 1
        return .object(members)
    }

    /// Steps over the opening bracket.
    private mutating func enter() throws(CanonicalJSONError) {
        depth += 1
        guard depth <= maximumDepth else { throw problem(.tooDeep) }
        position += 1
    }

    /// True after a comma, false after `end`.
    private mutating func separator(orEnd end: UInt8) throws(CanonicalJSONError) -> Bool {
        if try take(UInt8(ascii: ",")) { return true }
        if try take(end) { return false }
        throw unexpected(try peek())
    }

    private mutating func integer() throws(CanonicalJSONError) -> Int64 {
        let start = position
        if try take(UInt8(ascii: "0")) {
            // A further digit, a fraction or an exponent is left over and refused by whoever is next.
            return 0
        }
        var number: Int64 = 0
        while position < bytes.count,
            case let digit = bytes[position],
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit)
        {
            // At most 2^53 − 1 before, so that ten times as much cannot overflow.
            number = number * 10 + Int64(digit - UInt8(ascii: "0"))
            guard number <= CanonicalJSON.maximumInteger else {
                throw .syntax(.integerTooLarge, offset: start)
            }
            position += 1
        }
        return number
    }

    private mutating func string() throws(CanonicalJSONError) -> String {
        guard try take(UInt8(ascii: "\"")) else { throw unexpected(try peek()) }
        var text: [UInt8] = []
        while try !take(UInt8(ascii: "\"")) {
            let byte = try peek()
            switch byte {
            case UInt8(ascii: "\\"):
                text.append(try escape())
            case 0x00..<0x20:
                throw unexpected(byte)
            case 0x80...:
                throw problem(.notASCII)
            default:
                text.append(byte)
                position += 1
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func escape() throws(CanonicalJSONError) -> UInt8 {
        let start = position
        position += 1
        let letter = try peek()
        position += 1
        if let byte = CanonicalEscape.byte(for: letter) { return byte }
        guard letter == UInt8(ascii: "u") else { throw .syntax(.escape, offset: start) }
        guard position + 4 <= bytes.count else {
            throw .syntax(.unexpectedEnd, offset: bytes.count)
        }
        let digits = bytes[position..<position + 4]
        position += 4
        guard digits.starts(with: "00".utf8),
            let byte = Hex.decode(digits.dropFirst(2))?.first,
            byte < 0x20, CanonicalEscape.letter(for: byte) == nil
        else { throw .syntax(.escape, offset: start) }
        return byte
    }

    private func peek() throws(CanonicalJSONError) -> UInt8 {
        guard position < bytes.count else { throw problem(.unexpectedEnd) }
        return bytes[position]
    }

    private mutating func take(_ byte: UInt8) throws(CanonicalJSONError) -> Bool {
        guard try peek() == byte else { return false }
        position += 1
        return true
    }

    private func unexpected(_ byte: UInt8) -> CanonicalJSONError {
        problem(byte < 0x80 ? .unexpectedByte(byte) : .notASCII)
    }

    private func problem(_ problem: CanonicalJSONError.SyntaxProblem) -> CanonicalJSONError {
        .syntax(problem, offset: position)
    }
}
