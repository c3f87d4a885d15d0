package import Consent
internal import CryptoPrimitives
package import LinuxSystem
internal import RecorderProtocol
internal import Spool
internal import Varlink

/// Carries out what ``SessionMachine`` decides: records, lamp, gate, recorder, timers.
///
/// ## Concurrency model
/// Thread-bound to the authority's loop. The disk is reached through the work queue only, and
/// lamp, gate and stop inputs have queues of their own, so that neither a stop nor the lamp ever
/// waits for a disk or a driver: devices close first, then the log is written.
package final class Session {
    package struct Settings: Sendable {
        package var spool: String
        /// The group that may add files to a recording's folder; nil below a `--root`.
        package var recorderGroup: UInt32?
        package var signer: RecordingSigner
        package var launcher: RecorderLauncher
        package var lock: RecorderLock
        /// Where the sources are on this box, by name.
        package var path: @Sendable (RoomRecord.Source) -> String

        package init(
            spool: String,
            recorderGroup: UInt32?,
            signer: RecordingSigner,
            launcher: RecorderLauncher,
            lock: RecorderLock,
            path: @escaping @Sendable (RoomRecord.Source) -> String
        ) {
            self.spool = spool
            self.recorderGroup = recorderGroup
            self.signer = signer
            self.launcher = launcher
            self.lock = lock
            self.path = path
        }
    }

    /// What may end a recorder without a word from here: the service manager, its own bound.
    private static let recordersOwn: [StopCause] = [.shutdown, .duration]
    private static let second: Int64 = 1_000_000_000
    /// How long a recorder may take from launch to open devices, and from stop to closed ones.
    private static let openingLimit = 20 * second
    private static let closingLimit = 2 * second
    /// How long it may take to end after it was not heard to close them.
    private static let endingLimit = second
    /// How long it may take to encode and seal what it holds after that.
    private static let finishingLimit = 60 * second
    private static let lockInterval = second / 50
    /// How often the wall clock is held against the room's closed times.
    private static let clockInterval = second
    /// A recorder says how it fares each second; one that is silent for so long is stuck.
    private static let silenceLimit = 5 * second

    /// Called after each change that somebody may want to see.
    package var onChange: (() -> Void)?
    /// Called with everything that went wrong and that a technician should know.
    package var onProblem: ((AuthorityError) -> Void)?
    package private(set) var view = SessionView()

    private let loop: EventLoop
    private let disk: WorkQueue
    private let settings: Settings
    private let hardware: RoomHardware
    private var machine = SessionMachine()
    private var current: Current?
    private var completion: ((Result<String, AuthorityError>) -> Void)?
    private var closedWaiters: [() -> Void] = []
    private var idleWaiters: [() -> Void] = []

    /// What belongs to one session only.
    private final class Current {
        let start: VerifiedStart
        let room: RoomRecord
        let floor: Int64
        let seconds: Int64
        let salt: [UInt8]
        let records: SessionRecords
        let log: ActivationLog
        /// Index of the log's `intent`, once it is durable.
        var intent: Int64?
        var channel: LoopChannel?
        var child: ChildProcess?
        var failure: AuthorityError?
        var endTimer: EventLoop.Token?
        var limitTimer: EventLoop.Token?
        var clockTimer: EventLoop.Token?
        /// The recorder holds its lock and has its order.
        var hasBegun = false
        var isAwaitingEnd = false
        /// When the recorder was last heard of; CLOCK_BOOTTIME ns.
        var heard: Int64 = 0

        init(
            start: VerifiedStart,
            room: RoomRecord,
            floor: Int64,
            seconds: Int64,
            salt: [UInt8],
            records: SessionRecords,
            log: ActivationLog
        ) {
            self.start = start
            self.room = room
            self.floor = floor
            self.seconds = seconds
            self.salt = salt
            self.records = records
            self.log = log
        }
    }

    package init(
        loop: EventLoop,
        disk: WorkQueue,
        settings: Settings,
        hardware: RoomHardware
    ) {
        self.loop = loop
        self.disk = disk
        self.settings = settings
        self.hardware = hardware
        hardware.lamp.onFault = { [weak self] in self?.notice($0, .lampFailed) }
        hardware.gate.onProblem = { [weak self] in self?.onProblem?($0) }
        hardware.stopInputs.onStop = { [weak self] cause, problem in
            self?.notice(problem, .stop(cause))
        }
    }

    package var lampState: LampState { hardware.lamp.state }

    package var isIdle: Bool { machine.state == .idle }
    package var isUsingDevices: Bool { machine.mayHaveOpenDevices }

    /// Begins the session that `start` allows; no time before `floor` is believed.
    ///
    /// `completion` gets the recording's identifier when every source is open, or why that did not
    /// come about.
    package func begin(
        _ start: VerifiedStart,
        room: RoomRecord,
        floor: Int64,
        log: ActivationLog,
        completion: @escaping (Result<String, AuthorityError>) -> Void
    ) {
        guard isIdle, current == nil else { return completion(.failure(.busy)) }
        let salt: [UInt8]
        do {
            salt = try randomBytes(32)
        } catch {
            return completion(.failure(.refused(Refusal(.key, "No randomness: \(error)."))))
        }
        current = Current(
            start: start,
            room: room,
            floor: floor,
            seconds: start.seconds(from: JudgementTime.now(floor: floor).now, in: room),
            salt: salt,
            records: SessionRecords(
                spool: settings.spool,
                recorderGroup: settings.recorderGroup,
                signer: settings.signer
            ),
            log: log
        )
        self.completion = completion
        view = SessionView()
        view.sources =
            start.token.cameras.map { SessionView.Source(name: $0, isCamera: true) }
            + start.token.microphones.map { SessionView.Source(name: $0, isCamera: false) }
        handle(.verified(sources: Set(view.sources.map(\.name))))
    }

    /// Stops whatever runs; `closed` is called once every device is closed, or when a driver does
    /// not let go of one in time, which the session's state then says.
    package func stop(_ cause: StopCause, closed: @escaping () -> Void = {}) {
        closedWaiters.append(closed)
        handle(.stop(cause))
        releaseWaiters()
    }

    /// The recording that runs, and the card of the teacher who started it.
    package var running: (recording: String, card: TeacherCard)? {
        current.map { ($0.start.token.recording, $0.start.card.card) }
    }

    /// The records of the recording that runs, for a cut.
    var runningRecords: SessionRecords? { current?.records }

    /// Calls `handler` when no session is left.
    func whenIdle(_ handler: @escaping () -> Void) {
        if isIdle && current == nil { return handler() }
        idleWaiters.append(handler)
    }

    private func releaseWaiters() {
        guard !machine.mayHaveOpenDevices || view.isOverdue else { return }
        let waiters = closedWaiters
        closedWaiters = []
        for waiter in waiters { waiter() }
    }

    private func handle(_ event: SessionMachine.Event) {
        let actions = machine.handle(event)
        view.state = machine.state
        for action in actions { perform(action) }
        releaseWaiters()
        onChange?()
    }

    private func perform(_ action: SessionMachine.Action) {
        guard let current else { return }
        switch action {
        case .prepareRecords: prepareRecords(current)
        case .armStops: armStops(current)
        case .lightLamp: lightLamp(current)
        case .openGate: openGate(current)
        case .launchRecorder: launchRecorder(current)
        case .announceStarted: announceStarted(current)
        case .sendStop(let cause): sendStop(cause, current)
        case .abortRecorder: abortRecorder(current)
        case .closeGate: closeGate(current)
        case .darkenLamp: darkenLamp(current)
        case .sealRecords(let cause): sealRecords(cause, current)
        case .announceFailed: end(current, reason: StopCause.failed)
        case .announceEnded: end(current, reason: nil)
        }
    }

    /// Intent durable in the log → receipt sealed → folder, receipt and leaf 0 durable.
    private func prepareRecords(_ current: Current) {
        let start = current.start
        let room = current.room
        let salt = current.salt
        let records = current.records
        let log = current.log
        disk.perform { () -> (intent: Int64?, failure: AuthorityError?) in
            var intent: Int64?
            do throws(AuthorityError) {
                intent = try log.append(.now(.intent(of: start, salt: salt)))
                let receipt = try Receipt.seal(
                    start,
                    room: room,
                    salt: salt,
                    time: Clock.unixSeconds()
                )
                do throws(SpoolError) {
                    try records.create(start, receipt: receipt)
                } catch { throw .spool(error) }
                return (intent, nil)
            } catch {
                return (intent, error)
            }
        } then: { result in
            current.intent = result.intent
            current.failure = result.failure
            self.handle(result.failure == nil ? .prepared : .prepareFailed)
        }
    }

    /// Writes to the activation log without anybody waiting for it.
    private func note(_ fact: ActivationEntry.Fact, _ current: Current) {
        let log = current.log
        disk.perform { () -> AuthorityError? in
            do throws(AuthorityError) {
                try log.append(.now(fact))
                return nil
            } catch {
                return error
            }
        } then: { failure in
            if let failure { self.onProblem?(failure) }
        }
    }

    /// Something that was seen beside the session: first the machine, then the telling.
    private func notice(_ problem: AuthorityError?, _ event: SessionMachine.Event) {
        if let problem, completion != nil { current?.failure = problem }
        handle(event)
        if let problem { onProblem?(problem) }
    }
}

