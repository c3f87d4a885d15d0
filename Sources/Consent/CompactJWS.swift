package import CryptoPrimitives

/// A compact JWS (RFC 7515 §7.1) taken apart, its signature not yet checked.
///
/// One token has exactly one spelling that is accepted: three parts of canonical unpadded
/// base64url, the header in canonical JSON.
package struct CompactJWS: Sendable {
    /// No token of this system comes near it; more is refused before anything is read.
    package static let byteLimit = 8192

    package let text: String
    package let header: ProtectedHeader
    /// As signed; not to be believed before ``isSigned(by:)``.
    package let payload: [UInt8]
    private let headerBytes: [UInt8]
    private let signature: [UInt8]

    /// Size and framing → canonical base64url → header bytes.
    package init(parsing text: String, type: DocumentType) throws(Refusal) {
        guard text.utf8.count <= CompactJWS.byteLimit else {
            throw Refusal(.oversized, "The token has more than \(CompactJWS.byteLimit) bytes.")
        }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else {
            throw Refusal(.malformed, "A token has three parts with a full stop between.")
        }
        guard let headerBytes = Base64URL.decode(parts[0]),
            let payload = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else {
            throw Refusal(.notCanonical, "A part of the token is not canonical base64url.")
        }
        header = try ProtectedHeader(parsing: headerBytes, type: type)
        self.text = text
        self.headerBytes = headerBytes
        self.payload = payload
        self.signature = signature
    }

    /// Signs a payload.
    package init(payload: [UInt8], type: DocumentType, by key: SigningKey) throws(Refusal) {
        header = ProtectedHeader(
            algorithm: key.verificationKey.algorithm,
            keyIdentifier: key.verificationKey.thumbprint,
            type: type
        )
        headerBytes = header.bytes
        self.payload = payload
        let input = ProtectedHeader.signingInput(header: headerBytes, payload: payload)
        do {
            signature = try key.sign(input)
        } catch {
            throw Refusal(.signature, "Signing failed: \(error).")
        }
        text = String(decoding: input, as: UTF8.self) + "." + Base64URL.encode(signature)
    }

    /// Whether `key` made the signature, with the one algorithm that this key has.
    package func isSigned(by key: VerificationKey) -> Bool {
        header.algorithm == key.algorithm
            && header.keyIdentifier == key.thumbprint
            && key.isValidSignature(
                signature,
                over: ProtectedHeader.signingInput(header: headerBytes, payload: payload)
            )
    }
}
