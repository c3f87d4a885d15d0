internal import Consent
internal import CryptoPrimitives
internal import LinuxSystem
internal import Spool
internal import Varlink

/// A teacher's orders about what is theirs: delete a recording or a stretch of it, end a key.
///
/// Thread-bound to the authority's loop.
final class OrderService {
    private let box: Box

    init(box: Box) {
        self.box = box
    }

    // MARK: Delete

    func delete(
        _ text: String,
        _ challenge: Challenge?,
        then: @escaping (Result<Removal, AuthorityError>) -> Void
    ) {
        let boxName = box.key.verificationKey.thumbprint
        let spool = box.settings.spool
        box.disk.perform { () -> Result<Found, AuthorityError> in
            do throws(AuthorityError) {
                return .success(try Found(text, challenge, box: boxName, spool: spool))
            } catch {
                return .failure(error)
            }
        } then: { found in
            switch found {
            case .failure(let error): then(.failure(error))
            case .success(let found): self.obey(found, text, then)
            }
        }
    }

    /// A verified order and the recording that it is about.
    private struct Found: Sendable {
        let order: DeleteOrder
        /// SHA-256 of the start token's text, which the log knows the session by.
        let startToken: [UInt8]

        /// Finds the recording by the identifier in the order, and holds the order against the card
        /// that lies beside it.
        ///
        /// The identifier is the one thing read before the signature.
        init(
            _ text: String,
            _ challenge: Challenge?,
            box: String,
            spool: String
        )
            throws(AuthorityError)
        {
            let named: DeleteOrder
            do throws(Refusal) {
                let jws = try CompactJWS(parsing: text, type: .delete)
                named = try DeleteOrder(parsing: jws.payload)
            } catch { throw .refused(error) }
            let card: [UInt8]
            do throws(SystemError) {
                let folder = try Folder(path: spool).folder(named.recording)
                card = try folder.read(SpoolName.card, limit: ThresholdDocument.byteLimit)
                startToken = SHA256.hash(
                    try folder.read(SpoolName.token, limit: CompactJWS.byteLimit)
                )
            } catch {
                if error.isNotFound { throw .notHere }
                throw .system(error)
            }
            do throws(Refusal) {
                order = try OrderVerification(box: box, challenge: challenge).verifyDelete(
                    token: text,
                    card: try TeacherCard(reading: try ThresholdDocument(parsing: card))
                )
            } catch { throw .refused(error) }
        }
    }

    private func obey(
        _ found: Found,
        _ text: String,
        _ then: @escaping (Result<Removal, AuthorityError>) -> Void
    ) {
        let isRunning = box.session.running?.recording == found.order.recording
        if isRunning && found.order.isWhole {
            box.session.stop(.stopped)
            box.session.whenIdle { self.remove(found, text, nil, then) }
        } else {
            remove(found, text, isRunning ? box.session.runningRecords : nil, then)
        }
    }

    private func remove(
        _ found: Found,
        _ text: String,
        _ running: SessionRecords?,
        _ then: @escaping (Result<Removal, AuthorityError>) -> Void
    ) {
        let settings = box.settings
        let order = found.order
        let signer = RecordingSigner(key: box.key)
        box.disk.perform { () -> Result<Removal, AuthorityError> in
            do throws(SpoolError) {
                let acknowledged = try AcknowledgementJournal.read(outbox: settings.outbox)
                if let running {
                    return .success(
                        try running.cut(order, text: text, acknowledged: acknowledged)
                    )
                }
                if order.isWhole {
                    return .success(
                        try SpoolFolder.delete(
                            order.recording,
                            spool: settings.spool,
                            order: Array(text.utf8),
                            acknowledged: acknowledged
                        )
                    )
                }
                return .success(
                    try SpoolKeeper.cut(
                        order,
                        text: text,
                        spool: settings.spool,
                        signer: signer,
                        acknowledged: acknowledged
                    )
                )
            } catch {
                return .failure(.spool(error))
            }
        } then: { result in
            if case .success = result {
                self.box.note(.deleted(token: found.startToken, isWhole: order.isWhole))
            }
            then(result)
        }
    }

    // MARK: Revoke

    /// Ends a teacher's own key at once; a session that it started is stopped.
    ///
    /// That session knows the card it was started with: its stop waits for no disk.
    func revoke(
        _ text: String,
        _ challenge: Challenge?,
        then: @escaping (AuthorityError?) -> Void
    ) {
        let verification = OrderVerification(
            box: box.key.verificationKey.thumbprint,
            challenge: challenge
        )
        if let card = box.session.running?.card,
            (try? verification.verifyRevoke(token: text, card: card)) != nil
        {
            return end(card.key.thumbprint, text, then)
        }
        box.read { reading in
            let key: String
            do throws(AuthorityError) {
                let trust = try reading.trust.get()
                do throws(Refusal) {
                    let jws = try CompactJWS(parsing: text, type: .revoke)
                    key = jws.header.keyIdentifier
                    guard let card = trust.card(keyIdentifier: key) else {
                        throw Refusal(.unknownKey, "This box knows no card with that key.")
                    }
                    _ = try verification.verifyRevoke(token: text, card: card.card)
                } catch { throw .refused(error) }
            } catch { return then(error) }
            self.end(key, text, then)
        }
    }

    /// Stops what the key started, then keeps the order.
    private func end(_ key: String, _ text: String, _ then: @escaping (AuthorityError?) -> Void) {
        if box.session.running?.card.key.thumbprint == key { box.session.stop(.revoked) }
        let trust = box.settings.trust
        box.disk.perform { () -> AuthorityError? in
            do throws(AuthorityError) {
                try trust.revoke(keyIdentifier: key, order: text)
                return nil
            } catch {
                return error
            }
        } then: { failure in
            if failure == nil { self.box.note(.revoked(order: SHA256.hash(Array(text.utf8)))) }
            then(failure)
        }
    }
}
