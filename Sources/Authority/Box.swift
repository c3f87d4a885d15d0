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
        package var trust: String
        package var spool: String
        package var outbox: String
        /// The uploader's own word on how it fares.
        package var report: String
        package var admission: Admission

        package init(
            version: String,
            trust: String,
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
    }

    package let settings: Settings
    package let key: SigningKey
    package let loop: EventLoop
    package let disk: WorkQueue
    package let session: Session
    /// The kernel's boot id.
    package let boot: String
    /// Problems for `status`, newest last; bounded.
    private(set) var problems: [AuthorityError] = []
    /// False until the old recorder is known to be gone and the spool has been recovered.
    package private(set) var isReady = false
    private var observers: [UInt64: () -> Void] = [:]
    private var lastObserver: UInt64 = 0

    package init(
        settings: Settings,
        key: SigningKey,
        loop: EventLoop,
        disk: WorkQueue,
        session: Session,
        boot: String
    ) {
        self.settings = settings
        self.key = key
        self.loop = loop
        self.disk = disk
        self.session = session
        self.boot = boot
        session.onChange = { [weak self] in self?.notify() }
        session.onProblem = { [weak self] in self?.report($0) }
    }

    /// Order at every start of the authority: old recorder gone → spool recovered → ready.
    package func becomeReady(lock: RecorderLock) {
        guard lock.isFree() else {
            _ = loop.schedule(after: 50_000_000) { self.becomeReady(lock: lock) }
            return
        }
        let settings = settings
        disk.perform {
            SpoolKeeper.recover(spool: settings.spool, time: Clock.unixSeconds())
                + SpoolKeeper.removeDelivered(spool: settings.spool, outbox: settings.outbox)
        } then: { problems in
            for problem in problems { self.report(.spool(problem)) }
            self.isReady = true
            self.notify()
        }
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
        disk.perform {
            var trust: Result<Trust, AuthorityError>
            do throws(AuthorityError) {
                trust = .success(try TrustFolder.read(settings.trust))
            } catch {
                trust = .failure(error)
            }
            return Reading(
                trust: trust,
                inventory: SpoolKeeper.inventory(spool: settings.spool),
                report: UploaderReport(reading: settings.report)
            )
        } then: { reading in
            then(reading)
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
