/// Reads one header or entry after the other (toml.io, TOML 1.0.0, as ``TOMLDocument`` limits it).
struct TOMLParser {
    enum Statement {
        case header([String], line: Int)
        case entry(TOMLDocument.Entry)
    }

    // Arrays in arrays are of no use here; the limit keeps a hostile file from the stack's end.
    private static let deepestArray = 4

    private let file: String
    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var line = 1

    init(_ bytes: [UInt8], file: String) throws(ConfigurationError) {
        self.file = file
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let valid = bytes.split(separator: 10, omittingEmptySubsequences: false)
            let bad = valid.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
            throw .syntax(FilePosition(file: file, line: bad + 1), "this line is not UTF-8 text")
        }
        scalars = Array(text.unicodeScalars)
    }

    /// The next statement, nil at the end of the file.
    mutating func next() throws(ConfigurationError) -> Statement? {
        try skipBlankLines()
        guard let first = peek else { return nil }
        let statement = first == "[" ? try header() : try entry()
        skipSpaces()
        try skipComment()
        guard peek == nil || peek == "\n" || isCarriageReturn else {
            throw error("the line goes on after its end: one key or table a line")
        }
        return statement
    }

    private mutating func header() throws(ConfigurationError) -> Statement {
        let start = line
        index += 1
        if peek == "[" { throw error("arrays of tables ([[…]]) are not used here") }
        var path: [String] = []
        repeat {
            skipSpaces()
            path.append(try key())
            skipSpaces()
        } while take(".")
        guard take("]") else { throw error("a table is written [name] or [name.name]") }
        return .header(path, line: start)
    }

    private mutating func entry() throws(ConfigurationError) -> Statement {
        let start = line
        let name = try key()
        skipSpaces()
        if peek == "." { throw error("dotted keys are not used here: write a [table]") }
        guard take("=") else { throw error("a key is followed by = and its value") }
        skipSpaces()
        return .entry(TOMLDocument.Entry(key: name, value: try value(), line: start))
    }

    private mutating func key() throws(ConfigurationError) -> String {
        switch peek {
        case "\"": return try basicString()
        case "'": return try literalString()
        default:
            let name = takeWhile(TOMLParser.isBare)
            guard !name.isEmpty else {
                throw error("a name is of letters, digits, - and _, or in quotes")
            }
            return name
        }
    }

    private mutating func value(depth: Int = 0) throws(ConfigurationError) -> TOMLValue {
        switch peek {
        case "\"": return .string(try basicString())
        case "'": return .string(try literalString())
        case "[": return .array(try array(depth: depth))
        case "{": throw error("inline tables are not used here: write a [table]")
        default: break
        }
        let word = takeWhile { TOMLParser.isBare($0) || "+.:".unicodeScalars.contains($0) }
        switch word {
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        case "": throw error("a value is missing")
        default: return .integer(try integer(word))
        }
    }

    private func integer(_ word: String) throws(ConfigurationError) -> Int {
        let digits = word.drop { $0 == "+" || $0 == "-" }
        let groups = digits.split(separator: "_", omittingEmptySubsequences: false)
        let isDecimal =
            word.count - digits.count <= 1
            && groups.allSatisfy { group in
                !group.isEmpty && group.allSatisfy { ("0"..."9").contains($0) }
            }
        guard isDecimal, digits == "0" || digits.first != "0" else {
            throw error(
                "\(word) is no value: a whole decimal number, true, false, \"text\" or an [array]"
            )
        }
        guard let value = Int(word.filter { $0 != "_" }) else {
            throw error("\(word) is too large for a number")
        }
        return value
    }

    private mutating func array(depth: Int) throws(ConfigurationError) -> [TOMLValue] {
        guard depth < TOMLParser.deepestArray else { throw error("an array is too deep") }
        index += 1
        var values: [TOMLValue] = []
        while true {
            try skipBlankLines()
            if take("]") { return values }
            values.append(try value(depth: depth + 1))
            try skipBlankLines()
            if take(",") { continue }
            guard take("]") else { throw error("the values of an array stand between commas") }
            return values
        }
    }

    private mutating func literalString() throws(ConfigurationError) -> String {
        index += 1
        let text = takeWhile { $0 != "'" && !TOMLParser.isControl($0) }
        guard take("'") else { throw error("a string ends with its quote in the same line") }
        if text.isEmpty && peek == "'" { throw error("multi-line strings are not used here") }
        return text
    }

    private mutating func basicString() throws(ConfigurationError) -> String {
        index += 1
        var text = ""
        while true {
            text += takeWhile { $0 != "\"" && $0 != "\\" && !TOMLParser.isControl($0) }
            if take("\\") {
                text.unicodeScalars.append(try escaped())
                continue
            }
            guard take("\"") else { throw error("a string ends with its quote in the same line") }
            if text.isEmpty && peek == "\"" { throw error("multi-line strings are not used here") }
            return text
        }
    }

    private mutating func escaped() throws(ConfigurationError) -> Unicode.Scalar {
        let plain: [Unicode.Scalar: Unicode.Scalar] = [
            "b": "\u{8}", "t": "\t", "n": "\n", "f": "\u{C}", "r": "\r", "\"": "\"", "\\": "\\",
        ]
        let letter = peek
        index += 1
        if let letter, let meant = plain[letter] { return meant }
        let count = letter == "u" ? 4 : letter == "U" ? 8 : 0
        let digits = String(
            String.UnicodeScalarView(scalars[min(index, scalars.count)...].prefix(count))
        )
        index += count
        guard count > 0, digits.unicodeScalars.count == count,
            digits.allSatisfy({ $0.isASCII && $0.isHexDigit }),
            let number = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(number)
        else {
            throw error("after \\ can stand b, t, n, f, r, \", \\, uXXXX or UXXXXXXXX")
        }
        return scalar
    }

    private var peek: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    /// TOML's other end of line; alone it is a control character like any other.
    private var isCarriageReturn: Bool {
        peek == "\r" && index + 1 < scalars.count && scalars[index + 1] == "\n"
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        index += 1
        return true
    }

    private mutating func takeWhile(_ belongs: (Unicode.Scalar) -> Bool) -> String {
        var text = String.UnicodeScalarView()
        while let scalar = peek, belongs(scalar) {
            text.append(scalar)
            index += 1
        }
        return String(text)
    }

    private mutating func skipSpaces() {
        while peek == " " || peek == "\t" { index += 1 }
    }

    private mutating func skipComment() throws(ConfigurationError) {
        guard peek == "#" else { return }
        while let scalar = peek, scalar != "\n", !isCarriageReturn {
            if TOMLParser.isControl(scalar) { throw error("a control character in a comment") }
            index += 1
        }
    }

    private mutating func skipBlankLines() throws(ConfigurationError) {
        while true {
            skipSpaces()
            try skipComment()
            if isCarriageReturn { index += 1 }
            guard take("\n") else { return }
            line += 1
        }
    }

    private func error(_ text: String) -> ConfigurationError {
        .syntax(FilePosition(file: file, line: line), text)
    }

    private static func isBare(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
        default: false
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        (scalar.value < 0x20 && scalar != "\t") || scalar.value == 0x7F
    }
}
