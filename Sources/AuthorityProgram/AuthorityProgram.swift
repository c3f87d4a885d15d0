package import ArgumentParser
internal import Authority
internal import Configuration
internal import Consent
internal import CryptoPrimitives
internal import DigitalInput
internal import LinuxSystem
internal import Varlink

/// `lenscapd`: the consent authority.
///
/// No codec, no camera, no network.
package struct AuthorityProgram: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "lenscapd",
        abstract: "Decides, by teachers' signatures alone, whether this box records.",
        discussion: """
            On a box systemd starts it when somebody connects to /run/lenscap/*.sock, and it ends \
            when nothing is left to do. With --root it listens below that folder until SIGTERM.
            """
    )

    @Option(help: "Keep everything below this folder, without root (demo and tests).")
    var root: String?

    package init() {}

    package func run() throws {
        try ProcessMemory.forbidDumps()
        // Purposes and salts pass through: on a box no page may be swapped.
        if root == nil { try ProcessMemory.lock() }
        let daemon = try AuthorityDaemon(try BoxSetup(root: root), isRooted: root != nil)
        try daemon.run()
    }
}

/// The parts of the authority, put together on one loop.
///
/// Thread-bound to the thread that runs it.
final class AuthorityDaemon {
    private static let idleLimit: Int64 = 30_000_000_000
    private static let version = "0.1.0"

    private let isSocketActivated: Bool
    private let loop: EventLoop
    private let disk: WorkQueue
    private let box: Box
    private let teacher: TeacherService
    private let server: VarlinkServer
    private let lock: RecorderLock
    private let hardware: RoomHardware
    private let serviceManager = ServiceManager()
    private let signals: SignalEvent
    private let watch: FolderWatch
    private var idleTimer: EventLoop.Token?
    private var isShuttingDown = false

    init(_ setup: BoxSetup, isRooted: Bool) throws {
        let locations = setup.locations
        let configuration = setup.configuration
        // Before any thread, so that all of them leave the signals to the loop.
        signals = try SignalEvent()
        loop = try EventLoop()
        disk = try WorkQueue("disk", loop: loop)
        lock = RecorderLock(path: locations.recorderLock)
        if isRooted { try AuthorityDaemon.makeFolders(locations) }
        watch = try FolderWatch(paths: [locations.outbox])
        hardware = try AuthorityDaemon.hardware(setup, isRooted: isRooted, loop: loop)
        let key = try BoxKey.loadOrMake(folder: locations.keyFolder)
        let session = Session(
            loop: loop,
            disk: disk,
            settings: Session.Settings(
                spool: locations.spool,
                recorderGroup: isRooted ? nil : CurrentProcess.group(named: "lenscap-recorder"),
                signer: RecordingSigner(key: key),
                launcher: try AuthorityDaemon.launcher(locations, isRooted: isRooted),
                lock: lock,
                path: { source in
                    switch source.kind {
                    case .camera: configuration.cameraDevice(source.name)
                    case .microphone: configuration.microphoneDevice(source.name)
                    }
                }
            ),
            hardware: hardware
        )
        box = Box(
            settings: Box.Settings(
                version: AuthorityDaemon.version,
                trust: TrustFolder(path: locations.trust, log: locations.log),
                spool: locations.spool,
                outbox: locations.outbox,
                report: locations.uploaderState,
                admission: Admission(
                    videoBitRate: configuration.encoder.bitrate,
                    audioBitRate: configuration.encoder.audioBitrate,
                    reserve: configuration.spool.reserve
                )
            ),
            key: key,
            loop: loop,
            disk: disk,
            session: session,
            hardware: hardware,
            log: AuthorityDaemon.openLog(locations.log, key),
            boot: try AuthorityDaemon.bootIdentifier()
        )
        teacher = TeacherService(box: box)
        server = VarlinkServer(
            loop: loop,
            product: VarlinkProduct(
                vendor: "Lenscap",
                product: "lenscapd",
                version: AuthorityDaemon.version,
                url: "https://lenscap.org"
            )
        )
        let activated = ActivatedSockets.take()
        isSocketActivated = !activated.isEmpty
        try listen(activated, locations)
    }

    /// Below a `--root` nobody else makes the folders.
    private static func makeFolders(_ locations: Locations) throws {
        let paths = [
            locations.spool, locations.outbox, locations.cards, locations.run, locations.log,
        ]
        for path in paths {
            _ = try Folder.make(path: path, permissions: 0o700)
        }
    }

    private static func launcher(_ locations: Locations, isRooted: Bool) throws -> RecorderLauncher
    {
        guard isRooted else { return .socket(path: locations.recorderSocket) }
        let own = try CurrentProcess.executablePath()
        let folder = own.split(separator: "/").dropLast().joined(separator: "/")
        return .spawn(program: "/\(folder)/lenscap-recorder", root: locations.root)
    }

