package import CryptoPrimitives

/// The claims of a deletion order (`lenscap-delete+jwt`): a whole recording or whole segments of
/// it, by the teacher who recorded it.
package struct DeleteOrder: Sendable, Hashable {
    package let audience: String
    package let challenge: String
    /// Nanoseconds of the lesson; 0 to 0 means the whole recording.
    package let from: Int64
    package let to: Int64
    package let identifier: [UInt8]
    /// Hexadecimal.
    package let recording: String
    package let teacher: String
    package let version: Int64

    package init(
        audience: String,
        challenge: String,
        from: Int64,
        to: Int64,
        identifier: [UInt8],
        recording: String,
        teacher: String,
        version: Int64 = StartToken.version
    ) {
        self.audience = audience
        self.challenge = challenge
        self.from = from
        self.to = to
        self.identifier = identifier
        self.recording = recording
        self.teacher = teacher
        self.version = version
    }

    package init(parsing payload: [UInt8]) throws(Refusal) {
        do {
            var reader = try MemberReader(try CanonicalJSON(parsing: payload))
            self.init(
                audience: try reader.string("aud"),
                challenge: try reader.string("challenge"),
                from: try reader.integer("from"),
                to: try reader.integer("to"),
                identifier: try reader.bytes("jti", count: 16),
                recording: try reader.string("recording"),
                teacher: try reader.string("sub"),
                version: try reader.integer("version")
            )
            try reader.finish()
        } catch {
            throw Refusal(.payload, "The order's claims are not as specified: \(error).")
        }
        guard Hex.decode(recording)?.count == 16, from <= to else {
            throw Refusal(.payload, "The order names no recording or no stretch of one.")
        }
    }

    package var payload: CanonicalJSON {
        .object([
            "aud": .string(audience),
            "challenge": .string(challenge),
            "from": .integer(from),
            "jti": .string(Base64URL.encode(identifier)),
            "recording": .string(recording),
            "sub": .string(teacher),
            "to": .integer(to),
            "version": .integer(version),
        ])
    }

    package var isWhole: Bool { from == 0 && to == 0 }
}

/// The claims of a teacher's own revocation (`lenscap-revoke+jwt`), signed with the key that it
/// ends: whoever holds the key may end it, nobody needs to be asked.
package struct RevokeOrder: Sendable, Hashable {
    package let audience: String
    package let challenge: String
    package let identifier: [UInt8]
    package let teacher: String
    package let version: Int64

    package init(
        audience: String,
        challenge: String,
        identifier: [UInt8],
        teacher: String,
        version: Int64 = StartToken.version
    ) {
        self.audience = audience
        self.challenge = challenge
        self.identifier = identifier
        self.teacher = teacher
        self.version = version
    }

    package init(parsing payload: [UInt8]) throws(Refusal) {
        do {
            var reader = try MemberReader(try CanonicalJSON(parsing: payload))
            self.init(
                audience: try reader.string("aud"),
                challenge: try reader.string("challenge"),
                identifier: try reader.bytes("jti", count: 16),
                teacher: try reader.string("sub"),
                version: try reader.integer("version")
            )
            try reader.finish()
        } catch {
            throw Refusal(.payload, "The order's claims are not as specified: \(error).")
        }
    }

    package var payload: CanonicalJSON {
        .object([
            "aud": .string(audience),
            "challenge": .string(challenge),
            "jti": .string(Base64URL.encode(identifier)),
            "sub": .string(teacher),
            "version": .integer(version),
        ])
    }
}

/// The decision whether an order of a teacher about what is theirs already is obeyed.
///
/// It is always towards privacy, so less is asked than of a start: an expired card, an agreement
/// that no longer counts and a revoked key do not stand in the way.
package struct OrderVerification: Sendable {
    /// The box's identifier.
    package let box: String
    /// Taken from the connection already; used up whatever happens here.
    package let challenge: Challenge?

    package init(box: String, challenge: Challenge?) {
        self.box = box
        self.challenge = challenge
    }

    /// A deletion order against the recording's own card, the one its start token names.
    package func verifyDelete(token text: String, card: TeacherCard) throws(Refusal) -> DeleteOrder
    {
        let jws = try CompactJWS(parsing: text, type: .delete)
        try requireSignature(of: jws, by: card)
        let order = try DeleteOrder(parsing: jws.payload)
        try check(
            audience: order.audience,
            challenge: order.challenge,
            teacher: order.teacher,
            version: order.version,
            card: card
        )
        return order
    }

    /// A revocation of one's own key.
    package func verifyRevoke(token text: String, card: TeacherCard) throws(Refusal) -> RevokeOrder
    {
        let jws = try CompactJWS(parsing: text, type: .revoke)
        try requireSignature(of: jws, by: card)
        let order = try RevokeOrder(parsing: jws.payload)
        try check(
            audience: order.audience,
            challenge: order.challenge,
            teacher: order.teacher,
            version: order.version,
            card: card
        )
        return order
    }

    private func requireSignature(of jws: CompactJWS, by card: TeacherCard) throws(Refusal) {
        guard card.key.thumbprint == jws.header.keyIdentifier else {
            throw Refusal(.unknownKey, "The order is signed with another key than its teacher's.")
        }
        guard card.key.algorithm == jws.header.algorithm else {
            throw Refusal(.algorithm, "The order's algorithm is not that of the card's key.")
        }
        guard jws.isSigned(by: card.key) else {
            throw Refusal(.signature, "The signature is not by the key on the card.")
        }
    }

    private func check(
        audience: String,
        challenge answered: String,
        teacher: String,
        version: Int64,
        card: TeacherCard
    ) throws(Refusal) {
        guard teacher == card.teacher else {
            throw Refusal(.teacher, "The order names another teacher than the card.")
        }
        guard audience == box else { throw Refusal(.box, "The order is for another box.") }
        guard version == StartToken.version else {
            throw Refusal(.version, "The order is of another version.")
        }
        guard let challenge else {
            throw Refusal(.challenge, "No challenge is open on this connection; ask for one.")
        }
        guard Base64URL.decode(answered) == challenge.challenge else {
            throw Refusal(.challenge, "The order answers another challenge; ask for a new one.")
        }
    }
}
