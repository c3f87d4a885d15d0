import CryptoPrimitives
import LinuxSystem

/// Keys that anybody can make again from their names, and that protect nothing.
enum VectorKeys {
    static let names: [(name: String, algorithm: SignatureAlgorithm)] = [
        ("registrar", .edDSA), ("representative", .es256), ("protection", .edDSA),
        ("box", .edDSA), ("teacher", .edDSA), ("colleague", .es256), ("stranger", .edDSA),
    ]

    /// SHA-256 of `lenscap test key: ` and the name.
    static func seed(_ name: String) -> [UInt8] {
        SHA256.hash(Array("lenscap test key: \(name)".utf8))
    }

    /// What stands before the seed in PKCS#8: RFC 8410 section 7 and RFC 5915 section 3.
    private static func prefix(_ algorithm: SignatureAlgorithm) -> String {
        switch algorithm {
        case .edDSA: "302e020100300506032b657004220420"
        case .es256:
            "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420"
        }
    }

    static func pem(_ name: String, _ algorithm: SignatureAlgorithm) throws -> String {
        guard let start = Hex.decode(prefix(algorithm)) else { return "" }
        let text = Base64.encodePadded(start + seed(name))
        var lines: [Substring] = []
        var rest = text[...]
        while !rest.isEmpty {
            lines.append(rest.prefix(64))
            rest = rest.dropFirst(64)
        }
        return "-----BEGIN PRIVATE KEY-----\n" + lines.joined(separator: "\n")
            + "\n-----END PRIVATE KEY-----\n"
    }

    static func keys() throws -> [String: SigningKey] {
        var keys: [String: SigningKey] = [:]
        for (name, algorithm) in names {
            keys[name] = try SigningKey(pem: Array(pem(name, algorithm).utf8))
        }
        return keys
    }

    /// The age recipient whose private half is the seed of this name.
    static func recipient(_ name: String) throws -> String {
        let key = try X25519.PrivateKey(rawRepresentation: SecretBytes(copying: seed(name)))
        return Bech32.encode(prefix: "age", key.publicKey)
    }

    static func write() throws {
        let folder = try Folder.make(path: VectorFolder.path + "/keys")
        for (name, algorithm) in names {
            let pem = try pem(name, algorithm)
            try folder.writeDurably("\(name).TEST-KEY.pem", Array(pem.utf8), replacing: true)
        }
    }
}
