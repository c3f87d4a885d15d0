internal import COpenSSL

/// The JOSE signature algorithms that Lenscap uses, by their `alg` names (RFC 7518, RFC 8037).
package enum SignatureAlgorithm: String, Sendable, Hashable, CaseIterable {
    /// Ed25519.
    case edDSA = "EdDSA"
    /// ECDSA on P-256 with SHA-256.
    case es256 = "ES256"
}

/// A public key that signatures are checked with.
///
/// Every value of this type passed the checks: Ed25519 keys are canonical points of the curve and
/// not of low order, P-256 keys are points of the curve and not the point at infinity.
package struct VerificationKey: Sendable, Hashable {
    package let algorithm: SignatureAlgorithm
    /// Ed25519: the 32 bytes of the key.
    ///
    /// P-256: x and y, 32 bytes each, most significant first.
    package let rawRepresentation: [UInt8]
    private let handle: KeyHandle

    /// The Ed25519 key with this 32-byte encoding (RFC 8032 section 5.1.2).
    package init(ed25519 encoding: [UInt8]) throws(CryptoError) {
        if let problem = try Ed25519Point.problem(with: encoding) { throw .keyRefused(problem) }
        algorithm = .edDSA
        rawRepresentation = encoding
        handle = try KeyHandle(name: "ED25519", rawPublicKey: encoding)
    }

    /// The P-256 key with these 32-byte coordinates.
    package init(p256 x: [UInt8], _ y: [UInt8]) throws(CryptoError) {
        guard x.count == 32, y.count == 32 else { throw .keyRefused(.malformed) }
        guard P256.isBelow(x, P256.fieldPrime), P256.isBelow(y, P256.fieldPrime) else {
            throw .keyRefused(.nonCanonical)
        }
        guard let handle = try KeyHandle(p256: x, y) else { throw .keyRefused(.offCurve) }
        algorithm = .es256
        rawRepresentation = x + y
        self.handle = handle
    }

    /// The key that a JWK of exactly the required members stands for; any other member is refused.
    package init(jwk: CanonicalJSON) throws(CryptoError) {
        guard case .object(let members) = jwk else { throw .keyRefused(.malformed) }
        func coordinate(_ name: String) throws(CryptoError) -> [UInt8] {
            guard case .string(let text) = members[name], let bytes = Base64URL.decode(text) else {
                throw .keyRefused(.malformed)
            }
            return bytes
        }
        switch (members["kty"], members["crv"], members.count) {
        case (.string("OKP"), .string("Ed25519"), 3):
            try self.init(ed25519: coordinate("x"))
        case (.string("EC"), .string("P-256"), 4):
            try self.init(p256: coordinate("x"), coordinate("y"))
        case (.string("OKP"), .string("Ed25519"), _), (.string("EC"), .string("P-256"), _):
            throw .keyRefused(.malformed)
        case (.string, .string, _):
            throw .keyRefused(.unsupported)
        default:
            throw .keyRefused(.malformed)
        }
    }

    /// The key as a JWK of exactly the members that RFC 7638 section 3.2 requires.
    package var jwk: CanonicalJSON {
        switch algorithm {
        case .edDSA:
            .object([
                "crv": .string("Ed25519"), "kty": .string("OKP"),
                "x": .string(Base64URL.encode(rawRepresentation)),
            ])
        case .es256:
            .object([
                "crv": .string("P-256"), "kty": .string("EC"),
                "x": .string(Base64URL.encode(rawRepresentation[..<32])),
                "y": .string(Base64URL.encode(rawRepresentation[32...])),
            ])
        }
    }

    /// base64url of the SHA-256 of ``jwk`` (RFC 7638): the name of this key.
    package var thumbprint: String {
        Base64URL.encode(SHA256.hash(jwk.bytes))
    }

    /// Whether `signature` is this key's for exactly these bytes.
    ///
    /// A signature has 64 bytes: Ed25519's own, or r and s of ES256 as in RFC 7518 section 3.4,
    /// each from 1 to n − 1. An ES256 signature (r, s) has a twin (r, n − s) which is as valid;
    /// RFC 7518 does not choose between them, so a signature is never a name for what it signs.
    package func isValidSignature(_ signature: [UInt8], over bytes: [UInt8]) -> Bool {
        guard signature.count == 64 else { return false }
        switch algorithm {
        case .edDSA:
            return verify(signature, over: bytes, digest: nil)
        case .es256:
            guard let encoded = P256.derSignature(signature) else { return false }
            return verify(encoded, over: bytes, digest: "SHA256")
        }
    }

    private func verify(_ signature: [UInt8], over bytes: [UInt8], digest: String?) -> Bool {
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        let valid =
            EVP_DigestVerifyInit_ex(context, nil, digest, nil, nil, handle.key, nil) == 1
            && EVP_DigestVerify(context, signature, signature.count, bytes, bytes.count) == 1
        if !valid { ERR_clear_error() }
        return valid
    }

    package static func == (left: VerificationKey, right: VerificationKey) -> Bool {
        left.algorithm == right.algorithm && left.rawRepresentation == right.rawRepresentation
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(algorithm)
        hasher.combine(rawRepresentation)
    }
}
