package import CryptoPrimitives

/// What goes beside a start token and is stored only sealed: why the lesson is recorded.
package struct StartDetails: Sendable, Hashable {
    package let purpose: String
    /// base64url of 32 random bytes, so that the token's hash of the details tells nothing.
    package let salt: String

    package init(purpose: String, salt: String) {
        self.purpose = purpose
        self.salt = salt
    }

    /// base64url SHA-256 of canonical `{"purpose","salt"}`; nil for text that cannot be canonical.
    package var hash: String? {
        let value = CanonicalJSON.object(["purpose": .string(purpose), "salt": .string(salt)])
        guard (try? value.validate()) != nil else { return nil }
        return Base64URL.encode(SHA256.hash(value.bytes))
    }
}

/// The claims of a start token, exactly those of the design (`lenscap-start+jwt`).
package struct StartToken: Sendable, Hashable {
    package static let version: Int64 = 1

    package let audience: String
    package let cameras: [String]
    package let microphones: [String]
    package let card: String
    package let challenge: String
    package let details: String
    /// Seconds.
    package let duration: Int64
    package let informed: Int64
    /// 16 random bytes; their hex is the recording's identifier.
    package let identifier: [UInt8]
    package let log: String
    package let record: String
    package let recipient: String
    package let teacher: String
    package let version: Int64

    package init(
        audience: String,
        cameras: [String],
        microphones: [String],
        card: String,
        challenge: String,
        details: String,
        duration: Int64,
        informed: Int64 = 1,
        identifier: [UInt8],
        log: String,
        record: String,
        recipient: String,
        teacher: String,
        version: Int64 = StartToken.version
    ) {
        self.audience = audience
        self.cameras = cameras
        self.microphones = microphones
        self.card = card
        self.challenge = challenge
        self.details = details
        self.duration = duration
        self.informed = informed
        self.identifier = identifier
        self.log = log
        self.record = record
        self.recipient = recipient
        self.teacher = teacher
        self.version = version
    }

    /// Reads payload bytes: canonical, flat, every claim, and nothing else.
    package init(parsing payload: [UInt8]) throws(Refusal) {
        do {
            var reader = try MemberReader(try CanonicalJSON(parsing: payload))
            self.init(
                audience: try reader.string("aud"),
                cameras: Self.names(try reader.string("cameras")),
                microphones: Self.names(try reader.string("microphones")),
                card: try reader.string("card"),
                challenge: try reader.string("challenge"),
                details: try reader.string("details"),
                duration: try reader.integer("duration"),
                informed: try reader.integer("informed"),
                identifier: try reader.bytes("jti", count: 16),
                log: try reader.string("log"),
                record: try reader.string("record"),
                recipient: try reader.string("recipient"),
                teacher: try reader.string("sub"),
                version: try reader.integer("version")
            )
            try reader.finish()
        } catch {
            throw Refusal(.payload, "The token's claims are not as specified: \(error).")
        }
    }

    package var payload: CanonicalJSON {
        .object([
            "aud": .string(audience),
            "cameras": .string(cameras.joined(separator: ",")),
            "card": .string(card),
            "challenge": .string(challenge),
            "details": .string(details),
            "duration": .integer(duration),
            "informed": .integer(informed),
            "jti": .string(Base64URL.encode(identifier)),
            "log": .string(log),
            "microphones": .string(microphones.joined(separator: ",")),
            "recipient": .string(recipient),
            "record": .string(record),
            "sub": .string(teacher),
            "version": .integer(version),
        ])
    }

    /// The recording's identifier.
    package var recording: String { Hex.encode(identifier) }

    private static func names(_ list: String) -> [String] {
        list.isEmpty
            ? [] : list.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
    }
}
