internal import Consent
internal import CryptoPrimitives

/// What a signer gets for an order about what is the teacher's own already: one line of canonical
/// JSON, `{"challenge","from","order":"delete","recording","to"}` or `{"challenge","order":
/// "revoke"}`.
///
/// Its answer is the order, signed.
package struct OrderRequest: Sendable {
    package enum Order: Sendable, Hashable {
        /// Nanoseconds of the lesson; 0 to 0 for the whole recording.
        case delete(recording: String, from: Int64, to: Int64)
        case revoke
    }

    /// The challenge as the box signed it.
    package let challenge: String
    package let order: Order

    package init(challenge: String, order: Order) {
        self.challenge = challenge
        self.order = order
    }

    /// Nil when the bytes are a request of another kind.
    package init?(parsing bytes: [UInt8]) throws(TeacherToolsError) {
        do {
            let line = bytes.last == UInt8(ascii: "\n") ? Array(bytes.dropLast()) : bytes
            var reader = try MemberReader(try CanonicalJSON(parsing: line))
            guard reader.has("order") else { return nil }
            challenge = try reader.string("challenge")
            switch try reader.string("order") {
            case "delete":
                order = .delete(
                    recording: try reader.string("recording"),
                    from: try reader.integer("from"),
                    to: try reader.integer("to")
                )
            case "revoke":
                order = .revoke
            default:
                throw reader.error("order", .refused("neither delete nor revoke"))
            }
            try reader.finish()
        } catch {
            throw .unreadable("This is no request that lenscap makes: \(error).")
        }
    }

    package var bytes: [UInt8] {
        switch order {
        case .delete(let recording, let from, let to):
            CanonicalJSON.object([
                "challenge": .string(challenge),
                "from": .integer(from),
                "order": .string("delete"),
                "recording": .string(recording),
                "to": .integer(to),
            ]).bytes
        case .revoke:
            CanonicalJSON.object([
                "challenge": .string(challenge),
                "order": .string("revoke"),
            ]).bytes
        }
    }

    /// Checks the challenge against the room record that the teacher imported, and signs.
    package func sign(for teacher: TeacherFolder) throws(TeacherToolsError) -> String {
        let document = try teacher.card()
        let card: TeacherCard
        do throws(Refusal) {
            card = try TeacherCard(reading: document)
        } catch { throw .refused(error) }
        let room = try teacher.room(ofChallenge: challenge)
        let key = try teacher.signingKey()
        do {
            let answered = try Challenge(verifying: challenge, by: room.record.boxKey)
            let identifier = try randomBytes(16)
            let nonce = Base64URL.encode(answered.challenge)
            switch order {
            case .delete(let recording, let from, let to):
                let order = DeleteOrder(
                    audience: room.record.box,
                    challenge: nonce,
                    from: from,
                    to: to,
                    identifier: identifier,
                    recording: recording,
                    teacher: card.teacher
                )
                return try CompactJWS(payload: order.payload.bytes, type: .delete, by: key).text
            case .revoke:
                let order = RevokeOrder(
                    audience: room.record.box,
                    challenge: nonce,
                    identifier: identifier,
                    teacher: card.teacher
                )
                return try CompactJWS(payload: order.payload.bytes, type: .revoke, by: key).text
            }
        } catch let refusal as Refusal {
            throw .refused(refusal)
        } catch {
            throw .unreadable("\(error)")
        }
    }
}
