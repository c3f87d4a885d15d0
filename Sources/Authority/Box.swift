internal import Consent
package import CryptoPrimitives
package import LinuxSystem
internal import Spool

/// What the services share: the box's key and places, and the one session.
///
/// Thread-bound to the authority's loop.
package final class Box {
    package struct Settings: Sendable {
        package var version: String
        package var trust: TrustFolder
        package var spool: String
        package var outbox: String
        /// The uploader's own word on how it fares.
        package var report: String
        package var admission: Admission

        package init(
            version: String,
            trust: TrustFolder,
            spool: String,
            outbox: String,
            report: String,
            admission: Admission
        ) {
            self.version = version
            self.trust = trust
            self.spool = spool
            self.outbox = outbox
            self.report = report
            self.admission = admission
        }
    }

    /// Everything that a decision needs from the disk, read in one go.
    struct Reading: Sendable {
        let trust: Result<Trust, AuthorityError>
        let inventory: SpoolKeeper.Inventory
        let report: UploaderReport?
        /// The activation log's present state, `size:root`.
        let log: String
    }

    package let settings: Settings
    package let key: SigningKey
    package let loop: EventLoop
    package let disk: WorkQueue
    package let session: Session
    private let hardware: RoomHardware
    /// The activation log, or why there is none: then nothing starts.
    package let log: Result<ActivationLog, AuthorityError>
    /// The kernel's boot id.
    package let boot: String
    /// Problems for `status`, newest last; bounded.
    private(set) var problems: [AuthorityError] = []
    /// False until the old recorder is known to be gone and the spool has been recovered.
    package private(set) var isReady = false
    private var readyWaiters: [() -> Void] = []
    private var observers: [UInt64: () -> Void] = [:]
    private var lastObserver: UInt64 = 0

    package init(
        settings: Settings,
        key: SigningKey,
        loop: EventLoop,
        disk: WorkQueue,
        session: Session,
        hardware: RoomHardware,
        log: Result<ActivationLog, AuthorityError>,
        boot: String
    ) {
        self.settings = settings
        self.key = key
        self.loop = loop
        self.disk = disk
        self.session = session
        self.hardware = hardware
        self.log = log
        self.boot = boot
        session.onChange = { [weak self] in self?.notify() }
        session.onProblem = { [weak self] problem in
            self?.report(problem)
            self?.note(.fault(code: problem.code))
        }
    }

    /// Order at every start of the authority: USB withdrawn → old recorder gone → lamp dark → spool
    /// recovered → ready.
    package func becomeReady(lock: RecorderLock) {
        hardware.gate.close { failure in
            if let failure { self.report(failure) }
            self.awaitEnd(of: lock)
        }
    }

    private func awaitEnd(of lock: RecorderLock) {
        guard lock.isFree() else {
            _ = loop.schedule(after: 50_000_000) { self.awaitEnd(of: lock) }
            return
        }
        let settings = settings
        disk.perform {
            try? settings.trust.look().room.record.indicator
        } then: { indicator in
            // Without a room record nobody knows which lamp it is, and no session starts.
            guard let indicator else { return self.recover() }
            self.hardware.lamp.darken(indicator) { failure in
                if let failure { self.report(failure) }
                self.recover()
            }
        }
    }

    private func recover() {
        let settings = settings
        let log = self.log
        let boot = self.boot
        let signer = RecordingSigner(key: key)
        disk.perform { () -> [AuthorityError] in
            let problems =
                SpoolKeeper.recover(
                    spool: settings.spool,
                    time: Clock.unixSeconds(),
                    signer: signer
                )
                + SpoolKeeper.removeDelivered(spool: settings.spool, outbox: settings.outbox)
            var all = problems.map { AuthorityError.spool($0) }
            do throws(AuthorityError) {
                let trust = try? settings.trust.read(noting: log.get().noteEnrolled)
                let log = try log.get()
                try log.noteInterruption()
                try log.noteBoot(boot, trust: trust)
                guard let trust else { return all }
                let expired = SpoolKeeper.removeExpired(
                    spool: settings.spool,
                    trust: trust,
                    time: .now(floor: trust.floor)
                )
                for token in expired.removed {
                    try log.append(.now(.deleted(token: token, isWhole: true)))
                }
                all += expired.problems.map { AuthorityError.spool($0) }
            } catch { all.append(error) }
            return all
        } then: { problems in
            for problem in problems { self.report(problem) }
            self.isReady = true
            let waiters = self.readyWaiters
            self.readyWaiters = []
            for waiter in waiters { waiter() }
            self.notify()
        }
    }

    /// Finishes what an error kept a session, an order or the last recovery from finishing.
    ///
    /// To be called while no session runs; it is done before anything that is asked of the disk
    /// later.
    func finish(_ recordings: Set<String>) {
        if recordings.isEmpty { return }
        let spool = settings.spool
        let signer = RecordingSigner(key: key)
        disk.perform {
            SpoolKeeper.recover(
                spool: spool,
                only: recordings,
                time: Clock.unixSeconds(),
                signer: signer
            )
        } then: { problems in
            for problem in problems { self.report(.spool(problem)) }
        }
    }

    /// Calls `handler` when the box is ready, or after `limit` nanoseconds whether it is or not.
    func whenReady(within limit: Int64, _ handler: @escaping () -> Void) {
        if isReady { return handler() }
        var isWaiting = true
        let once = {
            guard isWaiting else { return }
            isWaiting = false
            handler()
        }
        readyWaiters.append(once)
        _ = loop.schedule(after: limit, once)
    }

    /// Looks whether the account has acknowledged recordings, and removes those.
    package func removeDelivered() {
        guard isReady else { return }
        let settings = settings
        disk.perform {
            SpoolKeeper.removeDelivered(spool: settings.spool, outbox: settings.outbox)
        } then: { problems in
            for problem in problems { self.report(.spool(problem)) }
        }
    }

    func read(then: @escaping (Reading) -> Void) {
        let settings = settings
        let log = log
        disk.perform {
            var trust: Result<Trust, AuthorityError>
            var head = ""
            do throws(AuthorityError) {
                let log = try log.get()
                let accepted = try settings.trust.read(noting: log.noteEnrolled)
                try log.noteRecords(accepted)
                head = log.head.shortForm
                trust = .success(accepted)
            } catch {
                trust = .failure(error)
            }
            return Reading(
                trust: trust,
                inventory: SpoolKeeper.inventory(spool: settings.spool),
                report: UploaderReport(reading: settings.report),
                log: head
            )
        } then: { reading in
            then(reading)
        }
    }

    /// Writes to the activation log without anybody waiting for it.
    func note(_ fact: ActivationEntry.Fact) {
        let log = log
        disk.perform { () -> AuthorityError? in
            do throws(AuthorityError) {
                try log.get().append(.now(fact))
                return nil
            } catch {
                return error
            }
        } then: { failure in
            if let failure { self.report(failure) }
            self.notify()
        }
    }

    func report(_ problem: AuthorityError) {
        problems.append(problem)
        if problems.count > 16 { problems.removeFirst() }
    }

    /// Calls `handler` at each change of the session, until it is removed.
    func observe(_ handler: @escaping () -> Void) -> UInt64 {
        lastObserver += 1
        observers[lastObserver] = handler
        return lastObserver
    }

    func removeObserver(_ number: UInt64) { observers[number] = nil }

    private func notify() {
        for observer in Array(observers.values) { observer() }
    }
}

extension JudgementTime {
    /// The moment by this machine's clock.
    static func now(floor: Int64) -> JudgementTime {
        JudgementTime(
            clock: Clock.unixSeconds(),
            isTrusted: Clock.isSynchronized,
            floor: floor
        )
    }
}