    /// Lamp, gate and stop inputs, each on a thread of its own: one that hangs holds up no other.
    private static func hardware(
        _ setup: BoxSetup,
        isRooted: Bool,
        loop: EventLoop
    ) throws -> RoomHardware {
        let locations = setup.locations
        return RoomHardware(
            lamp: RoomLamp(
                loop: loop,
                queue: try WorkQueue("lamp", loop: loop),
                places: RoomLamp.Places(
                    sysfs: locations.sysfs,
                    devices: locations.devices,
                    sense: setup.configuration.lampSense.map { InputSelector($0) },
                    isDemo: isRooted
                )
            ),
            gate: RoomGate(
                loop: loop,
                queue: try WorkQueue("gate", loop: loop),
                sysfs: locations.sysfs,
                isDemo: isRooted
            ),
            stopInputs: RoomStopInputs(
                loop: loop,
                queue: try WorkQueue("stop-inputs", loop: loop),
                sysfs: locations.sysfs,
                devices: locations.devices,
                acceptsPipe: isRooted
            )
        )
    }

    /// A log that cannot be trusted does not end the authority: it says so, and starts nothing.
    private static func openLog(
        _ path: String,
        _ key: SigningKey
    )
        -> Result<ActivationLog, AuthorityError>
    {
        do throws(AuthorityError) {
            return .success(try ActivationLog(folder: path, key: key))
        } catch {
            return .failure(error)
        }
    }

    private static func bootIdentifier() throws -> String {
        let bytes = try Descriptor.open("/proc/sys/kernel/random/boot_id").readAll(limit: 64)
        return String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self)
    }

    private func listen(_ activated: [(name: String, raw: Int32)], _ locations: Locations) throws {
        let teacherLimits = VarlinkLimits(
            connections: 256,
            reservedMethods: [TeacherInterface.name + ".Stop"],
            refusal: VarlinkLimits.Refusal(
                error: TeacherInterface.name + ".Busy",
                message: "Too many are connected; only Stop is taken now."
            )
        )
        let services: [(String, String, VarlinkInterface, VarlinkLimits)] = [
            ("teacher", locations.teacherSocket, teacher.interface, teacherLimits),
            ("status", locations.statusSocket, StatusService(box: box).interface, VarlinkLimits()),
            ("audit", locations.auditSocket, AuditService(box: box).interface, VarlinkLimits()),
        ]
        for (name, path, interface, limits) in services {
            if let given = activated.first(where: { $0.name == name }) {
                try server.listen(on: Descriptor(adopting: given.raw), [interface], limits: limits)
            } else if !isSocketActivated {
                let listener = try UnixSocket.listen(path: path, permissions: 0o600)
                try server.listen(on: listener, [interface], limits: limits)
            }
        }
    }

    func run() throws {
        _ = loop.watch(signals.descriptor.raw, .readable) { _ in self.shutDown() }
        _ = loop.watch(watch.descriptor.raw, .readable) { _ in
            self.watch.clear()
            self.box.removeDelivered()
        }
        server.onConnectionsChanged = { _ in self.considerIdle() }
        box.becomeReady(lock: lock)
        // A manager that does not listen will see for itself.
        try? serviceManager.notify("READY=1")
        keepWatchdog()
        considerIdle()
        try loop.run()
        server.close()
        disk.close()
    }

    /// On a box: ends when nobody is connected, nothing runs and no challenge is open.
    private func considerIdle() {
        if let idleTimer { loop.cancel(idleTimer) }
        guard isSocketActivated else { return }
        idleTimer = loop.schedule(after: AuthorityDaemon.idleLimit) {
            let isIdle =
                self.server.connectionCount == 0 && self.box.session.isIdle
                && !self.teacher.hasOpenChallenge && self.box.isReady
            if isIdle { self.loop.stop() } else { self.considerIdle() }
        }
    }

    /// Tells systemd that the loop still turns: one that does not is killed, and the recorder sees
    /// that its authority is gone.
    private func keepWatchdog() {
        guard let interval = serviceManager.watchdogInterval else { return }
        // A manager that does not listen will see for itself.
        try? serviceManager.notify("WATCHDOG=1")
        _ = loop.schedule(after: interval) { self.keepWatchdog() }
    }

    /// Ends a running session cleanly, then the loop.
    private func shutDown() {
        guard !isShuttingDown else { return }
        isShuttingDown = true
        box.session.stop(.shutdown)
        waitForEnd()
    }

    private func waitForEnd() {
        guard !box.session.isIdle else { return loop.stop() }
        _ = loop.schedule(after: 20_000_000) { self.waitForEnd() }
    }
}

extension InputSelector {
    init(_ sense: BoxConfiguration.LampSense) {
        switch sense.kind {
        case .key: self = .key(device: sense.device, code: UInt16(sense.code))
        case .line, .lineLow:
            self = .line(
                chip: sense.device,
                offset: UInt32(sense.code),
                isActiveLow: sense.kind == .lineLow
            )
        }
    }
}
