internal import CryptoPrimitives

/// What a box has accepted once, so that nothing older can be put back in its place.
///
/// Kept by the authority in its own folder, canonical JSON. The first documents that a box sees
/// are believed on their own signatures; from then on the authorities can only be succeeded, and
/// sequences and issue dates never go back.
package struct TrustMemory: Sendable {
    /// Empty before the first acceptance.
    package internal(set) var authoritiesHash = ""
    package internal(set) var authorities: [Authorities.Member] = []
    package internal(set) var authoritiesThreshold = 0
    package internal(set) var authoritiesSequence: Int64 = 0
    package internal(set) var roomHash = ""
    package internal(set) var roomSequence: Int64 = 0
    package internal(set) var revocationsHash = ""
    package internal(set) var revocationsSequence: Int64 = 0
    /// Newest `issued` accepted so far, Unix seconds.
    package internal(set) var floor: Int64 = 0
    /// By key thumbprint: `issued` of the newest card accepted.
    package internal(set) var cards: [String: Int64] = [:]

    package init() {}

    /// Other authorities than those accepted need the old ones' threshold and their own.
    func check(_ new: Authorities, succession: [UInt8]?) throws(Refusal) {
        guard !authoritiesHash.isEmpty, new.hash != authoritiesHash else { return }
        guard let succession else {
            throw Refusal(
                .quorum,
                "Other authorities were accepted here; succession.json must show that they signed."
            )
        }
        let document = try ThresholdDocument(parsing: succession)
        guard document.hash == new.hash, new.sequence > authoritiesSequence else {
            throw Refusal(.quorum, "The succession is of other or of older authorities.")
        }
        let known = authorities.map(\.key) + new.members.map(\.key)
        let signers = try document.signers(as: .authorities, among: known)
        let old = signers.intersection(authorities.map(\.key.thumbprint))
        let own = signers.intersection(new.members.map(\.key.thumbprint))
        guard old.count >= authoritiesThreshold, own.count >= new.threshold else {
            throw Refusal(
                .quorum,
                "New authorities need \(authoritiesThreshold) signatures of the old ones (there "
                    + "are \(old.count)) and \(new.threshold) of their own (\(own.count))."
            )
        }
    }

    func check(_ room: Trust.Room) throws(Refusal) {
        guard
            room.record.sequence > roomSequence || room.hash == roomHash || roomHash.isEmpty
        else {
            throw Refusal(.record, "An older room record than the one accepted was put back.")
        }
    }

    func check(_ revocations: Revocations?) throws(Refusal) {
        guard !revocationsHash.isEmpty else { return }
        guard let revocations,
            revocations.sequence > revocationsSequence || revocations.hash == revocationsHash
        else {
            throw Refusal(.revoked, "Older revocations than those accepted were put back, or none.")
        }
    }

    func check(_ card: Trust.Card) throws(Refusal) {
        guard card.card.issued >= cards[card.card.key.thumbprint] ?? 0 else {
            throw Refusal(.unknownCard, "An older card than the one accepted was put back.")
        }
    }
}

extension TrustMemory {
    package init(parsing bytes: [UInt8]) throws(Refusal) {
        self.init()
        do {
            var reader = try MemberReader(try CanonicalJSON(parsing: bytes))
            var members: [Authorities.Member] = []
            for item in try reader.objects("authorities") {
                var member = item
                let key = try VerificationKey(jwk: try member.value("key"))
                let role = Authorities.Role(rawValue: try member.string("role"))
                try member.finish()
                guard let role else { throw Refusal(.payload, "an unknown role") }
                members.append(Authorities.Member(key: key, role: role))
            }
            authorities = members
            authoritiesHash = try reader.string("authoritiesHash")
            authoritiesSequence = try reader.integer("authoritiesSequence")
            authoritiesThreshold = Int(try reader.integer("authoritiesThreshold", in: 0...64))
            for item in try reader.objects("cards") {
                var card = item
                cards[try card.string("kid")] = try card.integer("issued")
                try card.finish()
            }
            floor = try reader.integer("floor")
            revocationsHash = try reader.string("revocationsHash")
            revocationsSequence = try reader.integer("revocationsSequence")
            roomHash = try reader.string("roomHash")
            roomSequence = try reader.integer("roomSequence")
            try reader.finish()
            // One spelling: a key named twice could lower what stops an older card.
            guard self.bytes == bytes, authoritiesHash.isEmpty == (authoritiesThreshold == 0) else {
                throw Refusal(.payload, "it is not what this box writes")
            }
        } catch {
            throw Refusal(.notEnrolled, "What this box accepted before cannot be read: \(error).")
        }
    }

    package var bytes: [UInt8] {
        CanonicalJSON.object([
            "authorities": .array(
                authorities.map { member in
                    .object(["key": member.key.jwk, "role": .string(member.role.rawValue)])
                }
            ),
            "authoritiesHash": .string(authoritiesHash),
            "authoritiesSequence": .integer(authoritiesSequence),
            "authoritiesThreshold": .integer(Int64(authoritiesThreshold)),
            "cards": .array(
                cards.sorted { $0.key < $1.key }.map { key, issued in
                    .object(["issued": .integer(issued), "kid": .string(key)])
                }
            ),
            "floor": .integer(floor),
            "revocationsHash": .string(revocationsHash),
            "revocationsSequence": .integer(revocationsSequence),
            "roomHash": .string(roomHash),
            "roomSequence": .integer(roomSequence),
        ]).bytes
    }
}
