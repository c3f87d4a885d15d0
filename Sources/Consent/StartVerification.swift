internal import CryptoPrimitives

/// A start that was found good.
///
/// Only ``StartVerification`` makes one, so whoever holds it knows that a teacher's signature
/// stands behind it.
package struct VerifiedStart: Sendable {
    package let token: StartToken
    /// The token as it was signed.
    package let tokenText: String
    package let card: Trust.Card
    package let details: StartDetails

    fileprivate init(
        token: StartToken,
        tokenText: String,
        card: Trust.Card,
        details: StartDetails
    ) {
        self.token = token
        self.tokenText = tokenText
        self.card = card
        self.details = details
    }
}

/// The moment that dates are held against.
package struct JudgementTime: Sendable {
    /// Unix seconds: the clock's, never before the newest accepted record.
    ///
    /// With a clock that nothing keeps right, the newest accepted record alone.
    package let now: Int64
    package let isTrusted: Bool

    package init(clock: Int64, isTrusted: Bool, floor: Int64) {
        now = isTrusted ? max(clock, floor) : floor
        self.isTrusted = isTrusted
    }
}

/// The decision whether a start token opens the cap.
///
/// Read it beside the design, section 3.2.
///
/// Everything that it judges by is handed in; it reads no file, no clock and no socket. The steps
/// stand in the order in which they are taken; the first that fails ends it. What the authority
/// does after it (space, intent, receipt, lamp, gate, recorder) is in `Authority`.
package struct StartVerification: Sendable {
    package let trust: Trust
    /// The challenge of this connection, already taken from it: whatever happens here, it is used
    /// up.
    ///
    /// Nil when there was none, or it had expired.
    package let challenge: Challenge?
    package let time: JudgementTime
    /// Whether a recording of this identifier exists or existed on this box.
    package let isUsed: @Sendable (_ recording: String) -> Bool

    package init(
        trust: Trust,
        challenge: Challenge?,
        time: JudgementTime,
        isUsed: @escaping @Sendable (String) -> Bool
    ) {
        self.trust = trust
        self.challenge = challenge
        self.time = time
        self.isUsed = isUsed
    }

    package func verify(token text: String, details: StartDetails) throws(Refusal) -> VerifiedStart
    {
        // Size and framing → canonical base64url → header bytes.
        let jws = try CompactJWS(parsing: text, type: .start)
        // Exact key → card → signature.
        let card = try card(of: jws)
        guard jws.isSigned(by: card.card.key) else {
            throw Refusal(.signature, "The signature is not by the key on the card.")
        }
        // Payload bytes → claims.
        let token = try StartToken(parsing: jws.payload)
        try check(token, against: card.card)
        // Never used before.
        guard !isUsed(token.recording) else {
            throw Refusal(.replayed, "This token was used before; sign a new one.")
        }
        try check(details, against: token)
        try checkChallenge(token)
        try checkClosedTimes(token)
        return VerifiedStart(token: token, tokenText: text, card: card, details: details)
    }

    /// Whether the token bears the valid signature of a card's key, whatever else is wrong with it.
    ///
    /// Decides nothing: a refusal after a valid signature is an entry of the log of its own.
    package func isSigned(_ text: String) -> Bool {
        guard let jws = try? CompactJWS(parsing: text, type: .start),
            let card = trust.card(keyIdentifier: jws.header.keyIdentifier)
        else { return false }
        return jws.isSigned(by: card.card.key)
    }

    /// Exact `kid` → card by `card`, its key = `kid` → dates → agreement → not revoked → algorithm.
    ///
    /// The quorum was counted when ``Trust`` was read: a card without it is not there. The one
    /// claim that is read before the signature is the card's hash, to know whose signature to ask
    /// for; nothing else is believed until then.
    private func card(of jws: CompactJWS) throws(Refusal) -> Trust.Card {
        let hash: String
        do {
            var reader = try MemberReader(try CanonicalJSON(parsing: jws.payload))
            hash = try reader.string("card")
        } catch {
            throw Refusal(.payload, "The token's claims are not as specified: \(error).")
        }
        guard let card = trust.card(hash: hash) else {
            throw Refusal(
                .unknownCard,
                "This box does not know the card, or has a later one; have the card installed."
            )
        }
        guard card.card.key.thumbprint == jws.header.keyIdentifier else {
            throw Refusal(.cardKey, "The token is signed with another key than its card's.")
        }
        try checkDates(card.card)
        try checkAgreement(card.card)
        guard !trust.isRevoked(jws.header.keyIdentifier) else {
            throw Refusal(.revoked, "The key was revoked; enrol a new one.")
        }
        guard card.card.key.algorithm == jws.header.algorithm else {
            throw Refusal(.algorithm, "The token's algorithm is not that of the card's key.")
        }
        return card
    }

    private func checkDates(_ card: TeacherCard) throws(Refusal) {
        guard time.now < card.expires else {
            throw Refusal(.expired, "The card has expired; ask for a new one.")
        }
        guard !time.isTrusted || card.issued <= time.now else {
            throw Refusal(.notYetValid, "The card is dated in the future.")
        }
        guard card.trained > 0, card.trained <= max(time.now, card.issued) else {
            throw Refusal(.notYetValid, "The card does not say when its teacher was trained.")
        }
    }

    private func checkAgreement(_ card: TeacherCard) throws(Refusal) {
        let accepted = trust.room.record.agreements.contains { text in
            text.identifier == card.agreement.identifier
                && text.sha256 == card.agreement.sha256
                && (text.last == 0 || time.now <= text.last)
        }
        guard accepted else {
            throw Refusal(
                .agreement,
                "The agreement on the card is not one that this room accepts now; "
                    + "accept the present one and have the card renewed."
            )
        }
    }

    /// `sub`, `aud`, `record`, sources, `duration`, `informed`, `version`, `recipient`.
    private func check(_ token: StartToken, against card: TeacherCard) throws(Refusal) {
        let room = trust.room.record
        guard token.teacher == card.teacher else {
            throw Refusal(.teacher, "The token names another teacher than its card.")
        }
        guard token.audience == room.box else {
            throw Refusal(.box, "The token is for another box.")
        }
        guard token.record == trust.room.hash else {
            throw Refusal(.record, "The token is for another room record; ask for a new challenge.")
        }
        try checkSources(token.cameras, are: .camera)
        try checkSources(token.microphones, are: .microphone)
        guard !(token.cameras.isEmpty && token.microphones.isEmpty) else {
            throw Refusal(.sources, "The token names no camera and no microphone.")
        }
        guard (60...room.maximumDuration).contains(token.duration) else {
            throw Refusal(
                .duration,
                "A lesson here lasts from 60 to \(room.maximumDuration) seconds."
            )
        }
        guard token.informed == 1 else {
            throw Refusal(.notInformed, "Those present must have been told that it records.")
        }
        guard token.version == StartToken.version else {
            throw Refusal(.version, "The token is of another version.")
        }
        guard Recipient.isSound(token.recipient) else {
            throw Refusal(.recipient, "The recipient is not a sound age X25519 recipient.")
        }
    }

    private func checkSources(_ names: [String], are kind: RoomRecord.SourceKind) throws(Refusal) {
        guard names == Set(names).sorted() else {
            throw Refusal(.sources, "Source names are sorted and unique.")
        }
        for name in names where trust.room.record.source(name)?.kind != kind {
            throw Refusal(.sources, "The room record has no \(kind.rawValue) of that name.")
        }
    }

    /// The details open the token's hash of them, and the room allows the purpose.
    private func check(_ details: StartDetails, against token: StartToken) throws(Refusal) {
        guard Base64URL.decode(details.salt)?.count == 32, details.hash == token.details else {
            throw Refusal(.details, "The details beside the token are not those that it signs.")
        }
        guard trust.room.record.purposes.contains(details.purpose) else {
            throw Refusal(
                .purpose,
                "Recordings here serve: \(trust.room.record.purposes.joined(separator: ", "))."
            )
        }
    }

    private func checkChallenge(_ token: StartToken) throws(Refusal) {
        guard let challenge else {
            throw Refusal(.challenge, "No challenge is open on this connection; ask for one.")
        }
        guard Base64URL.decode(token.challenge) == challenge.challenge,
            challenge.record == token.record
        else {
            throw Refusal(.challenge, "The token answers another challenge; ask for a new one.")
        }
        guard token.log == challenge.log else {
            throw Refusal(.log, "The token names another state of the log than it was shown.")
        }
    }

    private func checkClosedTimes(_ token: StartToken) throws(Refusal) {
        if trust.room.record.isClosed(at: time.now) {
            throw Refusal(.closed, "The room is closed for recording at this time.")
        }
    }
}

extension VerifiedStart {
    /// Seconds that the lesson may last from `now`: its duration, or less where the room closes;
    /// none where it has closed since the start was verified.
    package func seconds(from now: Int64, in room: RoomRecord) -> Int64 {
        let closing = room.closedTimes.filter { now < $0.to }.map { max(0, $0.from - now) }.min()
        return min(token.duration, closing ?? token.duration)
    }
}
