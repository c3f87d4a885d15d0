/// The address of a made-up source in place of a device's path:
/// `test:`, `test:KIND` or `test:KIND?name=value&name=value`.
package struct TestAddress: Sendable {
    package static let prefix = "test:"

    private let values: [String: String]

    /// Nil when the address names another kind, or an option that is not among `options`, or one
    /// twice, or one without a value.
    package init?(_ address: String, kind: String, options: Set<String>) {
        guard address.hasPrefix(Self.prefix) else { return nil }
        let parts = address.dropFirst(Self.prefix.count)
            .split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts[0].isEmpty || parts[0] == kind else { return nil }
        var values: [String: String] = [:]
        for option in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let pair = option.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, options.contains(String(pair[0])),
                values.updateValue(String(pair[1]), forKey: String(pair[0])) == nil
            else { return nil }
        }
        self.values = values
    }

    package func text(_ name: String) -> String? {
        values[name]
    }

    /// Nil when the value is no integer or out of range.
    package func integer(_ name: String, default absent: Int, in range: ClosedRange<Int>) -> Int? {
        guard let text = values[name] else { return absent }
        guard let value = Int(text), range.contains(value) else { return nil }
        return value
    }
}
