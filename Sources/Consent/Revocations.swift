package import CryptoPrimitives

/// The keys that no longer count (`revocations.json`, `lenscap-revocations+jwt`).
package struct Revocations: Sendable {
    package enum Reason: String, Sendable, CaseIterable {
        /// The key is lost: nothing starts with it; what it recorded still reaches its account.
        case lost
        /// The teacher has left: what was not sent is destroyed after the grace.
        case left
    }

    package struct Entry: Sendable, Hashable {
        /// RFC 7638 thumbprint of the revoked key.
        package let keyIdentifier: String
        package let reason: Reason
        /// Days until unsent recordings go, for `left`.
        package let grace: Int64

        package init(keyIdentifier: String, reason: Reason, grace: Int64) {
            self.keyIdentifier = keyIdentifier
            self.reason = reason
            self.grace = grace
        }
    }

    package let entries: [Entry]
    /// Never goes back.
    package let sequence: Int64
    /// Unix seconds.
    package let issued: Int64
    /// base64url SHA-256 of the payload.
    package let hash: String

    /// Reads the document and checks that enough of `authorities` signed it; where a teacher has
    /// left, a representative must be among them.
    package init(
        verifying document: ThresholdDocument,
        by authorities: Authorities
    )
        throws(Refusal)
    {
        try self.init(reading: document)
        try authorities.requireQuorum(document, as: .revocations, besides: [])
        guard entries.contains(where: { $0.reason == .left }) else { return }
        let signers = try document.signers(
            as: .revocations,
            among: authorities.members.map(\.key)
        )
        let representatives = authorities.members
            .filter { $0.role == .representative }
            .map(\.key.thumbprint)
        guard !signers.isDisjoint(with: representatives) else {
            throw Refusal(
                .quorum,
                "That a teacher has left needs the representative's signature too."
            )
        }
    }

    /// Reads the document without looking at its signatures, to show it or to sign it.
    package init(reading document: ThresholdDocument) throws(Refusal) {
        do {
            var reader = try MemberReader(try CanonicalJSON(parsing: document.payload))
            issued = try reader.integer("issued")
            var entries: [Entry] = []
            for item in try reader.objects("revocations", count: 0...4096) {
                var member = item
                let reasonText = try member.string("reason")
                guard let reason = Reason(rawValue: reasonText) else {
                    throw Refusal(.payload, "A revocation's reason is lost or left.")
                }
                entries.append(
                    Entry(
                        keyIdentifier: try member.string("kid"),
                        reason: reason,
                        grace: try member.integer("grace", in: 0...3650)
                    )
                )
                try member.finish()
            }
            sequence = try reader.integer("sequence")
            try reader.finish()
            self.entries = entries
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.payload, "The revocations are not as specified: \(error).")
        }
        guard Set(entries.map(\.keyIdentifier)).count == entries.count else {
            throw Refusal(.payload, "The revocations name a key twice.")
        }
        hash = document.hash
    }

    package static func payload(entries: [Entry], sequence: Int64, issued: Int64) -> CanonicalJSON {
        .object([
            "issued": .integer(issued),
            "revocations": .array(
                entries.map { entry in
                    .object([
                        "grace": .integer(entry.grace),
                        "kid": .string(entry.keyIdentifier),
                        "reason": .string(entry.reason.rawValue),
                    ])
                }
            ),
            "sequence": .integer(sequence),
        ])
    }

    package func entry(for keyIdentifier: String) -> Entry? {
        entries.first { $0.keyIdentifier == keyIdentifier }
    }
}
