package import CryptoPrimitives

/// What a teacher enrolled with (`<thumbprint>.json`, `lenscap-card+jwt`): a key, the recipients
/// that lessons are sealed to, and the account they go to.
///
/// It carries no name.
package struct TeacherCard: Sendable {
    package struct Account: Hashable, Sendable {
        /// `directory`, `s3` or `webdav`.
        package let kind: String
        package let url: String

        package init(kind: String, url: String) {
            self.kind = kind
            self.url = url
        }
    }

    package struct Agreement: Hashable, Sendable {
        package let identifier: String
        /// base64url SHA-256 of the accepted text's bytes.
        package let sha256: String
        /// `en` or `cy`.
        package let language: String

        package init(identifier: String, sha256: String, language: String) {
            self.identifier = identifier
            self.sha256 = sha256
            self.language = language
        }
    }

    /// The pseudonym: 26 characters of base32 (RFC 4648, lower case), random.
    package let teacher: String
    package let key: VerificationKey
    /// age X25519 recipients, `age1…`.
    package let recipients: [String]
    package let account: Account
    package let agreement: Agreement
    /// When the teacher was trained.
    ///
    /// This and the next two are Unix seconds.
    package let trained: Int64
    package let issued: Int64
    package let expires: Int64
    /// Thumbprint of the key that this card replaces, or empty.
    package let replaces: String

    package init(
        teacher: String,
        key: VerificationKey,
        recipients: [String],
        account: Account,
        agreement: Agreement,
        trained: Int64,
        issued: Int64,
        expires: Int64,
        replaces: String = ""
    ) {
        self.teacher = teacher
        self.key = key
        self.recipients = recipients
        self.account = account
        self.agreement = agreement
        self.trained = trained
        self.issued = issued
        self.expires = expires
        self.replaces = replaces
    }

    /// Reads a card and checks the signatures: the teacher's own and enough of the authorities'.
    package init(
        verifying document: ThresholdDocument,
        by authorities: Authorities
    )
        throws(Refusal)
    {
        let card = try TeacherCard(reading: document)
        try authorities.requireQuorum(document, as: .card, besides: [card.key])
        self = card
    }

    /// Reads a card without looking at its signatures, to show it or to sign it.
    package init(reading document: ThresholdDocument) throws(Refusal) {
        do {
            var reader = try MemberReader(try CanonicalJSON(parsing: document.payload))
            var account = try reader.object("account")
            var agreement = try reader.object("agreement")
            self.init(
                teacher: try reader.string("teacher"),
                key: try VerificationKey(jwk: try reader.value("key")),
                recipients: try reader.strings("recipients", count: 1...16),
                account: Account(
                    kind: try account.string("kind"),
                    url: try account.string("url")
                ),
                agreement: Agreement(
                    identifier: try agreement.string("id"),
                    sha256: try agreement.string("sha256"),
                    language: try agreement.string("language")
                ),
                trained: try reader.integer("trained"),
                issued: try reader.integer("issued"),
                expires: try reader.integer("expires"),
                replaces: try reader.string("replaces")
            )
            try account.finish()
            try agreement.finish()
            try reader.finish()
        } catch {
            throw Refusal(.payload, "The teacher card is not as specified: \(error).")
        }
        guard Self.isPseudonym(teacher) else {
            throw Refusal(.payload, "The card's pseudonym is not 26 characters of base32.")
        }
        for recipient in recipients where !Recipient.isSound(recipient) {
            throw Refusal(
                .recipient,
                "The card names a recipient that is not a sound X25519 point."
            )
        }
    }

    package var payload: CanonicalJSON {
        .object([
            "account": .object(["kind": .string(account.kind), "url": .string(account.url)]),
            "agreement": .object([
                "id": .string(agreement.identifier),
                "language": .string(agreement.language),
                "sha256": .string(agreement.sha256),
            ]),
            "expires": .integer(expires),
            "issued": .integer(issued),
            "key": key.jwk,
            "recipients": .array(recipients.map { .string($0) }),
            "replaces": .string(replaces),
            "teacher": .string(teacher),
            "trained": .integer(trained),
        ])
    }

    private static let pseudonymAlphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    /// A fresh random pseudonym of 130 bits.
    package static func newPseudonym() throws(CryptoError) -> String {
        let bytes = try randomBytes(26)
        return String(decoding: bytes.map { pseudonymAlphabet[Int($0 & 31)] }, as: UTF8.self)
    }

    package static func isPseudonym(_ text: String) -> Bool {
        text.utf8.count == 26 && text.utf8.allSatisfy { pseudonymAlphabet.contains($0) }
    }
}

/// An age X25519 recipient as text (age v1 specification, "The X25519 recipient type").
package enum Recipient {
    /// Whether the text is the one spelling, in lower case, of a canonical point that gives a
    /// shared secret which is not all zero: exactly what can be sealed to.
    package static func isSound(_ text: String) -> Bool {
        guard let point = Bech32.decode(text, prefix: "age"), point.count == X25519.byteCount,
            text == Bech32.encode(prefix: "age", point)
        else { return false }
        return (try? X25519.validate(publicKey: point)) != nil
    }
}
