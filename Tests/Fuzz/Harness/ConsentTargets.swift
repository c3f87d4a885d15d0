internal import Consent
internal import CryptoPrimitives

extension FuzzTarget {
    /// The token as text: framing, base64url, header, and that a signed token has one spelling.
    static let token = FuzzTarget(
        name: "token",
        longest: CompactJWS.byteLimit + 64,
        run: { input in
            guard let text = text(input) else { return }
            for type in DocumentType.allCases {
                guard let token = accepted({ try CompactJWS(parsing: text, type: type) }) else {
                    continue
                }
                check(token, of: text)
            }
            let school = School.shared
            if let start = accepted({
                try school.verification.verify(token: text, details: School.details)
            }) {
                // Nobody forges a signature here, so that it can only be one of the seeds.
                let good = school.token(school.claims.bytes)
                expect(start.tokenText == good, "a signed token has one spelling")
            }
        },
        seeds: {
            let school = School.shared
            let good = school.token(school.claims.bytes)
            let parts = good.split(separator: ".").map(String.init)
            let challenge = try CompactJWS(
                payload: school.challenge.payload.bytes,
                type: .challenge,
                by: school.box
            )
            let seeds = [
                good, challenge.text, school.token([]), school.token(Array("{}".utf8)),
                parts[0] + "..", "..", parts[0] + "." + parts[1] + ".",
            ]
            return seeds.map { Array($0.utf8) }
        }
    )

