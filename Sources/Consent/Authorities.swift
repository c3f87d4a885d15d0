package import CryptoPrimitives

/// Who may vouch for rooms and teachers (`authorities.json`, `lenscap-authorities+jwt`).
package struct Authorities: Sendable {
    package enum Role: String, Sendable, CaseIterable {
        case registrar
        case representative
        case protection
    }

    package struct Member: Sendable {
        package let key: VerificationKey
        package let role: Role

        package init(key: VerificationKey, role: Role) {
            self.key = key
            self.role = role
        }
    }

    package let members: [Member]
    /// How many of them must sign.
    package let threshold: Int
    package let sequence: Int64
    /// Unix seconds.
    package let issued: Int64
    /// base64url SHA-256 of the payload.
    package let hash: String

    /// Reads the document and checks that its own members signed it.
    package init(verifying document: ThresholdDocument) throws(Refusal) {
        try self.init(reading: document)
        try requireQuorum(document, as: .authorities, besides: [])
    }

    /// Reads the document without looking at its signatures, to show it or to sign it.
    package init(reading document: ThresholdDocument) throws(Refusal) {
        let payload = document.payload
        do {
            var reader = try MemberReader(try CanonicalJSON(parsing: payload))
            issued = try reader.integer("issued")
            var members: [Member] = []
            for item in try reader.objects("keys", count: 1...64) {
                var entry = item
                let key = try VerificationKey(jwk: try entry.value("key"))
                guard let role = Role(rawValue: try entry.string("role")) else {
                    throw Refusal(.payload, "An authority's role is unknown.")
                }
                try entry.finish()
                members.append(Member(key: key, role: role))
            }
            sequence = try reader.integer("sequence")
            threshold = Int(try reader.integer("threshold", in: 1...64))
            try reader.finish()
            self.members = members
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.payload, "The authorities' document is not as specified: \(error).")
        }
        guard Set(members.map(\.key.thumbprint)).count == members.count,
            threshold <= members.count
        else {
            throw Refusal(.payload, "The authorities' document repeats a key or asks for too many.")
        }
        hash = document.hash
    }

    package static func payload(
        members: [Member],
        threshold: Int,
        sequence: Int64,
        issued: Int64
    ) -> CanonicalJSON {
        .object([
            "issued": .integer(issued),
            "keys": .array(
                members.map { member in
                    .object(["key": member.key.jwk, "role": .string(member.role.rawValue)])
                }
            ),
            "sequence": .integer(sequence),
            "threshold": .integer(Int64(threshold)),
        ])
    }

    /// Requires that enough of the members signed.
    ///
    /// `others` may have signed too (a teacher's proof of possession) and must have; they are never
    /// counted.
    package func requireQuorum(
        _ document: ThresholdDocument,
        as type: DocumentType,
        besides others: [VerificationKey]
    ) throws(Refusal) {
        let signers = try document.signers(as: type, among: members.map(\.key) + others)
        for other in others where !signers.contains(other.thumbprint) {
            throw Refusal(.signature, "The document lacks the signature of its own key.")
        }
        let counted = signers.intersection(members.map(\.key.thumbprint))
        let own = Set(others.map(\.thumbprint))
        guard counted.subtracting(own).count >= threshold else {
            throw Refusal(
                .quorum,
                "The document has \(counted.subtracting(own).count) of \(threshold) signatures "
                    + "that it needs; ask the authorities to approve it."
            )
        }
    }
}
