package import CryptoPrimitives

/// The document types; each kind of signed thing has its own, so none passes for another.
package enum DocumentType: String, Sendable, CaseIterable {
    case authorities = "lenscap-authorities+jwt"
    case room = "lenscap-room+jwt"
    case card = "lenscap-card+jwt"
    case challenge = "lenscap-challenge+jwt"
    case start = "lenscap-start+jwt"
    case revocations = "lenscap-revocations+jwt"
    case delete = "lenscap-delete+jwt"
    case revoke = "lenscap-revoke+jwt"
}

/// The protected header of every signature (RFC 7515 §4): exactly `alg`, `kid` and `typ`.
package struct ProtectedHeader: Hashable, Sendable {
    package let algorithm: SignatureAlgorithm
    /// RFC 7638 thumbprint of the signer's key.
    package let keyIdentifier: String
    package let type: DocumentType

    package init(algorithm: SignatureAlgorithm, keyIdentifier: String, type: DocumentType) {
        self.algorithm = algorithm
        self.keyIdentifier = keyIdentifier
        self.type = type
    }

    /// Reads canonical header bytes of a signature that must be of `type`.
    package init(parsing bytes: [UInt8], type: DocumentType) throws(Refusal) {
        do {
            var members = try MemberReader(try CanonicalJSON(parsing: bytes))
            let algorithm = SignatureAlgorithm(rawValue: try members.string("alg"))
            let keyIdentifier = try members.string("kid")
            let stated = try members.string("typ")
            try members.finish()
            guard stated == type.rawValue else {
                throw Refusal(.header, "This is signed as another kind of document.")
            }
            guard let algorithm else {
                throw Refusal(.algorithm, "The signature's algorithm is not accepted here.")
            }
            self.init(algorithm: algorithm, keyIdentifier: keyIdentifier, type: type)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.header, "The signature's header is not as specified: \(error).")
        }
    }

    package var bytes: [UInt8] {
        CanonicalJSON.object([
            "alg": .string(algorithm.rawValue),
            "kid": .string(keyIdentifier),
            "typ": .string(type.rawValue),
        ]).bytes
    }

    /// What is signed: `BASE64URL(header) . BASE64URL(payload)` (RFC 7515 §5.1).
    static func signingInput(header: [UInt8], payload: [UInt8]) -> [UInt8] {
        Array((Base64URL.encode(header) + "." + Base64URL.encode(payload)).utf8)
    }
}
