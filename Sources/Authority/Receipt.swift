internal import Age
package import Consent
internal import CryptoPrimitives
internal import LinuxSystem

/// What the teacher gets about the session itself, sealed to the lesson's recipient before any
/// device opens (`receipt.json.age`): the purpose, and the salt under which the activation log
/// names the teacher.
package enum Receipt {
    package static func seal(
        _ start: VerifiedStart,
        room: RoomRecord,
        salt: [UInt8],
        time: Int64
    )
        throws(AuthorityError) -> [UInt8]
    {
        let token = start.token
        let content = CanonicalJSON.object([
            "box": .string(token.audience),
            "cameras": .string(token.cameras.joined(separator: ",")),
            "card": .string(token.card),
            "details": .object([
                "purpose": .string(start.details.purpose),
                "salt": .string(start.details.salt),
            ]),
            "duration": .integer(token.duration),
            "microphones": .string(token.microphones.joined(separator: ",")),
            "record": .string(token.record),
            "recording": .string(token.recording),
            "room": .string(room.room),
            "salt": .string(Base64URL.encode(salt)),
            "time": .integer(time),
        ])
        do {
            return try Age.seal(content.bytes, to: [try AgeRecipient(token.recipient)])
        } catch {
            throw .refused(
                Refusal(.recipient, "The receipt cannot be sealed to the recipient: \(error).")
            )
        }
    }
}
