import CryptoPrimitives
import Testing

@testable import Consent

/// The members of a JSON object, to be changed before they are signed.
typealias Members = [String: CanonicalJSON]

/// A school on paper: its authorities, one box in one room, one teacher with one card.
struct School: Sendable {
    static let now: Int64 = 1_800_000_000
    /// The checkpoint of a log without entries.
    static let log = "0:" + Base64URL.encode(SHA256.hash([UInt8]()))
    static let agreement = Base64URL.encode(SHA256.hash(Array("the agreement".utf8)))

    let authorityKeys: [SigningKey]
    let box: SigningKey
    let teacher: SigningKey
    let recipient: String
    let authorities: ThresholdDocument
    let room: ThresholdDocument
    let card: ThresholdDocument

    /// `room` and `card` change the payloads before they are signed.
    init(
        authorities count: Int = 1,
        threshold: Int = 1,
        teacher algorithm: SignatureAlgorithm = .edDSA,
        room changeRoom: (inout Members) -> Void = { _ in },
        card changeCard: (inout Members) -> Void = { _ in }
    ) throws {
        authorityKeys = try (0..<count).map { index in
            try SigningKey.generate(index.isMultiple(of: 2) ? .edDSA : .es256)
        }
        box = try SigningKey.generate(.edDSA)
        teacher = try SigningKey.generate(algorithm)
        recipient = try School.freshRecipient()
        var authorities = try ThresholdDocument(
            payload: Authorities.payload(
                members: authorityKeys.map {
                    Authorities.Member(key: $0.verificationKey, role: .registrar)
                },
                threshold: threshold,
                sequence: 1,
                issued: School.now - 1000
            )
        )
        for key in authorityKeys { try authorities.sign(as: .authorities, with: key) }
        self.authorities = authorities
        room = try School.document(
            School.roomRecord(box: box, authorities: authorities.hash).payload,
            as: .room,
            by: authorityKeys,
            changeRoom
        )
        card = try School.document(
            School.teacherCard(key: teacher, recipient: recipient).payload,
            as: .card,
            by: [teacher] + authorityKeys,
            changeCard
        )
    }

    static func freshRecipient() throws -> String {
        Bech32.encode(prefix: "age", try X25519.PrivateKey.generate().publicKey)
    }

    static func roomRecord(box: SigningKey, authorities: String) -> RoomRecord {
        RoomRecord(
            boxKey: box.verificationKey,
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
    }

    static func teacherCard(key: SigningKey, recipient: String) -> TeacherCard {
        TeacherCard(
            teacher: "abcdefghijklmnopqrstuvwxyz",
            key: key.verificationKey,
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

    /// A document over a changed payload, signed by each key in turn.
    static func document(
        _ payload: CanonicalJSON,
        as type: DocumentType,
        by keys: [SigningKey],
        _ change: (inout Members) -> Void = { _ in }
    ) throws -> ThresholdDocument {
        var document = try ThresholdDocument(payload: payload.changed(change))
        for key in keys { try document.sign(as: type, with: key) }
        return document
    }

    func trust(cards: [ThresholdDocument]? = nil) throws(Refusal) -> Trust {
        try Trust(
            authorities: authorities.bytes,
            room: room.bytes,
            cards: (cards ?? [card]).enumerated().map { ("\($0.offset).json", $0.element.bytes) }
        )
    }

    /// The challenge that the box has given on this connection.
    var challenge: Challenge {
        Challenge(
            box: box.verificationKey.thumbprint,
            boot: "5f8c3b0e-0000-4000-8000-000000000000",
            challenge: [UInt8](repeating: 7, count: 32),
            log: School.log,
            record: room.hash,
            revocations: 0,
            time: School.now,
            isTimeTrusted: true
        )
    }

    static let details = StartDetails(
        purpose: "reflection",
        salt: Base64URL.encode([UInt8](repeating: 9, count: 32))
    )

    /// The claims of a start that everything is right about.
    func claims(
        card: ThresholdDocument? = nil,
        details: StartDetails = School.details
    ) throws -> CanonicalJSON {
        StartToken(
            audience: box.verificationKey.thumbprint,
            cameras: ["board", "class"],
            microphones: ["desk"],
            card: (card ?? self.card).hash,
            challenge: Base64URL.encode(challenge.challenge),
            details: try #require(details.hash),
            duration: 600,
            identifier: [UInt8](0..<16),
            log: School.log,
            record: room.hash,
            recipient: recipient,
            teacher: "abcdefghijklmnopqrstuvwxyz"
        ).payload
    }

    var header: CanonicalJSON { .start(of: teacher.verificationKey) }

    /// A start token over changed claims and a changed header, signed by `key` or the teacher.
    func token(
        header changeHeader: (inout Members) -> Void = { _ in },
        claims changeClaims: (inout Members) -> Void = { _ in },
        by key: SigningKey? = nil
    ) throws -> String {
        try token(
            header: header.changed(changeHeader).bytes,
            claims: claims().changed(changeClaims).bytes,
            by: key
        )
    }

    func token(header: [UInt8], claims: [UInt8], by key: SigningKey? = nil) throws -> String {
        let input = Base64URL.encode(header) + "." + Base64URL.encode(claims)
        return input + "." + Base64URL.encode(try (key ?? teacher).sign(Array(input.utf8)))
    }

    /// Why the box refuses a token; nil when it accepts it.
    func refusal(
        of token: String,
        details: StartDetails = School.details,
        trust: Trust? = nil,
        clock: Int64 = School.now,
        isTimeTrusted: Bool = true
    ) throws -> Refusal.Reason? {
        let trust = try trust ?? self.trust()
        let time = JudgementTime(
            clock: clock,
            isTrusted: isTimeTrusted,
            floor: trust.floor
        )
        do throws(Refusal) {
            _ = try StartVerification(trust: trust, challenge: challenge, time: time) { _ in false }
                .verify(token: token, details: details)
            return nil
        } catch { return error.reason }
    }
}

extension CanonicalJSON {
    static func start(of key: VerificationKey) -> CanonicalJSON {
        .object([
            "alg": .string(key.algorithm.rawValue), "kid": .string(key.thumbprint),
            "typ": .string("lenscap-start+jwt"),
        ])
    }

    var members: Members {
        guard case .object(let members) = self else { return [:] }
        return members
    }

    func changed(_ change: (inout Members) -> Void) -> CanonicalJSON {
        var members = members
        change(&members)
        return .object(members)
    }
}

/// The reason for which `body` refuses; nil when it does not.
func reason(_ body: () throws(Refusal) -> Void) -> Refusal.Reason? {
    do throws(Refusal) {
        try body()
        return nil
    } catch { return error.reason }
}
