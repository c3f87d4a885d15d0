internal import Consent
internal import CryptoPrimitives
internal import LinuxSystem
package import Varlink

/// `org.lenscap.Teacher`: authority lies in the signed tokens, never in the caller.
///
/// Thread-bound to the authority's loop.
package final class TeacherService {
    private let box: Box
    private let orders: OrderService
    private var challenges = Challenges()
    /// A start is being decided; another one is `Busy`.
    private var isDeciding = false
    /// Since the last entry about them.
    private var unsignedRefusals: Int64 = 0
    private static let readyLimit: Int64 = 5_000_000_000
    private static let refusalInterval: Int64 = 60_000_000_000

    package init(box: Box) {
        self.box = box
        orders = OrderService(box: box)
    }

    /// Whether something is kept in memory only, so that the authority must not end yet.
    package var hasOpenChallenge: Bool { !challenges.isEmpty || unsignedRefusals > 0 }

    package var interface: VarlinkInterface {
        VarlinkInterface(
            description: InterfaceText.teacher,
            methods: [
                VarlinkMethod("Challenge") { self.challenge($0) },
                VarlinkMethod("Start") { self.start($0) },
                VarlinkMethod("Stop") { self.stop($0) },
                VarlinkMethod("Delete") { self.delete($0) },
                VarlinkMethod("Revoke") { self.revoke($0) },
                VarlinkMethod("Monitor") { self.monitor($0) },
            ]
        )
    }

    /// Each challenge is one attempt, whatever it is for.
    private final class Attempts {
        var limit = AttemptLimit(now: Clock.bootTime.now())
    }

    private func isAllowed(_ connection: VarlinkConnection) -> Bool {
        let attempts = connection.storage as? Attempts ?? Attempts()
        connection.storage = attempts
        return attempts.limit.allow(now: Clock.bootTime.now())
    }

    private func challenge(_ call: VarlinkCall) {
        guard call.parameters(as: NoParameters.self) != nil else { return }
        guard isAllowed(call.connection) else {
            return call.fail(
                TeacherInterface.name + ".Busy",
                ["message": "Too many attempts on this connection; wait a few seconds."]
            )
        }
        box.read { reading in
            do throws(AuthorityError) {
                let trust = try reading.trust.get()
                call.reply(
                    TeacherInterface.ChallengeReply(
                        challenge: try self.issue(trust, reading.log, call.connection)
                    )
                )
            } catch { self.answer(call, error) }
        }
    }

    private func issue(
        _ trust: Trust,
        _ log: String,
        _ connection: VarlinkConnection
    ) throws(AuthorityError) -> String {
        do throws(Refusal) {
            guard trust.room.record.boxKey == box.key.verificationKey else {
                throw Refusal(.box, "The installed room record is for another box.")
            }
            let identifier = connection.identifier
            let challenge = try challenges.issue(
                for: identifier,
                trust: trust,
                log: log,
                boot: box.boot,
                clock: (Clock.unixSeconds(), Clock.isSynchronized),
                now: Clock.bootTime.now()
            )
            connection.onClose {
                _ = self.challenges.take(for: identifier, now: Clock.bootTime.now())
            }
            let jws = try CompactJWS(
                payload: challenge.payload.bytes,
                type: .challenge,
                by: box.key
            )
            return jws.text
        } catch { throw .refused(error) }
    }

    private func start(_ call: VarlinkCall) {
        // Taken before anything is looked at: no attempt leaves it open.
        let challenge = challenges.take(
            for: call.connection.identifier,
            now: Clock.bootTime.now()
        )
        guard let parameters = call.parameters(as: TeacherInterface.StartParameters.self) else {
            return
        }
        guard box.session.isIdle, !isDeciding else { return answer(call, .busy) }
        isDeciding = true
        // The call may be what started the authority.
        box.whenReady(within: TeacherService.readyLimit) {
            guard self.box.isReady else {
                self.isDeciding = false
                return call.fail(
                    TeacherInterface.name + ".Busy",
                    ["message": "The box is putting its records in order; try again in a moment."]
                )
            }
            self.decide(parameters, challenge, call)
        }
    }

    private func decide(
        _ parameters: TeacherInterface.StartParameters,
        _ challenge: Challenge?,
        _ call: VarlinkCall
    ) {
        box.read { reading in
            self.isDeciding = false
            do throws(AuthorityError) {
                try self.decide(parameters, challenge, reading, call)
            } catch { self.answer(call, error) }
        }
    }

    /// Verified → space → records, lamp, gate and recorder, in ``Session``.
    private func decide(
        _ parameters: TeacherInterface.StartParameters,
        _ challenge: Challenge?,
        _ reading: Box.Reading,
        _ call: VarlinkCall
    ) throws(AuthorityError) {
        let trust = try reading.trust.get()
        let time = JudgementTime.now(floor: trust.floor)
        let used = reading.inventory.used
        let verification = StartVerification(
            trust: trust,
            challenge: challenge,
            time: time,
            isUsed: { used.contains($0) }
        )
        let verified: VerifiedStart
        do throws(Refusal) {
            verified = try verification.verify(
                token: parameters.token,
                details: StartDetails(
                    purpose: parameters.details.purpose,
                    salt: parameters.details.salt
                )
            )
        } catch {
            noteRefusal(error, parameters.token, verification)
            throw .refused(error)
        }
        if let problem = reading.inventory.problem {
            throw .spool(.damaged(recording: verified.token.recording, problem))
        }
        try box.settings.admission.check(verified, available: reading.inventory.available)
        let log = try box.log.get()
        box.finish(reading.inventory.unfinished)
        box.session.begin(verified, room: trust.room.record, floor: trust.floor, log: log) {
            result in
            switch result {
            case .success(let recording): self.follow(call, recording)
            case .failure(let error): self.answer(call, error)
            }
        }
    }

    /// A refusal after a valid signature is an entry of its own; others are counted, so that
    /// nobody without a key can fill the log.
    private func noteRefusal(
        _ refusal: Refusal,
        _ token: String,
        _ verification: StartVerification
    ) {
        if verification.isSigned(token) {
            return box.note(.refused(reason: refusal.reason.rawValue, count: 1))
        }
        unsignedRefusals += 1
        guard unsignedRefusals == 1 else { return }
        _ = box.loop.schedule(after: TeacherService.refusalInterval) {
            self.box.note(.refused(reason: "unsigned", count: self.unsignedRefusals))
            self.unsignedRefusals = 0
        }
    }

    /// Answers a start: once, or with every change until the session has ended.
    private func follow(_ call: VarlinkCall, _ recording: String) {
        report(call) { session in
            TeacherInterface.StartReply(recording: recording, session: session)
        }
    }

    private func monitor(_ call: VarlinkCall) {
        guard call.parameters(as: NoParameters.self) != nil else { return }
        guard call.wantsMore else {
            return call.reply(TeacherInterface.SessionReply(session: sessionView()))
        }
        let observer = box.observe {
            call.reply(continuing: TeacherInterface.SessionReply(session: self.sessionView()))
        }
        call.reply(continuing: TeacherInterface.SessionReply(session: sessionView()))
        call.connection.onClose { self.box.removeObserver(observer) }
    }

    private func report<Reply: Encodable>(
        _ call: VarlinkCall,
        _ reply: @escaping (TeacherInterface.Session) -> Reply
    ) {
        guard call.wantsMore else { return call.reply(reply(sessionView())) }
        var observer: UInt64 = 0
        observer = box.observe {
            if self.box.session.isIdle {
                self.box.removeObserver(observer)
                call.reply(reply(self.sessionView()))
            } else {
                call.reply(continuing: reply(self.sessionView()))
            }
        }
        call.connection.onClose { self.box.removeObserver(observer) }
        call.reply(continuing: reply(sessionView()))
    }

    private func stop(_ call: VarlinkCall) {
        guard call.parameters(as: NoParameters.self) != nil else { return }
        box.session.stop(.stopped) {
            call.reply(TeacherInterface.SessionReply(session: self.sessionView()))
        }
    }

    private func delete(_ call: VarlinkCall) {
        let challenge = challenges.take(
            for: call.connection.identifier,
            now: Clock.bootTime.now()
        )
        guard let parameters = call.parameters(as: TeacherInterface.TokenParameters.self) else {
            return
        }
        orders.delete(parameters.token, challenge) { result in
            switch result {
            case .success(let removal):
                call.reply(
                    TeacherInterface.DeleteReply(deleted: removal.deleted, left: removal.left)
                )
            case .failure(let error): self.answer(call, error)
            }
        }
    }

    private func revoke(_ call: VarlinkCall) {
        let challenge = challenges.take(
            for: call.connection.identifier,
            now: Clock.bootTime.now()
        )
        guard let parameters = call.parameters(as: TeacherInterface.TokenParameters.self) else {
            return
        }
        orders.revoke(parameters.token, challenge) { failure in
            if let failure { return self.answer(call, failure) }
            call.reply()
        }
    }

    private func answer(_ call: VarlinkCall, _ error: AuthorityError) {
        let prefix = TeacherInterface.name + "."
        switch error {
        case .refused(let refusal):
            call.fail(
                prefix + "NotPermitted",
                ["reason": refusal.reason.rawValue, "message": refusal.message]
            )
        case .busy:
            call.fail(
                prefix + "Busy",
                ["message": "A lesson is being recorded here; stop it first or wait for its end."]
            )
        case .device(let source, let reason, let message):
            call.fail(
                prefix + "DeviceUnavailable",
                ["source": source, "reason": reason, "message": message]
            )
        case .noSpace(let needed, let available):
            call.fail(prefix + "NoSpace", ["needed": needed, "available": available])
        case .indicator(let reason, let message):
            call.fail(prefix + "IndicatorFailed", ["reason": reason, "message": message])
        case .notHere:
            call.fail(prefix + "NotFound", ["what": "\(error)"])
        case .diskFull(let message):
            call.fail(
                prefix + "DeviceUnavailable",
                ["source": "", "reason": "space", "message": message]
            )
        case .spool, .system, .ended:
            call.fail(
                prefix + "DeviceUnavailable",
                ["source": "", "reason": "box", "message": "\(error)"]
            )
        }
    }

    private func sessionView() -> TeacherInterface.Session {
        TeacherInterface.Session(box.session.view, box.session.lampState)
    }
}

extension TeacherInterface.Session {
    init(_ view: SessionView, _ lamp: LampState) {
        self.init(
            state: view.stateName,
            started: view.started,
            remaining: view.ends.map { max(0, ($0 - Clock.bootTime.now()) / 1_000_000_000) },
            // The room has no word for a lamp that is not there.
            lamp: lamp == .none ? LampState.dark.rawValue : lamp.rawValue,
            sources: view.sources.map { source in
                TeacherInterface.Source(
                    name: source.name,
                    kind: source.isCamera ? "camera" : "microphone",
                    health: source.gaps > 0 ? "gap" : "ok",
                    seconds: view.committed
                )
            },
            reason: view.reason
        )
    }
}

extension SessionView {
    /// The state as the interfaces name it.
    var stateName: String {
        switch state {
        case .idle: "idle"
        case .preparing, .arming, .lighting, .openingGate, .opening: "starting"
        case .recording: "recording"
        case .stopping where isOverdue: "fault"
        case .stopping, .closing, .darkening, .sealing: "stopping"
        }
    }
}
