/// Decoding that refuses members nobody asked for.
enum StrictParameters {
    struct Refusal: Error {
        /// Dotted below the parameters, for example `details.salt`.
        let parameter: String
    }

    /// Decodes `{"parameters": …}`; a member of value null counts as absent.
    ///
    /// Members of objects inside arrays are not compared.
    static func decode<Parameters: Codable>(
        _ type: Parameters.Type,
        from message: [UInt8]
    )
        throws(Refusal) -> Parameters
    {
        do {
            let strict = try MessageJSON.decodeUnchecked(
                ParameterEnvelope<Strict<Parameters>>.self,
                from: message
            ).parameters
            let known = try MessageJSON.decodeUnchecked(
                MemberNames.self,
                from: MessageJSON.encode(strict.value)
            )
            if let unknown = strict.names.firstMissing(in: known) {
                throw Refusal(parameter: unknown)
            }
            return strict.value
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            let path = MessageJSON.errorPath(error)
            let below = path.first == "parameters" ? path.dropFirst() : path[...]
            throw Refusal(parameter: below.isEmpty ? "parameters" : below.joined(separator: "."))
        }
    }

    private struct Strict<Value: Codable>: Decodable {
        let value: Value
        let names: MemberNames

        init(from decoder: any Decoder) throws {
            value = try Value(from: decoder)
            names = try MemberNames(from: decoder)
        }
    }
}

/// The names of an object's members and of the objects in them.
private struct MemberNames: Decodable {
    // Far above every interface; it bounds what a hostile message can cost.
    private static let mostMembers = 32

    private var members: [String: MemberNames] = [:]

    init(from decoder: any Decoder) throws {
        guard let container = try? decoder.container(keyedBy: MemberName.self) else { return }
        guard container.allKeys.count <= MemberNames.mostMembers else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "too many members")
            )
        }
        for key in container.allKeys where try !container.decodeNil(forKey: key) {
            members[key.stringValue] = try container.decode(MemberNames.self, forKey: key)
        }
    }

    func firstMissing(in known: MemberNames) -> String? {
        for (name, below) in members.sorted(by: { $0.key < $1.key }) {
            guard let expected = known.members[name] else { return name }
            if let deeper = below.firstMissing(in: expected) { return "\(name).\(deeper)" }
        }
        return nil
    }
}
