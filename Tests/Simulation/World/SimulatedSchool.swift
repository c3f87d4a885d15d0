import Age
import Consent
import CryptoPrimitives
import TeacherTools

/// One room, its box and its teacher, on paper.
final class SimulatedSchool: Sendable {
    static let began: Int64 = 1_800_000_000
    /// The checkpoint of a log without entries.
    static let log = "0:" + Base64URL.encode(SHA256.hash([UInt8]()))

    let box: SigningKey
    let identity: AgeIdentity
    let recipient: AgeRecipient
    let trust: Trust
    let authorities: [UInt8]
    let room: [UInt8]
    private let teacher: SigningKey
    private let card: ThresholdDocument

    init(holdMinutes: Int64) throws {
        let registrar = try SigningKey.generate(.edDSA)
        box = try SigningKey.generate(.edDSA)
        teacher = try SigningKey.generate(.edDSA)
        identity = try AgeIdentity.generate()
        recipient = identity.recipient
        let text = Enrolment.AgreementText(identifier: "1", language: "en", text: [])
        var authorities = try Enrolment.authorities(
            [Authorities.Member(key: registrar.verificationKey, role: .registrar)],
            threshold: 1,
            sequence: 1,
            issued: Self.began
        )
        try authorities.sign(as: .authorities, with: registrar)
        var record = RoomRecord(
            boxKey: box.verificationKey,
            room: "Room 12",
            sources: [
                RoomRecord.Source(name: "desk", kind: .microphone),
                RoomRecord.Source(name: "front", kind: .camera),
            ],
            agreements: [
                RoomRecord.Agreement(identifier: text.identifier, sha256: text.sha256, last: 0)
            ],
            authorities: authorities.hash,
            sequence: 1,
            issued: Self.began
        )
        record.holdMinutes = holdMinutes
        var room = try Enrolment.room(record)
        try room.sign(as: .room, with: registrar)
        var card = try Enrolment.card(
            TeacherCard(
                teacher: "abcdefghijklmnopqrstuvwxyz",
                key: teacher.verificationKey,
                recipients: [recipient.text],
                account: TeacherCard.Account(kind: "directory", url: "file:///account"),
                agreement: TeacherCard.Agreement(
                    identifier: text.identifier,
                    sha256: text.sha256,
                    language: text.language
                ),
                trained: Self.began,
                issued: Self.began,
                expires: Self.began + 100 * 86_400
            ),
            signedWith: teacher
        )
        try card.sign(as: .card, with: registrar)
        self.card = card
        self.authorities = authorities.bytes
        self.room = room.bytes
        trust = try Trust(
            authorities: authorities.bytes,
            room: room.bytes,
            cards: [("card.json", card.bytes)]
        )
    }

    /// A start that the teacher signs for a challenge of the box.
    func start(
        identifier: [UInt8],
        seconds: Int64,
        challenge: Challenge
    ) throws -> (token: String, details: StartDetails) {
        let details = StartDetails(
            purpose: "reflection",
            salt: Base64URL.encode([UInt8](repeating: 7, count: 32))
        )
        let token = StartToken(
            audience: box.verificationKey.thumbprint,
            cameras: ["front"],
            microphones: ["desk"],
            card: card.hash,
            challenge: Base64URL.encode(challenge.challenge),
            details: details.hash ?? "",
            duration: seconds,
            identifier: identifier,
            log: challenge.log,
            record: challenge.record,
            recipient: recipient.text,
            teacher: "abcdefghijklmnopqrstuvwxyz"
        )
        let jws = try CompactJWS(payload: token.payload.bytes, type: .start, by: teacher)
        return (jws.text, details)
    }

    func challenge(_ bytes: [UInt8], time: Int64) -> Challenge {
        Challenge(
            box: box.verificationKey.thumbprint,
            boot: "b",
            challenge: bytes,
            log: Self.log,
            record: trust.room.hash,
            revocations: 0,
            time: time,
            isTimeTrusted: true
        )
    }
}