// MARK: - Lamp, gate and stop inputs

extension Session {
    private func armStops(_ current: Current) {
        hardware.stopInputs.arm(current.room.stopInputs) { failure in
            current.failure = failure
            self.handle(failure == nil ? .stopsArmed : .stopsFailed)
        }
    }

    private func lightLamp(_ current: Current) {
        hardware.lamp.light(current.room.indicator) { failure in
            current.failure = failure
            self.handle(failure == nil ? .lampLit : .lampFailed)
        }
    }

    private func openGate(_ current: Current) {
        let names = current.start.token.cameras + current.start.token.microphones
        let sources = names.compactMap { current.room.source($0) }
        let gated = sources.map { GatedSource(source: $0, path: settings.path($0)) }
        hardware.gate.open(for: gated) { failure in
            current.failure = failure
            self.handle(failure == nil ? .gateOpened : .gateFailed)
        }
    }

    private func closeGate(_ current: Current) {
        hardware.stopInputs.disarm()
        hardware.gate.close { failure in
            if let failure { self.onProblem?(failure) }
            self.handle(.gateClosed)
        }
    }

    private func darkenLamp(_ current: Current) {
        hardware.lamp.darken(current.room.indicator) { failure in
            if let failure { self.onProblem?(failure) }
            self.handle(.lampDark)
        }
    }
}

