/// A start token and the card it names, held against each other away from the moment of the start.
///
/// What recorder, uploader and the teacher's tools check for themselves: the token is signed by the
/// key on the card, and names this card and its teacher. Dates and quorum were judged at the start.
package struct SignedStart: Sendable {
    package let token: StartToken
    package let card: TeacherCard

    /// `card` is the document's bytes.
    package init(token text: String, card bytes: [UInt8]) throws(Refusal) {
        let jws = try CompactJWS(parsing: text, type: .start)
        let document = try ThresholdDocument(parsing: bytes)
        let card = try TeacherCard(reading: document)
        guard jws.isSigned(by: card.key) else {
            throw Refusal(.signature, "The token is not signed by the key on the card.")
        }
        let token = try StartToken(parsing: jws.payload)
        guard token.card == document.hash, token.teacher == card.teacher else {
            throw Refusal(.cardKey, "The token names another card.")
        }
        self.token = token
        self.card = card
    }
}
