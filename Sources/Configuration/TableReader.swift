/// Takes the known keys out of a table; whatever is left is unknown.
///
/// The keys asked for are the keys allowed, so the two cannot differ.
struct TableReader {
    let file: String
    let table: TOMLDocument.Table?
    private var asked: [String] = []

    init(_ table: TOMLDocument.Table?, file: String) {
        self.table = table
        self.file = file
    }

    mutating func integer(
        _ key: String,
        in range: ClosedRange<Int>
    ) throws(ConfigurationError)
        -> Int?
    {
        guard let entry = take(key) else { return nil }
        guard case .integer(let value) = entry.value else {
            throw .wrongType(place(entry), name: key, expected: "a whole number")
        }
        guard range.contains(value) else {
            throw .notAllowed(
                place(entry),
                name: key,
                allowed: range.lowerBound == range.upperBound
                    ? "\(range.lowerBound)" : "\(range.lowerBound)…\(range.upperBound)"
            )
        }
        return value
    }

    /// A text for which `meaning` has a value; `allowed` says which those are.
    mutating func text<Value>(
        _ key: String,
        _ allowed: String,
        _ meaning: (String) -> Value?
    ) throws(ConfigurationError) -> Value? {
        guard let entry = take(key) else { return nil }
        guard case .string(let text) = entry.value else {
            throw .wrongType(place(entry), name: key, expected: "a text in quotes")
        }
        guard let value = meaning(text) else {
            throw .notAllowed(place(entry), name: key, allowed: allowed)
        }
        return value
    }

    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: String,
        _ type: Choice.Type
    ) throws(ConfigurationError) -> Choice? {
        let names = Choice.allCases.map { "\"\($0.rawValue)\"" }
        return try text(key, names.joined(separator: " or "), Choice.init(rawValue:))
    }

    /// An absolute path that leads straight down.
    mutating func path(_ key: String) throws(ConfigurationError) -> String? {
        try text(key, "an absolute path without . and ..") { path in
            let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            let isPlain = parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
            return path.hasPrefix("/") && isPlain && !path.contains("\0") ? path : nil
        }
    }

    /// Refuses the first key that nobody has asked for.
    func finish() throws(ConfigurationError) {
        guard let entry = table?.entries.first(where: { !asked.contains($0.key) }) else { return }
        throw .unknownKey(place(entry), name: entry.key, allowed: asked)
    }

    /// Where a key stands, or its table when it does not.
    func place(of key: String) -> FilePosition {
        let entry = table?.entries.first { $0.key == key }
        return FilePosition(file: file, line: entry?.line ?? table?.line ?? 1)
    }

    private mutating func take(_ key: String) -> TOMLDocument.Entry? {
        asked.append(key)
        return table?.entries.first { $0.key == key }
    }

    private func place(_ entry: TOMLDocument.Entry) -> FilePosition {
        FilePosition(file: file, line: entry.line)
    }
}