// MARK: - The recorder

extension Session {
    private func launchRecorder(_ current: Current) {
        do {
            let connection = try settings.launcher.launch()
            current.child = connection.child
            let channel = try LoopChannel(loop: loop, adopting: connection.socket)
            current.channel = channel
            channel.onMessage = { self.receive($0, current) }
            channel.onClose = { _ in
                current.channel?.close()
                self.awaitEnd(current)
            }
            channel.start()
            watchClock(current)
            limit(Session.openingLimit, current)
        } catch {
            current.failure = .device(
                source: "",
                reason: "recorder",
                message: "the recorder did not start: \(error)"
            )
            handle(.launchFailed)
        }
    }

    /// The room's closed times by the wall clock, however it is stepped while the lesson runs, and
    /// whether the recorder is still heard of.
    private func watchClock(_ current: Current) {
        let now = JudgementTime.now(floor: current.floor).now
        if current.room.isClosed(at: now) { handle(.stop(.closedTime)) }
        let silence = Clock.bootTime.now() - current.heard
        if machine.state == .recording && silence > Session.silenceLimit {
            handle(.stop(.interrupted))
        }
        if current.hasBegun, let message = try? MessageJSON.encode(ToRecorder.alive) {
            current.channel?.send(message)
        }
        current.clockTimer = loop.schedule(after: Session.clockInterval) {
            self.watchClock(current)
        }
    }

