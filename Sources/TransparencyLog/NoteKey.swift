package import CryptoPrimitives

/// An Ed25519 key under the name by which signed notes know it (C2SP signed-note, "Signatures").
package struct NoteKey: Sendable {
    /// The signature type of plain Ed25519 (C2SP signed-note, "Signature types").
    private static let ed25519: UInt8 = 0x01

    package let name: String
    package let key: VerificationKey
    /// The first four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key): a label, not a proof, since keys
    /// with the same one are easily found.
    package let identifier: [UInt8]

    package init(name: String, key: VerificationKey) throws(TransparencyLogError) {
        guard key.algorithm == .edDSA else { throw .keyRefused(.algorithm) }
        guard Self.isName(name) else { throw .keyRefused(.name) }
        self.name = name
        self.key = key
        identifier = Self.identifier(name: name, encodedKey: [Self.ed25519] + key.rawRepresentation)
    }

    /// The key as text, for those who check notes: `name+identifier+key` with the identifier in
    /// hexadecimal and 0x01 ‖ key in base64.
    package var text: String {
        let encodedKey = Base64.encodePadded([Self.ed25519] + key.rawRepresentation)
        return "\(name)+\(Hex.encode(identifier))+\(encodedKey)"
    }

    /// The key that `text` stands for; only the exact spelling of ``text``.
    package init(text: String) throws(TransparencyLogError) {
        // Base64 has `+` among its digits, names do not.
        let parts = text.utf8.split(
            separator: UInt8(ascii: "+"),
            maxSplits: 2,
            omittingEmptySubsequences: false
        )
        guard parts.count == 3, let name = String(parts[0]) else { throw .keyRefused(.text) }
        guard let identifier = Hex.decode(parts[1]),
            let encodedKey = Base64.decodePadded(parts[2]),
            identifier == Self.identifier(name: name, encodedKey: encodedKey)
        else { throw .keyRefused(.text) }
        guard encodedKey.first == Self.ed25519 else { throw .keyRefused(.algorithm) }
        let key = try wrapping { () throws(CryptoError) in
            try VerificationKey(ed25519: Array(encodedKey.dropFirst()))
        }
        try self.init(name: name, key: key)
    }

    /// Whether the note format has a place for this name: not empty, without Unicode spaces, `+` and
    /// control characters.
    static func isName(_ name: String) -> Bool {
        !name.isEmpty
            && name.unicodeScalars.allSatisfy {
                $0.value >= 0x20 && $0 != "+" && !$0.properties.isWhitespace
            }
    }

    private static func identifier(name: String, encodedKey: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(Array(name.utf8) + [0x0A] + encodedKey).prefix(4))
    }
}
