import CryptoPrimitives

@testable import Consent

/// Authorities of several roles and the documents that they sign.
struct Council: Sendable {
    static let roles: [Authorities.Role] = [.registrar, .representative, .protection]

    let keys: [SigningKey]
    let members: [Authorities.Member]
    let threshold: Int
    /// Signed by all of its own.
    let document: ThresholdDocument

    init(
        keys given: [SigningKey]? = nil,
        threshold: Int = 2,
        sequence: Int64 = 1,
        issued: Int64 = School.now - 1000
    ) throws {
        keys = try given ?? Council.roles.map { _ in try SigningKey.generate(.edDSA) }
        members = zip(keys, Council.roles).map {
            Authorities.Member(key: $0.verificationKey, role: $1)
        }
        self.threshold = threshold
        document = try School.document(
            Authorities.payload(
                members: members,
                threshold: threshold,
                sequence: sequence,
                issued: issued
            ),
            as: .authorities,
            by: keys
        )
    }

    func authorities() throws(Refusal) -> Authorities { try Authorities(verifying: document) }

    func revocations(
        _ entries: [Revocations.Entry] = [],
        sequence: Int64 = 1,
        issued: Int64 = School.now - 700,
        by signers: [Int] = [0, 1, 2],
        _ change: (inout Members) -> Void = { _ in }
    ) throws -> ThresholdDocument {
        try School.document(
            Revocations.payload(entries: entries, sequence: sequence, issued: issued),
            as: .revocations,
            by: signers.map { keys[$0] },
            change
        )
    }

    func room(
        _ box: SigningKey,
        sequence: Int64 = 1,
        issued: Int64 = School.now - 900,
        _ change: (inout Members) -> Void = { _ in }
    ) throws -> ThresholdDocument {
        try School.document(
            School.roomRecord(box: box, authorities: document.hash).payload,
            as: .room,
            by: keys
        ) { members in
            members["sequence"] = .integer(sequence)
            members["issued"] = .integer(issued)
            change(&members)
        }
    }

    func card(
        _ key: SigningKey,
        issued: Int64 = School.now - 800,
        _ change: (inout Members) -> Void = { _ in }
    ) throws -> ThresholdDocument {
        let payload = School.teacherCard(key: key, recipient: try School.freshRecipient()).payload
        return try School.document(payload, as: .card, by: [key] + keys) { members in
            members["issued"] = .integer(issued)
            change(&members)
        }
    }
}

extension Revocations.Entry {
    static func lost(_ key: SigningKey) -> Revocations.Entry {
        Revocations.Entry(
            keyIdentifier: key.verificationKey.thumbprint,
            reason: .lost,
            grace: 0
        )
    }

    static func left(_ key: SigningKey, grace: Int64) -> Revocations.Entry {
        Revocations.Entry(
            keyIdentifier: key.verificationKey.thumbprint,
            reason: .left,
            grace: grace
        )
    }
}