    /// The recorder's first word says that it holds its lock: from then on the lock tells whether
    /// it lives, and only then does it hear what to open.
    private func sendOrder(_ current: Current) {
        current.hasBegun = true
        guard machine.mayHaveOpenDevices, !isStopping,
            let order = try? MessageJSON.encode(ToRecorder.begin(begin(current)))
        else { return abortRecorder(current) }
        current.channel?.send(order)
    }

    private var isStopping: Bool {
        if case .stopping = machine.state { true } else { false }
    }

    private func begin(_ current: Current) -> ToRecorder.Begin {
        let token = current.start.token
        return ToRecorder.Begin(
            token: current.start.tokenText,
            card: String(decoding: current.start.card.document, as: UTF8.self),
            recording: token.recording,
            details: ToRecorder.Details(
                purpose: current.start.details.purpose,
                salt: current.start.details.salt
            ),
            salt: Base64URL.encode(current.salt),
            // The authority ends the session by its own timer; this bound holds without it.
            ends: Clock.bootTime.now() + current.seconds * Session.second + Session.openingLimit,
            sources: (token.cameras + token.microphones).compactMap { name in
                current.room.source(name).map { source in
                    ToRecorder.Source(
                        name: name,
                        kind: source.kind.rawValue,
                        path: settings.path(source)
                    )
                }
            }
        )
    }

    private func receive(_ message: [UInt8], _ current: Current) {
        guard let message = try? MessageJSON.decode(FromRecorder.self, from: message) else {
            onProblem?(.spool(.disorder("the recorder sent something that is no message")))
            return handle(.recorderFailed)
        }
        current.heard = Clock.bootTime.now()
        switch message {
        case .opened(let source):
            handle(.sourceOpened(source))
        case .leaf(let line):
            append(line, current)
        case .state(let state):
            guard current.hasBegun else { return sendOrder(current) }
            view.update(state)
            onChange?()
        case .closed(_, let reason):
            if let cause = StopCause(rawValue: reason), Session.recordersOwn.contains(cause) {
                handle(.stop(cause))
            }
            handle(.devicesClosed)
            limit(Session.finishingLimit, current)
        case .done:
            // Its last word. Its end of the connection may stay open after it: systemd holds one,
            // when it is to start it again.
            awaitEnd(current)
            limit(Session.finishingLimit, current)
        case .failed(let failure):
            let isSpace = failure.code == StopCause.space.rawValue
            let error: AuthorityError =
                isSpace
                ? .diskFull(failure.message)
                : .device(
                    source: failure.source,
                    reason: failure.code,
                    message: failure.message
                )
            current.failure = error
            onProblem?(error)
            handle(isSpace ? .stop(.space) : .recorderFailed)
        }
    }

    private func append(_ line: String, _ current: Current) {
        let records = current.records
        disk.perform { () -> Result<SessionRecords.Progress, SpoolError> in
            do throws(SpoolError) {
                return .success(try records.append(line: line))
            } catch {
                return .failure(error)
            }
        } then: { result in
            switch result {
            case .success(let progress):
                self.view.committed = progress.committed
                self.sendSigned(progress, current)
                self.onChange?()
            case .failure(let error):
                self.onProblem?(error.isNoSpace ? .diskFull("\(error)") : .spool(error))
                self.handle(error.isNoSpace ? .stop(.space) : .recorderFailed)
            }
        }
    }

    private func sendSigned(_ progress: SessionRecords.Progress, _ current: Current) {
        let message = ToRecorder.signed(size: progress.signed, note: progress.note)
        if let message = try? MessageJSON.encode(message) { current.channel?.send(message) }
    }

