/// A value of the subset, without its place.
enum TOMLValue: Hashable, Sendable {
    case string(String)
    case integer(Int)
    case boolean(Bool)
    case array([TOMLValue])
}

/// A configuration file as tables of keys, each with its line.
///
/// A strict subset of TOML 1.0: comments, `[table]` and `[table.name]`, bare and quoted keys,
/// basic and literal strings of one line, decimal integers, booleans, and arrays of those. What is
/// left out (dotted keys, inline tables, arrays of tables, multi-line strings, floats, dates) is
/// refused by name. It is the project's own because the TOML packages for Swift keep positions for
/// errors of syntax only, and a wrong value or an unknown key must be named with its line too;
/// they also bring a C++ library and Foundation into programs that need neither.
struct TOMLDocument {
    struct Entry: Hashable {
        let key: String
        let value: TOMLValue
        let line: Int
    }

    struct Table: Hashable {
        /// Empty for what stands before the first header.
        let path: [String]
        let line: Int
        var entries: [Entry] = []

        var name: String { path.joined(separator: ".") }
    }

    let file: String
    private(set) var tables: [Table] = [Table(path: [], line: 1)]

    init(_ bytes: [UInt8], file: String) throws(ConfigurationError) {
        self.file = file
        var parser = try TOMLParser(bytes, file: file)
        while let statement = try parser.next() {
            switch statement {
            case .header(let path, let line): try add(path, line)
            case .entry(let entry): try add(entry)
            }
        }
    }

    private mutating func add(_ path: [String], _ line: Int) throws(ConfigurationError) {
        let table = Table(path: path, line: line)
        if let first = tables.dropFirst().first(where: { $0.path == path }) {
            throw .duplicate(
                FilePosition(file: file, line: line),
                name: "[\(table.name)]",
                firstLine: first.line
            )
        }
        tables.append(table)
    }

    private mutating func add(_ entry: Entry) throws(ConfigurationError) {
        let last = tables.count - 1
        if let first = tables[last].entries.first(where: { $0.key == entry.key }) {
            throw .duplicate(
                FilePosition(file: file, line: entry.line),
                name: entry.key,
                firstLine: first.line
            )
        }
        tables[last].entries.append(entry)
    }
}
