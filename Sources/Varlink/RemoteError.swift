/// An error that a service answered with: its name and, as JSON, what it says about it.
package struct RemoteError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Fully qualified, for example `org.lenscap.Teacher.Busy`.
    package let name: String
    private let reply: [UInt8]

    package init(name: String, reply: [UInt8]) {
        self.name = name
        self.reply = reply
    }

    /// The error's own parameters.
    package func parameters<Value: Decodable>(as type: Value.Type) throws(VarlinkError) -> Value {
        try MessageJSON.decode(ParameterEnvelope<Value>.self, from: reply).parameters
    }

    /// A text parameter, nil when the error has none of this name.
    package func text(_ name: String) -> String? { member(name, String.self) }

    /// An integer parameter, nil when the error has none of this name.
    package func integer(_ name: String) -> Int64? { member(name, Int64.self) }

    /// The service's own sentence if it sent one.
    package var description: String {
        guard let message = text("message") else {
            let about = text("parameter") ?? text("method") ?? text("interface") ?? text("what")
            return about.map { "\(name) (\($0))" } ?? name
        }
        return "\(name): \(message)"
    }

    private func member<Value: Decodable>(_ name: String, _ type: Value.Type) -> Value? {
        let envelope = try? MessageJSON.decode(
            ParameterEnvelope<NamedMembers<Value>>.self,
            from: reply
        )
        return envelope?.parameters.values[name]
    }
}

/// Any message of which only the parameters matter.
struct ParameterEnvelope<Parameters: Decodable>: Decodable {
    let parameters: Parameters
}

extension ParameterEnvelope: Encodable where Parameters: Encodable {}

/// A member name that is not known when the program is written.
struct MemberName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// The members of an object that have this type; others are left out.
private struct NamedMembers<Value: Decodable>: Decodable {
    let values: [String: Value]

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: MemberName.self)
        var values: [String: Value] = [:]
        for key in container.allKeys {
            values[key.stringValue] = try? container.decode(Value.self, forKey: key)
        }
        self.values = values
    }
}
