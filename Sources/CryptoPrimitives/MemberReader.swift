/// Reads the members of one object, each exactly once; a member that nobody read is an error.
///
/// ```swift
/// var reader = try MemberReader(document)
/// let threshold = try reader.integer("threshold", in: 1...16)
/// let keys = try reader.objects("keys", count: 1...16)
/// try reader.finish()
/// ```
package struct MemberReader: Sendable {
    private var unread: [String: CanonicalJSON]
    private let path: String

    /// A reader of `value`, which must be an object.
    ///
    /// `path` is how errors name it.
    package init(_ value: CanonicalJSON, path: String = "") throws(CanonicalJSONError) {
        guard case .object(let members) = value else { throw .member(path: path, .wrongType) }
        unread = members
        self.path = path
    }

    /// Whether the member is there and was not read yet.
    package func has(_ name: String) -> Bool {
        unread[name] != nil
    }

    /// Any value.
    ///
    /// Reading it a second time is `.missing`.
    package mutating func value(_ name: String) throws(CanonicalJSONError) -> CanonicalJSON {
        guard let value = unread.removeValue(forKey: name) else { throw error(name, .missing) }
        return value
    }

    package mutating func string(_ name: String) throws(CanonicalJSONError) -> String {
        guard case .string(let text) = try value(name) else { throw error(name, .wrongType) }
        return text
    }

    package mutating func integer(
        _ name: String,
        in range: ClosedRange<Int64> = 0...CanonicalJSON.maximumInteger
    ) throws(CanonicalJSONError) -> Int64 {
        guard case .integer(let number) = try value(name) else { throw error(name, .wrongType) }
        guard range.contains(number) else { throw error(name, .outOfRange) }
        return number
    }

    /// Bytes written as canonical base64url; exactly `count` of them unless that is nil.
    package mutating func bytes(_ name: String, count: Int?) throws(CanonicalJSONError) -> [UInt8] {
        guard let bytes = Base64URL.decode(try string(name)) else {
            throw error(name, .notBase64URL)
        }
        guard count == nil || bytes.count == count else { throw error(name, .outOfRange) }
        return bytes
    }

    package mutating func array(
        _ name: String,
        count: ClosedRange<Int> = 0...Int.max
    ) throws(CanonicalJSONError) -> [CanonicalJSON] {
        guard case .array(let elements) = try value(name) else { throw error(name, .wrongType) }
        guard count.contains(elements.count) else { throw error(name, .outOfRange) }
        return elements
    }

    package mutating func strings(
        _ name: String,
        count: ClosedRange<Int> = 0...Int.max
    ) throws(CanonicalJSONError) -> [String] {
        var texts: [String] = []
        for (index, element) in try array(name, count: count).enumerated() {
            guard case .string(let text) = element else {
                throw error("\(name).\(index)", .wrongType)
            }
            texts.append(text)
        }
        return texts
    }

    /// A reader of an object inside this one; the caller finishes it too.
    package mutating func object(_ name: String) throws(CanonicalJSONError) -> MemberReader {
        try MemberReader(try value(name), path: join(name))
    }

    /// Readers of an array's objects; the caller finishes each of them too.
    package mutating func objects(
        _ name: String,
        count: ClosedRange<Int> = 0...Int.max
    ) throws(CanonicalJSONError) -> [MemberReader] {
        var readers: [MemberReader] = []
        for (index, element) in try array(name, count: count).enumerated() {
            readers.append(try MemberReader(element, path: join("\(name).\(index)")))
        }
        return readers
    }

    /// Throws `.unknown` for the first, by name, of the members that were not read.
    package consuming func finish() throws(CanonicalJSONError) {
        if let name = unread.keys.min() { throw error(name, .unknown) }
    }

    /// The error that says of a member of this object what its reader does not accept.
    package func error(
        _ name: String,
        _ problem: CanonicalJSONError.MemberProblem
    ) -> CanonicalJSONError {
        .member(path: join(name), problem)
    }

    private func join(_ name: String) -> String {
        path.isEmpty ? name : "\(path).\(name)"
    }
}
