package import CryptoPrimitives

/// A document under several signatures: JWS JSON (RFC 7515 §7.2.1), exactly
/// `{"payload","signatures":[{"protected","signature"}]}`, in canonical JSON.
package struct ThresholdDocument: Sendable {
    package struct Signature: Sendable {
        let header: [UInt8]
        let value: [UInt8]
    }

    package static let byteLimit = 1 << 18

    package let payload: [UInt8]
    package private(set) var signatures: [Signature]

    /// An unsigned document.
    ///
    /// Text beyond ASCII is refused: signed JSON has none.
    package init(payload: CanonicalJSON) throws(Refusal) {
        do {
            try payload.validate()
        } catch {
            throw Refusal(.payload, "Signed documents hold ASCII text only: \(error).")
        }
        self.payload = payload.bytes
        signatures = []
    }

    package init(parsing bytes: [UInt8]) throws(Refusal) {
        guard bytes.count <= ThresholdDocument.byteLimit else {
            throw Refusal(
                .oversized,
                "The document has more than \(ThresholdDocument.byteLimit) bytes."
            )
        }
        do {
            var members = try MemberReader(try CanonicalJSON(parsing: bytes))
            payload = try members.bytes("payload", count: nil)
            var signatures: [Signature] = []
            for item in try members.objects("signatures", count: 0...128) {
                var signature = item
                signatures.append(
                    Signature(
                        header: try signature.bytes("protected", count: nil),
                        value: try signature.bytes("signature", count: 64)
                    )
                )
                try signature.finish()
            }
            try members.finish()
            self.signatures = signatures
        } catch {
            throw Refusal(.malformed, "This is not a signed document of Lenscap: \(error).")
        }
    }

    package var bytes: [UInt8] {
        CanonicalJSON.object([
            "payload": .string(Base64URL.encode(payload)),
            "signatures": .array(
                signatures.map { signature in
                    .object([
                        "protected": .string(Base64URL.encode(signature.header)),
                        "signature": .string(Base64URL.encode(signature.value)),
                    ])
                }
            ),
        ]).bytes
    }

    /// base64url SHA-256 of the payload bytes: the document's name in other documents.
    package var hash: String { Base64URL.encode(SHA256.hash(payload)) }

    package mutating func sign(as type: DocumentType, with key: SigningKey) throws(Refusal) {
        let header = ProtectedHeader(
            algorithm: key.verificationKey.algorithm,
            keyIdentifier: key.verificationKey.thumbprint,
            type: type
        ).bytes
        do {
            let value = try key.sign(
                ProtectedHeader.signingInput(header: header, payload: payload)
            )
            signatures.append(Signature(header: header, value: value))
        } catch {
            throw Refusal(.signature, "Signing failed: \(error).")
        }
    }

    /// Whether `key` has signed already, whoever else did.
    package func isSigned(as type: DocumentType, by key: VerificationKey) -> Bool {
        signatures.contains { signature in
            let header = try? ProtectedHeader(parsing: signature.header, type: type)
            return header?.keyIdentifier == key.thumbprint
                && key.isValidSignature(
                    signature.value,
                    over: ProtectedHeader.signingInput(header: signature.header, payload: payload)
                )
        }
    }

    /// The same document with the signatures of these keys only; none is checked.
    package func keepingSignatures(
        as type: DocumentType,
        by keys: [VerificationKey]
    ) -> ThresholdDocument {
        var kept = self
        kept.signatures = signatures.filter { signature in
            let header = try? ProtectedHeader(parsing: signature.header, type: type)
            return keys.contains { $0.thumbprint == header?.keyIdentifier }
        }
        return kept
    }

    /// The thumbprints that signed.
    ///
    /// Each counts once; one unknown or bad signature rejects all.
    package func signers(
        as type: DocumentType,
        among keys: [VerificationKey]
    ) throws(Refusal)
        -> Set<String>
    {
        var signers: Set<String> = []
        for signature in signatures {
            let header = try ProtectedHeader(parsing: signature.header, type: type)
            guard let key = keys.first(where: { $0.thumbprint == header.keyIdentifier }) else {
                throw Refusal(.unknownKey, "A signature is by a key that has no say here.")
            }
            guard key.algorithm == header.algorithm else {
                throw Refusal(.algorithm, "A signature's algorithm is not that of its key.")
            }
            let input = ProtectedHeader.signingInput(header: signature.header, payload: payload)
            guard key.isValidSignature(signature.value, over: input) else {
                throw Refusal(.signature, "A signature of the document is not valid.")
            }
            signers.insert(header.keyIdentifier)
        }
        return signers
    }
}
