internal import CryptoPrimitives

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
    package let rejectedCards: [RejectedCard]
    private let cardsByHash: [String: Card]

    /// Verifies everything: first the authorities, then what they signed.
    package init(
        authorities authoritiesFile: [UInt8],
        room roomFile: [UInt8],
        cards: [(name: String, bytes: [UInt8])]
    ) throws(Refusal) {
        let authorities = try Authorities(
            verifying: try ThresholdDocument(parsing: authoritiesFile)
        )
        let roomDocument = try ThresholdDocument(parsing: roomFile)
        self.authorities = authorities
        room = Room(
            record: try RoomRecord(verifying: roomDocument, by: authorities),
            hash: roomDocument.hash
        )
        // A key has one live card: the latest issued.
        var live: [String: Card] = [:]
        var rejected: [RejectedCard] = []
        for (name, bytes) in cards {
            do throws(Refusal) {
                let document = try ThresholdDocument(parsing: bytes)
                let card = Card(
                    card: try TeacherCard(verifying: document, by: authorities),
                    hash: document.hash,
                    document: bytes
                )
                let key = card.card.key.thumbprint
                if let other = live[key], other.card.issued >= card.card.issued { continue }
                live[key] = card
            } catch {
                rejected.append(RejectedCard(name: name, refusal: error))
            }
        }
        rejectedCards = rejected
        var byHash: [String: Card] = [:]
        for card in live.values { byHash[card.hash] = card }
        cardsByHash = byHash
    }

    package func card(hash: String) -> Card? { cardsByHash[hash] }

    /// The newest `issued` of an accepted document: no date before it is believed.
    package var newestIssue: Int64 {
        let cards = cardsByHash.values.map(\.card.issued)
        return ([authorities.issued, room.record.issued] + cards).max() ?? 0
    }
}
