internal import FoundationEssentials

/// The JSON of the local protocol: sorted members, no escaped slashes, no NUL byte.
package enum MessageJSON {
    package static func encode(_ value: some Encodable) throws(VarlinkError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            throw .notEncodable(describe(error))
        }
    }

    /// Decodes a whole message; members that `Value` does not name are ignored.
    package static func decode<Value: Decodable>(
        _ type: Value.Type,
        from message: [UInt8]
    )
        throws(VarlinkError) -> Value
    {
        do {
            return try decodeUnchecked(type, from: message)
        } catch {
            throw .malformed(describe(error))
        }
    }

    /// As ``decode(_:from:)``, with the error as Codable has it.
    static func decodeUnchecked<Value: Decodable>(
        _ type: Value.Type,
        from message: [UInt8]
    )
        throws -> Value
    {
        try JSONDecoder().decode(type, from: Data(message))
    }

    private static func describe(_ error: any Error) -> String {
        let path = errorPath(error).joined(separator: ".")
        let text: String =
            switch error {
            case DecodingError.keyNotFound: "is missing"
            case DecodingError.typeMismatch, DecodingError.valueNotFound: "has the wrong type"
            case DecodingError.dataCorrupted: "is not valid"
            case EncodingError.invalidValue: "has no JSON form"
            default: "is not valid"
            }
        return path.isEmpty ? "the message \(text)" : "\(path) \(text)"
    }

    /// The member names that lead to what an error of Codable is about.
    static func errorPath(_ error: any Error) -> [String] {
        let path: [any CodingKey] =
            switch error {
            case DecodingError.keyNotFound(let key, let context): context.codingPath + [key]
            case DecodingError.typeMismatch(_, let context): context.codingPath
            case DecodingError.valueNotFound(_, let context): context.codingPath
            case DecodingError.dataCorrupted(let context): context.codingPath
            case EncodingError.invalidValue(_, let context): context.codingPath
            default: []
            }
        return path.map(\.stringValue)
    }
}

/// The parameters of a call or reply that has none: `{}`.
package struct NoParameters: Codable, Hashable, Sendable {
    package init() {}
}