    private func announceStarted(_ current: Current) {
        let ends = Clock.bootTime.now() + current.seconds * Session.second
        view.started = Clock.unixSeconds()
        view.ends = ends
        limit(nil, current)
        if let intent = current.intent { note(.started(intent: intent), current) }
        let cause: StopCause =
            current.seconds < current.start.token.duration ? .closedTime : .duration
        current.endTimer = loop.schedule(at: ends) { self.handle(.stop(cause)) }
        let completion = self.completion
        self.completion = nil
        completion?(.success(current.start.token.recording))
    }

    private func sendStop(_ cause: StopCause, _ current: Current) {
        if let timer = current.endTimer { loop.cancel(timer) }
        if let message = try? MessageJSON.encode(ToRecorder.stop(reason: cause.rawValue)) {
            current.channel?.send(message)
        }
        limit(Session.closingLimit, current)
    }

    private func abortRecorder(_ current: Current) {
        current.channel?.close()
        // Another user's process cannot be killed from here; its watchdog does that on a box.
        current.child?.signal(9)
        awaitEnd(current)
    }

    /// Waits until no recorder lives, however its connection ended.
    private func awaitEnd(_ current: Current) {
        guard !current.isAwaitingEnd else { return }
        current.isAwaitingEnd = true
        limit(nil, current)
        pollEnd(current)
    }

    private func pollEnd(_ current: Current) {
        if let child = current.child {
            do throws(SystemError) {
                guard try child.poll() != nil else { return pollAgain(current) }
            } catch {
                onProblem?(.system(error))
            }
            current.child = nil
        }
        guard settings.lock.isFree() else { return pollAgain(current) }
        handle(.recorderGone)
    }

    private func pollAgain(_ current: Current) {
        _ = loop.schedule(after: Session.lockInterval) { self.pollEnd(current) }
    }

    private func limit(_ nanoseconds: Int64?, _ current: Current) {
        if let timer = current.limitTimer { loop.cancel(timer) }
        current.limitTimer = nanoseconds.map { limit in
            loop.schedule(after: limit) {
                if case .opening = self.machine.state { self.handle(.stop(.failed)) }
                self.handle(.stopOverdue)
                _ = self.loop.schedule(after: Session.endingLimit) { self.sayOverdue(current) }
            }
        }
    }

    /// The recorder's end does not come either: who waits for the stop hears how it is.
    private func sayOverdue(_ current: Current) {
        guard self.current === current, machine.mayHaveOpenDevices else { return }
        view.isOverdue = true
        releaseWaiters()
        onChange?()
    }

    private func sealRecords(_ cause: StopCause, _ current: Current) {
        view.reason = cause.rawValue
        if let intent = current.intent {
            note(.stopped(intent: intent, cause: cause.rawValue), current)
        }
        let records = current.records
        disk.perform { () -> SpoolError? in
            do throws(SpoolError) {
                try records.seal(cause, time: Clock.unixSeconds())
                return nil
            } catch {
                return error
            }
        } then: { failure in
            if let failure { self.onProblem?(.spool(failure)) }
            self.completion?(.failure(current.failure ?? .ended(cause)))
            self.completion = nil
            self.handle(.sealed)
        }
    }

    private func end(_ current: Current, reason: StopCause?) {
        if let timer = current.clockTimer { loop.cancel(timer) }
        if let timer = current.endTimer { loop.cancel(timer) }
        if let timer = current.limitTimer { loop.cancel(timer) }
        current.channel?.close()
        if let reason {
            view.reason = reason.rawValue
            if let intent = current.intent {
                note(.stopped(intent: intent, cause: reason.rawValue), current)
            }
        }
        view.started = nil
        view.ends = nil
        self.current = nil
        let completion = self.completion
        self.completion = nil
        completion?(.failure(current.failure ?? .busy))
        let waiters = idleWaiters
        idleWaiters = []
        for waiter in waiters { waiter() }
    }
}
