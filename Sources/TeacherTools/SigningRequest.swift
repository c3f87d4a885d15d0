package import Consent
package import CryptoPrimitives

/// What a signer gets on its standard input: the box's challenge and what the teacher wants, one
/// line of canonical JSON `{"cameras","challenge","details":{"purpose","salt"},"duration",
/// "microphones"}`.
///
/// Its answer is a start token.
package struct SigningRequest: Sendable {
    /// The challenge as the box signed it.
    package let challenge: String
    package let cameras: [String]
    package let microphones: [String]
    /// Seconds.
    package let duration: Int64
    package let details: StartDetails

    package init(
        challenge: String,
        cameras: [String],
        microphones: [String],
        duration: Int64,
        details: StartDetails
    ) {
        self.challenge = challenge
        self.cameras = cameras
        self.microphones = microphones
        self.duration = duration
        self.details = details
    }

    package init(parsing bytes: [UInt8]) throws(TeacherToolsError) {
        do {
            let line = bytes.last == UInt8(ascii: "\n") ? Array(bytes.dropLast()) : bytes
            var reader = try MemberReader(try CanonicalJSON(parsing: line))
            var details = try reader.object("details")
            cameras = try reader.strings("cameras", count: 0...64)
            microphones = try reader.strings("microphones", count: 0...64)
            challenge = try reader.string("challenge")
            duration = try reader.integer("duration")
            self.details = StartDetails(
                purpose: try details.string("purpose"),
                salt: try details.string("salt")
            )
            try details.finish()
            try reader.finish()
        } catch {
            throw .unreadable("This is no signing request of lenscap start: \(error).")
        }
    }

    package func bytes() throws(TeacherToolsError) -> [UInt8] {
        let value = CanonicalJSON.object([
            "cameras": .array(cameras.map { .string($0) }),
            "challenge": .string(challenge),
            "details": .object([
                "purpose": .string(details.purpose), "salt": .string(details.salt),
            ]),
            "duration": .integer(duration),
            "microphones": .array(microphones.map { .string($0) }),
        ])
        do {
            try value.validate()
        } catch {
            throw .unreadable("Names and purposes are plain ASCII: \(error).")
        }
        return value.bytes
    }
}

/// A request that was held against the teacher's own records, ready to be shown and signed.
package struct PreparedSignature: Sendable {
    package let room: RoomRecord
    package let request: SigningRequest
    package let recipient: String
    private let token: StartToken

    /// Checks the challenge against the room record that the teacher imported.
    package init(_ request: SigningRequest, for teacher: TeacherFolder) throws(TeacherToolsError) {
        let document = try teacher.card()
        let card: TeacherCard
        do throws(Refusal) {
            card = try TeacherCard(reading: document)
        } catch { throw .refused(error) }
        let room = try teacher.room(ofChallenge: request.challenge)
        do throws(Refusal) {
            let challenge = try Challenge(
                verifying: request.challenge,
                by: room.record.boxKey
            )
            guard challenge.box == room.record.box, challenge.record == room.hash else {
                throw Refusal(
                    .record,
                    "The box runs under another room record than the one imported here; "
                        + "import the new one after looking at it."
                )
            }
            let detailsHash = try request.detailsHash(in: room.record)
            recipient = card.recipients[0]
            token = StartToken(
                audience: room.record.box,
                cameras: request.cameras.sorted(),
                microphones: request.microphones.sorted(),
                card: document.hash,
                challenge: Base64URL.encode(challenge.challenge),
                details: detailsHash,
                duration: request.duration,
                identifier: try Challenge.randomIdentifier(),
                log: challenge.log,
                record: challenge.record,
                recipient: recipient,
                teacher: card.teacher
            )
        } catch { throw .refused(error) }
        self.room = room.record
        self.request = request
    }

    /// The start token, signed.
    package func sign(with key: SigningKey) throws(TeacherToolsError) -> String {
        do throws(Refusal) {
            return try CompactJWS(payload: token.payload.bytes, type: .start, by: key).text
        } catch { throw .refused(error) }
    }
}

extension SigningRequest {
    /// The hash of the details, after holding the request against the room record: nothing that
    /// the box would refuse is shown to the teacher, and no text that the authorities did not sign.
    fileprivate func detailsHash(in room: RoomRecord) throws(Refusal) -> String {
        for (names, kind) in [
            (cameras, RoomRecord.SourceKind.camera),
            (microphones, RoomRecord.SourceKind.microphone),
        ] {
            guard Set(names).count == names.count,
                names.allSatisfy({ room.source($0)?.kind == kind })
            else {
                throw Refusal(.sources, "The room record has no such \(kind.rawValue).")
            }
        }
        guard !(cameras.isEmpty && microphones.isEmpty) else {
            throw Refusal(.sources, "The request names no camera and no microphone.")
        }
        guard (60...room.maximumDuration).contains(duration) else {
            throw Refusal(
                .duration,
                "A lesson here lasts from 60 to \(room.maximumDuration) seconds."
            )
        }
        guard room.purposes.contains(details.purpose) else {
            throw Refusal(
                .purpose,
                "Recordings here serve: \(room.purposes.joined(separator: ", "))."
            )
        }
        guard Base64URL.decode(details.salt)?.count == 32, let hash = details.hash else {
            throw Refusal(.details, "The salt is not 32 bytes.")
        }
        return hash
    }
}

extension TeacherFolder {
    /// The room record, as imported, of the box that a challenge names.
    func room(ofChallenge text: String) throws(TeacherToolsError) -> Trust.Room {
        let box: String
        do throws(Refusal) { box = try Challenge.box(in: text) } catch { throw .refused(error) }
        return try room(box: box)
    }
}

extension Challenge {
    /// The box that a challenge names, to find its room record by; not to be believed before the
    /// challenge is verified with that record's key.
    fileprivate static func box(in text: String) throws(Refusal) -> String {
        let token = try CompactJWS(parsing: text, type: .challenge)
        do {
            var reader = try MemberReader(try CanonicalJSON(parsing: token.payload))
            let box = try reader.string("box")
            guard Base64URL.decode(box)?.count == 32 else {
                throw Refusal(.box, "The challenge names no box.")
            }
            return box
        } catch {
            throw Refusal(.payload, "The challenge is not as specified: \(error).")
        }
    }

    fileprivate static func randomIdentifier() throws(Refusal) -> [UInt8] {
        do {
            return try randomBytes(16)
        } catch {
            throw Refusal(.key, "No randomness: \(error).")
        }
    }
}
