import Authority
import Consent
import CryptoPrimitives
import LinuxSystem
import Spool

/// The authority's process: the real session machine and the real keepers of the spool, with a
/// simulated loop, disk thread, lamp and gate.
final class SimulatedBox {
    let process = SimulatedProcess("lenscapd")
    private let world: World
    private let signer: RecordingSigner
    private var machine = SessionMachine()
    private var start: VerifiedStart?
    private var records: SessionRecords?
    private var recorder: SimulatedRecorder?
    private(set) var isReady = false
    private var isDeciding = false
    private var diskFree: Int64 = 0
    private let admission = Admission(
        videoBitRate: 2_000,
        audioBitRate: 1_000,
        reserve: World.reserve
    )

    init(_ world: World) {
        self.world = world
        signer = RecordingSigner(key: world.school.box)
    }

    var isIdle: Bool { machine.state == .idle && !isDeciding }
    var isRecording: Bool { machine.state == .recording }
    var running: String? { start?.token.recording }
    private var ledger: Ledger { world.ledger }

    // MARK: Loop and disk thread

    private func loop(after nanoseconds: Int64, _ body: @escaping () -> Void) {
        world.schedule.after(nanoseconds, .loop) {
            if !self.process.isDead { body() }
        }
    }

    /// One thread does the disk's work, in order.
    private func onDisk<Result>(
        _ job: @escaping () -> Result,
        then: @escaping (Result) -> Void
    ) {
        let begin = max(world.schedule.now, diskFree) + world.delay()
        diskFree = begin
        world.schedule.after(begin - world.schedule.now, .disk) {
            guard !self.process.isDead else { return }
            var result: Result?
            self.world.run(self.process) { result = job() }
            self.diskFree = max(self.diskFree, self.world.schedule.now)
            guard !self.process.isDead, let result else { return }
            self.loop(after: self.world.delay()) { then(result) }
        }
    }

    // MARK: Start of the process

    /// USB withdrawn → old recorder gone → lamp dark → spool recovered → ready.
    func boot() {
        world.isGateOpen = false
        guard world.recorder?.isGone != false else {
            return loop(after: 50_000_000) { self.boot() }
        }
        world.darkenLamp()
        onDisk {
            let changes = self.world.disk.weatherChanges
            let problems =
                SpoolKeeper.recover(spool: World.spool, time: self.world.clock, signer: self.signer)
                + SpoolKeeper.removeDelivered(spool: World.spool, outbox: World.outbox)
            return (problems, changes)
        } then: { problems, changes in
            // Judged when its result comes: fair means all the while.
            if self.world.isFair && self.world.disk.weatherChanges == changes {
                for problem in problems { self.ledger.note("recovery in fair weather: \(problem)") }
                self.world.judgeRest("after recovery")
            }
            self.isReady = true
        }
    }

    func removeDelivered() {
        guard isReady else { return }
        onDisk {
            SpoolKeeper.removeDelivered(spool: World.spool, outbox: World.outbox)
        } then: { _ in
        }
    }

    // MARK: Start of a lesson

    func decide(seconds: Int64) {
        guard isReady, isIdle else { return }
        isDeciding = true
        let challenge = world.school.challenge(world.random.bytes(32), time: world.clock)
        let identifier = world.random.bytes(16)
        onDisk {
            SpoolKeeper.inventory(spool: World.spool)
        } then: { inventory in
            self.isDeciding = false
            do {
                let signed = try self.world.school.start(
                    identifier: identifier,
                    seconds: seconds,
                    challenge: challenge
                )
                let trust = self.world.school.trust
                let verification = StartVerification(
                    trust: trust,
                    challenge: challenge,
                    time: JudgementTime(
                        clock: self.world.clock,
                        isTrusted: true,
                        floor: trust.floor
                    ),
                    isUsed: { inventory.used.contains($0) }
                )
                let verified = try verification.verify(
                    token: signed.token,
                    details: signed.details
                )
                if inventory.problem != nil { throw Refused() }
                try self.admission.check(verified, available: inventory.available)
                self.begin(verified, unfinished: inventory.unfinished)
            } catch { self.ledger.refusedStarts += 1 }
        }
    }

    private struct Refused: Error {}

    private func begin(_ verified: VerifiedStart, unfinished: Set<String>) {
        if !unfinished.isEmpty {
            onDisk {
                SpoolKeeper.recover(
                    spool: World.spool,
                    only: unfinished,
                    time: self.world.clock,
                    signer: self.signer
                )
            } then: { _ in
            }
        }
        start = verified
        records = SessionRecords(spool: World.spool, recorderGroup: nil, signer: signer)
        ledger.promises[verified.token.recording] = Ledger.Promise()
        ledger.lessons += 1
        handle(.verified(sources: ["desk", "front"]))
    }

    // MARK: The session

    func stop(_ cause: StopCause) { handle(.stop(cause)) }

    private func handle(_ event: SessionMachine.Event) {
        for action in machine.handle(event) { perform(action) }
        world.judgeDevices(mayBeOpen: machine.mayHaveOpenDevices)
    }

    private func soon(_ event: SessionMachine.Event, or failure: SessionMachine.Event) {
        let next = world.isFair || !world.random.once(in: 60) ? event : failure
        loop(after: world.delay()) { self.handle(next) }
    }

