package import CryptoPrimitives

/// What the box asks a teacher to sign over (`lenscap-challenge+jwt`, signed by the box key).
package struct Challenge: Sendable, Hashable {
    /// How long a challenge lives, by CLOCK_BOOTTIME.
    package static let lifetimeSeconds: Int64 = 120

    package let box: String
    /// The kernel's boot id.
    package let boot: String
    /// 32 random bytes.
    package let challenge: [UInt8]
    /// Activation-log checkpoint, `size:root`.
    package let log: String
    /// base64url SHA-256 of the room record's payload.
    package let record: String
    /// Sequence of the revocations in force.
    package let revocations: Int64
    /// Unix seconds of the box's clock, and whether something keeps it right.
    package let time: Int64
    package let isTimeTrusted: Bool

    package init(
        box: String,
        boot: String,
        challenge: [UInt8],
        log: String,
        record: String,
        revocations: Int64,
        time: Int64,
        isTimeTrusted: Bool
    ) {
        self.box = box
        self.boot = boot
        self.challenge = challenge
        self.log = log
        self.record = record
        self.revocations = revocations
        self.time = time
        self.isTimeTrusted = isTimeTrusted
    }

    /// Reads a challenge on the teacher's side and checks that `boxKey` signed it.
    package init(verifying text: String, by boxKey: VerificationKey) throws(Refusal) {
        let token = try CompactJWS(parsing: text, type: .challenge)
        guard token.isSigned(by: boxKey) else {
            throw Refusal(.signature, "The challenge is not signed by this room's box.")
        }
        do {
            var reader = try MemberReader(try CanonicalJSON(parsing: token.payload))
            self.init(
                box: try reader.string("box"),
                boot: try reader.string("boot"),
                challenge: try reader.bytes("challenge", count: 32),
                log: try reader.string("log"),
                record: try reader.string("record"),
                revocations: try reader.integer("revocations"),
                time: try reader.integer("time"),
                isTimeTrusted: try reader.integer("timeTrusted", in: 0...1) == 1
            )
            try reader.finish()
        } catch {
            throw Refusal(.payload, "The challenge is not as specified: \(error).")
        }
    }

    package var payload: CanonicalJSON {
        .object([
            "boot": .string(boot),
            "box": .string(box),
            "challenge": .string(Base64URL.encode(challenge)),
            "log": .string(log),
            "record": .string(record),
            "revocations": .integer(revocations),
            "time": .integer(time),
            "timeTrusted": .integer(isTimeTrusted ? 1 : 0),
        ])
    }
}
