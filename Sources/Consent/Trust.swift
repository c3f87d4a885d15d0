internal import CryptoPrimitives

/// The files of signed records as they lie on a box, not yet believed.
package struct TrustFiles: Sendable {
    package var authorities: [UInt8]
    /// The authorities' document with the signatures of those before them too; needed once, when
    /// they take over.
    package var succession: [UInt8]?
    package var room: [UInt8]
    package var revocations: [UInt8]?
    package var cards: [(name: String, bytes: [UInt8])]
    /// Thumbprints that their teachers revoked on this box themselves.
    package var ownRevocations: Set<String>

    package init(
        authorities: [UInt8],
        succession: [UInt8]? = nil,
        room: [UInt8],
        revocations: [UInt8]? = nil,
        cards: [(name: String, bytes: [UInt8])] = [],
        ownRevocations: Set<String> = []
    ) {
        self.authorities = authorities
        self.succession = succession
        self.room = room
        self.revocations = revocations
        self.cards = cards
        self.ownRevocations = ownRevocations
    }
}

/// The signed records installed on a box, each verified against the authorities.
package struct Trust: Sendable {
    package struct Room: Sendable {
        package let record: RoomRecord
        /// base64url SHA-256 of the payload: the `record` of challenges and tokens.
        package let hash: String
    }

    package struct Card: Sendable {
        package let card: TeacherCard
        /// base64url SHA-256 of the payload: the `card` of tokens.
        package let hash: String
        /// The document's bytes, to be stored beside the recording.
        package let document: [UInt8]
    }

    /// A card file that was not accepted.
    ///
    /// It never keeps another teacher from starting.
    package struct RejectedCard: Sendable {
        package let name: String
        package let refusal: Refusal
    }

    package let authorities: Authorities
    package let room: Room
    package let revocations: Revocations?
    package let rejectedCards: [RejectedCard]
    private let ownRevocations: Set<String>
    private let rememberedFloor: Int64
    private let cardsByHash: [String: Card]
    /// Keys that a card of the same teacher replaced, and the first `issued` that counts again.
    private let replaced: [String: Int64]

    /// Verifies everything: first the authorities, then what they signed.
    ///
    /// `memory` is what this box accepted before: nothing older than that is taken.
    package init(_ files: TrustFiles, memory: TrustMemory = TrustMemory()) throws(Refusal) {
        let authoritiesDocument = try ThresholdDocument(parsing: files.authorities)
        let authorities = try Authorities(verifying: authoritiesDocument)
        try memory.check(authorities, succession: files.succession)
        let roomDocument = try ThresholdDocument(parsing: files.room)
        let room = Room(
            record: try RoomRecord(verifying: roomDocument, by: authorities),
            hash: roomDocument.hash
        )
        try memory.check(room)
        let revocations: Revocations?
        if let bytes = files.revocations {
            revocations = try Revocations(
                verifying: try ThresholdDocument(parsing: bytes),
                by: authorities
            )
        } else {
            revocations = nil
        }
        try memory.check(revocations)
        self.authorities = authorities
        self.room = room
        self.revocations = revocations
        ownRevocations = files.ownRevocations
        rememberedFloor = memory.floor
        (cardsByHash, replaced, rejectedCards) = Self.liveCards(files.cards, authorities, memory)
    }

    /// Without revocations and memory: for whoever only reads the records.
    package init(
        authorities: [UInt8],
        room: [UInt8],
        cards: [(name: String, bytes: [UInt8])]
    ) throws(Refusal) {
        try self.init(TrustFiles(authorities: authorities, room: room, cards: cards))
    }

    /// A key has one live card, the latest issued; a card that replaces a key of the same teacher
    /// ends that key's.
    private static func liveCards(
        _ files: [(name: String, bytes: [UInt8])],
        _ authorities: Authorities,
        _ memory: TrustMemory
    ) -> ([String: Card], [String: Int64], [RejectedCard]) {
        var live: [String: Card] = [:]
        var rejected: [RejectedCard] = []
        for (name, bytes) in files {
            do throws(Refusal) {
                let document = try ThresholdDocument(parsing: bytes)
                let card = Card(
                    card: try TeacherCard(verifying: document, by: authorities),
                    hash: document.hash,
                    document: bytes
                )
                try memory.check(card)
                let key = card.card.key.thumbprint
                if let other = live[key], other.card.issued >= card.card.issued { continue }
                live[key] = card
            } catch {
                rejected.append(RejectedCard(name: name, refusal: error))
            }
        }
        var replaced: [String: Int64] = [:]
        for card in live.values {
            let old = card.card.replaces
            guard let ended = live[old], ended.card.teacher == card.card.teacher else { continue }
            replaced[old] = max(ended.card.issued, card.card.issued) + 1
        }
        for key in replaced.keys { live[key] = nil }
        var byHash: [String: Card] = [:]
        for card in live.values { byHash[card.hash] = card }
        return (byHash, replaced, rejected)
    }

    package func card(hash: String) -> Card? { cardsByHash[hash] }

    /// The live card of a key.
    package func card(keyIdentifier: String) -> Card? {
        cardsByHash.values.first { $0.card.key.thumbprint == keyIdentifier }
    }

    package func isRevoked(_ keyIdentifier: String) -> Bool {
        ownRevocations.contains(keyIdentifier) || revocations?.entry(for: keyIdentifier) != nil
    }

    /// The newest `issued` of a document accepted now or before: no date before it is believed.
    package var floor: Int64 {
        let cards = cardsByHash.values.map(\.card.issued)
        let documents = [authorities.issued, room.record.issued, revocations?.issued ?? 0]
        return (documents + cards).max().map { max($0, rememberedFloor) } ?? rememberedFloor
    }

    /// The hashes of the live cards that `memory` has not seen, sorted.
    package func cards(newSince memory: TrustMemory) -> [String] {
        cardsByHash.values
            .filter { card in
                memory.cards[card.card.key.thumbprint].map { card.card.issued > $0 } ?? true
            }
            .map(\.hash)
            .sorted()
    }

    /// What is to be remembered now that this was accepted.
    package func remembered(in memory: TrustMemory) -> TrustMemory {
        var next = memory
        next.authoritiesHash = authorities.hash
        next.authorities = authorities.members
        next.authoritiesThreshold = authorities.threshold
        next.authoritiesSequence = authorities.sequence
        next.roomHash = room.hash
        next.roomSequence = room.record.sequence
        next.revocationsHash = revocations?.hash ?? memory.revocationsHash
        next.revocationsSequence = revocations?.sequence ?? memory.revocationsSequence
        next.floor = floor
        for card in cardsByHash.values {
            let key = card.card.key.thumbprint
            next.cards[key] = max(memory.cards[key] ?? 0, card.card.issued)
        }
        // A replaced key's card must not come back when the card that replaced it is taken away.
        for (key, issued) in replaced {
            next.cards[key] = max(next.cards[key] ?? 0, issued)
        }
        return next
    }
}
