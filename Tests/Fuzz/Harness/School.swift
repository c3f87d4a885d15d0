internal import Consent
internal import CryptoPrimitives

/// A school whose keys are the same in every run, so that inputs which name them by hash stay good.
struct School: Sendable {
    static let now: Int64 = 1_800_000_000
    static let details = StartDetails(
        purpose: "reflection",
        salt: Base64URL.encode([UInt8](repeating: 9, count: 32))
    )
    /// The checkpoint of a log without entries.
    static let emptyLog = "0:" + Base64URL.encode(SHA256.hash([UInt8]()))
    static let shared = School()

    let authority = School.signingKey(1)
    /// May sign like the other, with ES256, and signs only what the seeds say.
    let secondAuthority = School.p256Key
    let box = School.signingKey(2)
    let teacher = School.signingKey(3)
    let authorities: ThresholdDocument
    let room: ThresholdDocument
    let card: ThresholdDocument
    let trust: Trust

    private init() {
        authorities = School.document(
            Authorities.payload(
                members: [
                    Authorities.Member(key: authority.verificationKey, role: .registrar),
                    Authorities.Member(key: secondAuthority.verificationKey, role: .protection),
                ],
                threshold: 1,
                sequence: 1,
                issued: School.now - 1000
            ),
            as: .authorities,
            by: [authority]
        )
        let record = School.roomRecord(box: box.verificationKey, authorities: authorities.hash)
        room = School.document(record.payload, as: .room, by: [authority])
        let teacherCard = School.teacherCard(key: teacher.verificationKey)
        card = School.document(teacherCard.payload, as: .card, by: [teacher, authority])
        let files = (authorities.bytes, room.bytes, card.bytes)
        trust = needed { () throws(Refusal) in
            try Trust(authorities: files.0, room: files.1, cards: [("card.json", files.2)])
        }
    }

    /// What the box has given on the connection.
    var challenge: Challenge {
        Challenge(
            box: box.verificationKey.thumbprint,
            boot: "5f8c3b0e-0000-4000-8000-000000000000",
            challenge: [UInt8](repeating: 7, count: 32),
            log: School.emptyLog,
            record: room.hash,
            revocations: 0,
            time: School.now,
            isTimeTrusted: true
        )
    }

    /// The claims of a start that everything is right about.
    var claims: CanonicalJSON {
        StartToken(
            audience: box.verificationKey.thumbprint,
            cameras: ["board", "class"],
            microphones: ["desk"],
            card: card.hash,
            challenge: Base64URL.encode(challenge.challenge),
            details: School.details.hash ?? "",
            duration: 600,
            identifier: [UInt8](0..<16),
            log: School.emptyLog,
            record: room.hash,
            recipient: School.recipient,
            teacher: "abcdefghijklmnopqrstuvwxyz"
        ).payload
    }

    var verification: StartVerification {
        StartVerification(
            trust: trust,
            challenge: challenge,
            time: JudgementTime(clock: School.now, isTrusted: true, floor: trust.floor)
        ) { _ in false }
    }

    /// The token over these payload bytes, whatever they are.
    func token(_ payload: [UInt8]) -> String {
        needed { () throws(Refusal) in
            try CompactJWS(payload: payload, type: .start, by: teacher).text
        }
    }
}

extension School {
    private static let agreement = Base64URL.encode(SHA256.hash(Array("the agreement".utf8)))

    static let fixedAgreementKey = needed { () throws(CryptoError) in
        try X25519.PrivateKey(
            rawRepresentation: SecretBytes(copying: [UInt8](repeating: 5, count: 32))
        )
    }

    static let recipient = Bech32.encode(prefix: "age", fixedAgreementKey.publicKey)

    static func document(
        _ payload: CanonicalJSON,
        as type: DocumentType,
        by keys: [SigningKey]
    ) -> ThresholdDocument {
        needed { () throws(Refusal) in
            var document = try ThresholdDocument(payload: payload)
            for key in keys { try document.sign(as: type, with: key) }
            return document
        }
    }

    private static let p256Key = key(
        // PKCS#8 of a P-256 key without its public half (RFC 5915 section 3).
        [
            0x30, 0x41, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D,
            0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x04, 0x27,
            0x30, 0x25, 0x02, 0x01, 0x01, 0x04, 0x20,
        ],
        4
    )

    /// Counts the changes of what the keys sign, and makes others of them.
    ///
    /// A corpus keeps what they signed before, if only in parts, and a fuzzer puts parts together:
    /// under the same keys that would be a second document that is signed.
    private static let generation: UInt8 = 1

    /// An Ed25519 key of the school, by its number (1…15).
    private static func signingKey(_ number: UInt8) -> SigningKey {
        // PKCS#8 of an Ed25519 key (RFC 8410 section 7).
        key(
            [
                0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22,
                0x04, 0x20,
            ],
            number
        )
    }

    private static func key(_ prefix: [UInt8], _ number: UInt8) -> SigningKey {
        let seed = [UInt8](repeating: generation << 4 | number, count: 32)
        let body = Base64.encodePadded(prefix + seed)
        let pem = "-----BEGIN PRIVATE KEY-----\n\(body)\n-----END PRIVATE KEY-----\n"
        return needed { () throws(CryptoError) in try SigningKey(pem: Array(pem.utf8)) }
    }

    static func roomRecord(box: VerificationKey, authorities: String) -> RoomRecord {
        var record = RoomRecord(
            boxKey: box,
            room: "Science 2",
            sources: [
                RoomRecord.Source(name: "board", kind: .camera),
                RoomRecord.Source(name: "class", kind: .camera),
                RoomRecord.Source(name: "desk", kind: .microphone),
            ],
            agreements: [
                RoomRecord.Agreement(identifier: "2026", sha256: agreement, last: now + 1000)
            ],
            authorities: authorities,
            sequence: 1,
            issued: now - 900
        )
        record.indicator = RoomRecord.Indicator(led: "lenscap::recording", isSensed: true)
        record.closedTimes = [RoomRecord.ClosedTime(from: now + 90_000, to: now + 180_000)]
        return record
    }

    static func teacherCard(key: VerificationKey) -> TeacherCard {
        TeacherCard(
            teacher: "abcdefghijklmnopqrstuvwxyz",
            key: key,
            recipients: [recipient],
            account: TeacherCard.Account(kind: "directory", url: "file:///account"),
            agreement: TeacherCard.Agreement(
                identifier: "2026",
                sha256: agreement,
                language: "cy"
            ),
            trained: now - 5000,
            issued: now - 800,
            expires: now + 100_000
        )
    }
}