    private func perform(_ action: SessionMachine.Action) {
        switch action {
        case .prepareRecords: prepare()
        case .armStops: soon(.stopsArmed, or: .stopsFailed)
        case .lightLamp:
            world.isLampLit = true
            soon(.lampLit, or: .lampFailed)
        case .openGate:
            world.isGateOpen = true
            soon(.gateOpened, or: .gateFailed)
        case .launchRecorder: launch()
        case .announceStarted: break
        case .sendStop(let cause):
            recorder?.stop(cause.rawValue)
            overdue(after: 150_000_000)
        case .abortRecorder: recorder?.kill()
        case .closeGate:
            world.isGateOpen = false
            soon(.gateClosed, or: .gateClosed)
        case .darkenLamp:
            world.darkenLamp()
            soon(.lampDark, or: .lampDark)
        case .sealRecords(let cause): seal(cause)
        case .announceFailed, .announceEnded:
            start = nil
            records = nil
            recorder = nil
        }
    }

    private func overdue(after nanoseconds: Int64) {
        let recording = running
        loop(after: nanoseconds) {
            if self.running == recording { self.handle(.stopOverdue) }
        }
    }

    private func prepare() {
        guard let start, let records else { return }
        onDisk { () -> Bool in
            do {
                let receipt = try Receipt.seal(
                    start,
                    room: self.world.school.trust.room.record,
                    salt: [UInt8](repeating: 1, count: 32),
                    time: self.world.clock
                )
                try records.create(start, receipt: receipt)
                self.world.promise(start.token.recording, signed: 1)
                return true
            } catch { return false }
        } then: {
            self.handle($0 ? .prepared : .prepareFailed)
        }
    }

    private func launch() {
        guard let recording = running else { return }
        var last: Int64 = 0
        let schedule = world.schedule
        let made = SimulatedRecorder(world, recording: recording) { [weak self, world] message in
            // One connection: what was said first arrives first.
            last = max(last, schedule.now + world.delay())
            self?.loop(after: last - schedule.now) { self?.receive(message, recording) }
        }
        recorder = made
        world.recorder = made
        made.begin()
        awaitEnd(of: made, recording)
    }

    /// Tells of its end when it is gone and all that it said has arrived.
    private func awaitEnd(of made: SimulatedRecorder, _ recording: String) {
        loop(after: 50_000_000) {
            guard self.running == recording else { return }
            guard made.isGone else { return self.awaitEnd(of: made, recording) }
            self.loop(after: 20 * World.second) {
                if self.running == recording { self.handle(.recorderGone) }
            }
        }
    }

    private func receive(_ message: SimulatedRecorder.Message, _ recording: String) {
        guard running == recording else { return }
        switch message {
        case .opened(let source): handle(.sourceOpened(source))
        case .leaf(let line): append(line, recording)
        case .failed(let isSpace): handle(isSpace ? .stop(.space) : .recorderFailed)
        case .closed(let reason):
            if let cause = StopCause(rawValue: reason), cause == .space || cause == .failed {
                handle(.stop(cause))
            }
            handle(.devicesClosed)
            overdue(after: 45 * World.second)
        case .done: break
        }
    }

    private func append(_ line: String, _ recording: String) {
        guard let records else { return }
        onDisk { () -> SpoolError? in
            do throws(SpoolError) {
                let progress = try records.append(line: line)
                self.world.promise(recording, signed: Int(progress.signed))
                return nil
            } catch { return error }
        } then: { error in
            if let error { self.handle(error.isNoSpace ? .stop(.space) : .recorderFailed) }
        }
    }

    private func seal(_ cause: StopCause) {
        guard let records, let recording = running else { return }
        onDisk {
            do throws(SpoolError) {
                try records.seal(cause, time: self.world.clock)
                self.world.promise(recording, signed: nil)
            } catch {}
        } then: {
            self.handle(.sealed)
        }
    }

    // MARK: Orders

    /// Takes out a stretch, or all of it where both bounds are zero, as the order's service does.
    func order(_ recording: String, from: Int64, to: Int64) {
        let order = DeleteOrder(
            audience: world.school.box.verificationKey.thumbprint,
            challenge: "",
            from: from,
            to: to,
            identifier: world.random.bytes(16),
            recording: recording,
            teacher: ""
        )
        let isRunning = running == recording
        if isRunning && order.isWhole { return stop(.stopped) }
        let running = isRunning ? records : nil
        onDisk {
            self.obey(order, running)
        } then: { _ in
        }
    }

    private func obey(_ order: DeleteOrder, _ running: SessionRecords?) {
        let recording = order.recording
        guard ledger.promises[recording] != nil,
            world.disk.look("\(World.spool)/\(recording)/card.json") != nil
        else { return }
        do throws(SpoolError) {
            let acknowledged = try AcknowledgementJournal.read(outbox: World.outbox)
            if order.isWhole {
                ledger.promises[recording]?.wantsDeletion = true
                _ = try SpoolFolder.delete(
                    recording,
                    spool: World.spool,
                    order: [1],
                    acknowledged: acknowledged
                )
                ledger.promises[recording]?.isDeleted = true
                if world.uploader == nil {
                    ledger.promises[recording]?.sentBefore = world.countInAccount(recording)
                }
                ledger.deletions += 1
            } else {
                if let running {
                    _ = try running.cut(order, text: "cut", acknowledged: acknowledged)
                } else {
                    _ = try SpoolKeeper.cut(
                        order,
                        text: "cut",
                        spool: World.spool,
                        signer: signer,
                        acknowledged: acknowledged
                    )
                }
                world.promise(recording, signed: nil)
                world.noteCut(recording)
                ledger.cuts += 1
            }
        } catch {}
    }
}