    /// The claims, under a good signature: everything that `StartVerification` looks at.
    static let start = FuzzTarget(
        name: "start",
        longest: 4096,
        run: { input in
            if let claims = accepted({ try StartToken(parsing: input) }) {
                expect(claims.payload.bytes == input, "claims are their own serialisation")
            }
            let school = School.shared
            let text = school.token(input)
            guard
                let start = accepted({
                    try school.verification.verify(token: text, details: School.details)
                })
            else { return }
            check(start.token, of: input)
        },
        seeds: {
            let school = School.shared
            let good = String(decoding: school.claims.bytes, as: UTF8.self)
            let changes = [
                ("600", "5401"), ("600", "59"), (#""informed":1"#, #""informed":0"#),
                ("board,class", "class,board"), ("board,class", ""), (#""desk""#, #""board""#),
                (#""version":1"#, #""version":2"#), ("age1", "age2"), ("0:", "1:"),
            ]
            return [Array(good.utf8)]
                + changes.map { Array(replacing($0.0, by: $0.1, in: good).utf8) }
        }
    )

    /// Payloads of records, challenges and orders, under good signatures where that changes what is
    /// looked at.
    static let records = FuzzTarget(
        name: "records",
        longest: 8192,
        run: { input in
            guard let value = accepted({ try CanonicalJSON(parsing: input) }) else { return }
            checkRecord(value)
            checkChallenge(input)
            checkOrders(input)
            if let memory = accepted({ try TrustMemory(parsing: input) }) {
                expect(memory.bytes == input, "what was accepted is its own serialisation")
            }
        },
        seeds: {
            let school = School.shared
            var record = try RoomRecord(reading: school.room)
            record.purposes = ["reflection", "a \"quoted\" one"]
            let text = String(decoding: school.room.payload, as: UTF8.self)
            let device =
                #"{"kind":"camera","name":"board","#
                + #""port":"1-2","product":"0825","serial":"A1","vendor":"046d"}"#
            let gated = replacing(#"{"kind":"camera","name":"board"}"#, by: device, in: text)
            let input = #""stop":[{"code":148,"device":"gpio-keys","kind":"key"}]"#
            let stopped = replacing(#""stop":[]"#, by: input, in: text)
            let left = Revocations.Entry(
                keyIdentifier: school.teacher.verificationKey.thumbprint,
                reason: .left,
                grace: 30
            )
            let revocations = Revocations.payload(
                entries: [left],
                sequence: 3,
                issued: School.now
            )
            return [
                revocations.bytes, deleteOrder.payload.bytes, revokeOrder.payload.bytes,
                TrustMemory().bytes, Array(trustMemory.utf8),
                school.authorities.payload, school.room.payload, school.card.payload,
                school.challenge.payload.bytes, record.payload.bytes, Array(gated.utf8),
                Array(stopped.utf8),
            ]
        }
    )

    /// A threshold document as a file.
    static let document = FuzzTarget(
        name: "document",
        longest: 16_384,
        run: { input in
            let school = School.shared
            guard let document = accepted({ try ThresholdDocument(parsing: input) }) else { return }
            expect(document.bytes == input, "a document is its own serialisation")
            checkReadings(of: document)
            if let read = accepted({ try Authorities(verifying: document) }) {
                // Members are their own judges, but the school's keys have signed one document.
                let own = Set([school.authority, school.secondAuthority].map(\.verificationKey))
                let isOwn = read.members.contains { own.contains($0.key) }
                expect(
                    !isOwn || document.payload == school.authorities.payload,
                    "of authorities only what was signed"
                )
            }
            let authorities = school.trust.authorities
            if accepted({ try RoomRecord(verifying: document, by: authorities) }) != nil {
                expect(document.payload == school.room.payload, "of rooms only what was signed")
            }
            if accepted({ try TeacherCard(verifying: document, by: authorities) }) != nil {
                expect(document.payload == school.card.payload, "of cards only what was signed")
            }
        },
        seeds: {
            let school = School.shared
            var twice = school.card
            try twice.sign(as: .card, with: school.authority)
            var both = school.room
            try both.sign(as: .room, with: school.secondAuthority)
            var strange = school.room
            try strange.sign(as: .room, with: school.box)
            let unsigned = try ThresholdDocument(payload: .object([:]))
            return [school.authorities, school.room, school.card, twice, both, strange, unsigned]
                .map(\.bytes)
        }
    )
}

private func check(_ token: CompactJWS, of text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    expect(parts.count == 3, "a token has three parts")
    expect(parts[0] == Base64URL.encode(token.header.bytes), "a header has one spelling")
    expect(parts[1] == Base64URL.encode(token.payload), "a payload has one spelling")
    let signature = Base64URL.decode(String(parts[2]))
    expect(signature.map { Base64URL.encode($0) } == String(parts[2]), "and so has a signature")
    expect(token.text == text, "a token keeps its text")
    if let claims = accepted({ try StartToken(parsing: token.payload) }) {
        expect(claims.payload.bytes == token.payload, "claims are their own serialisation")
    }
}

/// The rules of the design, section 3.2, in other words than `StartVerification` has for them.
private func check(_ token: StartToken, of payload: [UInt8]) {
    let school = School.shared
    guard case .object(let good) = school.claims, case .object(let members) = token.payload else {
        fatalError("claims are an object")
    }
    expect(token.payload.bytes == payload, "claims are their own serialisation")
    let free: Set = ["cameras", "duration", "jti", "microphones", "recipient"]
    for (name, value) in members where !free.contains(name) {
        expect(value == good[name], "\(name) is what the box asked for")
    }
    expect((60...5400).contains(token.duration), "a lesson lasts from 60 s to the room's limit")
    expect(token.identifier.count == 16, "a token has an identifier of 16 bytes")
    expect([[], ["board"], ["board", "class"], ["class"]].contains(token.cameras), "cameras")
    expect([[], ["desk"]].contains(token.microphones), "microphones")
    expect(!(token.cameras + token.microphones).isEmpty, "a lesson has a source")
    expect(Recipient.isSound(token.recipient), "a recipient is sound")
}

/// Every payload that can be read is the payload that it would be written as.
private func checkReadings(of document: ThresholdDocument) {
    if let read = accepted({ try Authorities(reading: document) }) {
        let written = Authorities.payload(
            members: read.members,
            threshold: read.threshold,
            sequence: read.sequence,
            issued: read.issued
        )
        expect(written.bytes == document.payload, "authorities are their own serialisation")
        expect((1...read.members.count).contains(read.threshold), "a threshold can be reached")
    }
    if let read = accepted({ try RoomRecord(reading: document) }) {
        expect(read.payload.bytes == document.payload, "a room is its own serialisation")
    }
    if let read = accepted({ try Revocations(reading: document) }) {
        let written = Revocations.payload(
            entries: read.entries,
            sequence: read.sequence,
            issued: read.issued
        )
        expect(written.bytes == document.payload, "revocations are their own serialisation")
    }
    if let read = accepted({ try TeacherCard(reading: document) }) {
        expect(read.payload.bytes == document.payload, "a card is its own serialisation")
        for recipient in read.recipients {
            expect(Recipient.isSound(recipient), "a card's recipients are sound")
        }
    }
}

private func checkRecord(_ value: CanonicalJSON) {
    guard let document = accepted({ try ThresholdDocument(payload: value) }) else { return }
    checkReadings(of: document)
    let school = School.shared
    let authorities = school.trust.authorities
    if let read = accepted({ try Authorities(reading: document) }) {
        let signed = School.document(value, as: .authorities, by: [school.authority])
        let isOwn = read.members.contains { $0.key == school.authority.verificationKey }
        let isGood = accepted { try Authorities(verifying: signed) } != nil
        expect(isGood == (isOwn && read.threshold == 1), "one signature is worth one")
    }
    if let read = accepted({ try RoomRecord(reading: document) }) {
        let signed = School.document(value, as: .room, by: [school.authority])
        let isGood = accepted { try RoomRecord(verifying: signed, by: authorities) } != nil
        expect(isGood == (read.authorities == authorities.hash), "a room has its authorities")
        let start = needed { () throws(Refusal) in
            try school.verification.verify(
                token: school.token(school.claims.bytes),
                details: School.details
            )
        }
        let seconds = start.seconds(from: School.now, in: read)
        expect((0...start.token.duration).contains(seconds), "a lesson ends in time")
    }
    if let read = accepted({ try TeacherCard(reading: document) }) {
        let signed = School.document(value, as: .card, by: [school.teacher, school.authority])
        let isGood = accepted { try TeacherCard(verifying: signed, by: authorities) } != nil
        expect(isGood == (read.key == school.teacher.verificationKey), "a card has its own key")
        checkStart(under: signed, isGood: isGood)
    }
}

/// A start under the card: it is good exactly when the card's dates, texts and names are.
private func checkStart(under card: ThresholdDocument, isGood: Bool) {
    let school = School.shared
    let files = (school.authorities.bytes, school.room.bytes, card.bytes)
    let trust = needed { () throws(Refusal) in
        try Trust(authorities: files.0, room: files.1, cards: [("card.json", files.2)])
    }
    expect((trust.card(hash: card.hash) != nil) == isGood, "a card that is good is there")
    expect(trust.rejectedCards.isEmpty == isGood, "a card that is not is named")
    guard isGood, case .object(var claims) = school.claims else { return }
    claims["card"] = .string(card.hash)
    let verification = StartVerification(
        trust: trust,
        challenge: school.challenge,
        time: JudgementTime(clock: School.now, isTrusted: true, floor: trust.floor)
    ) { _ in false }
    let token = school.token(CanonicalJSON.object(claims).bytes)
    let start = accepted { try verification.verify(token: token, details: School.details) }
    if let start {
        expect(start.card.card.expires > School.now, "a card has not expired")
        expect(start.card.card.teacher == start.token.teacher, "a card is its teacher's")
    }
}

private func checkChallenge(_ payload: [UInt8]) {
    let box = School.shared.box
    let text = needed { () throws(Refusal) in
        try CompactJWS(payload: payload, type: .challenge, by: box).text
    }
    guard
        let challenge = accepted({
            try Challenge(verifying: text, by: box.verificationKey)
        })
    else { return }
    expect(challenge.payload.bytes == payload, "a challenge is its own serialisation")
}

private let deleteOrder = DeleteOrder(
    audience: School.shared.box.verificationKey.thumbprint,
    challenge: Base64URL.encode(School.shared.challenge.challenge),
    from: 0,
    to: 2_000_000_000,
    identifier: [UInt8](0..<16),
    recording: "000102030405060708090a0b0c0d0e0f",
    teacher: "abcdefghijklmnopqrstuvwxyz"
)

private let revokeOrder = RevokeOrder(
    audience: deleteOrder.audience,
    challenge: deleteOrder.challenge,
    identifier: deleteOrder.identifier,
    teacher: deleteOrder.teacher
)

private let trustMemory =
    #"{"authorities":[],"authoritiesHash":"","authoritiesSequence":1,"authoritiesThreshold":1,"#
    + #""cards":[{"issued":5,"kid":"a"},{"issued":6,"kid":"b"}],"floor":7,"#
    + #""revocationsHash":"","revocationsSequence":0,"roomHash":"x","roomSequence":2}"#

extension RevokeOrder {
    fileprivate func with(_ identifier: [UInt8]) -> RevokeOrder {
        RevokeOrder(
            audience: audience,
            challenge: challenge,
            identifier: identifier,
            teacher: teacher
        )
    }
}

private func checkOrders(_ payload: [UInt8]) {
    let school = School.shared
    let card = needed { () throws(Refusal) in try TeacherCard(reading: school.card) }
    let verification = OrderVerification(
        box: school.box.verificationKey.thumbprint,
        challenge: school.challenge
    )
    func signed(as type: DocumentType) -> String {
        needed { () throws(Refusal) in
            try CompactJWS(payload: payload, type: type, by: school.teacher).text
        }
    }
    let delete = signed(as: .delete)
    if let order = accepted({ try verification.verifyDelete(token: delete, card: card) }) {
        let isOurs = order.audience == deleteOrder.audience && order.teacher == card.teacher
        expect(isOurs && order.challenge == deleteOrder.challenge, "an order is for this box")
    }
    let revoke = signed(as: .revoke)
    if let order = accepted({ try verification.verifyRevoke(token: revoke, card: card) }) {
        expect(order == revokeOrder.with(order.identifier), "an order is for this box")
    }
    expect(
        accepted { try verification.verifyDelete(token: revoke, card: card) } == nil,
        "no order passes for another"
    )
    if let order = accepted({ try DeleteOrder(parsing: payload) }) {
        expect(order.payload.bytes == payload, "an order is its own serialisation")
        expect(order.from <= order.to, "a stretch ends after it begins")
    }
    if let order = accepted({ try RevokeOrder(parsing: payload) }) {
        expect(order.payload.bytes == payload, "an order is its own serialisation")
    }
}

/// `text` with the first `old` replaced; a seed that does not have it is a mistake.
private func replacing(_ old: String, by new: String, in text: String) -> String {
    let pattern = Array(old.utf8)
    let bytes = Array(text.utf8)
    for start in bytes.indices where bytes[start...].starts(with: pattern) {
        let end = start + pattern.count
        return String(decoding: bytes[..<start] + Array(new.utf8) + bytes[end...], as: UTF8.self)
    }
    fatalError("no \(old) in a seed")
}
