import Authority
import Glibc
import LinuxSystem
import Spool
import Synchronization
import Testing
import Varlink

/// A box with its processes in a folder of its own.
///
/// Everything that was started below the folder is ended by ``close()``.
final class Classroom {
    /// The picture is small and the encoder fast, so that lessons cost little.
    static let cheapEncoder = """
        [encoder]
        preset = "ultrafast"
        bitrate = 100_000
        audio-bitrate = 32_000
        threads = 1

        """
    static let testSources = """
        [source.front]
        device = "test:"
        width = 320
        height = 240
        frame-rate = 15

        [source.desk]
        device = "test:"

        """
    static let quickUpload = """
        [spool]
        reserve = 1_000_000

        [upload]
        retry-minimum = 1
        retry-maximum = 1

        """
    static let configuration = cheapEncoder + testSources + quickUpload

    private static let counter = Atomic<Int>(0)

    let root: String
    private var daemons: [Daemon] = []
    private var mounts: [String] = []

    init() throws {
        let number = Classroom.counter.wrappingAdd(1, ordering: .relaxed).newValue
        // Short: the path of a socket ends at 107 bytes.
        let base = CurrentProcess.environment("TMPDIR") ?? "/tmp"
        root = "\(base)/lenscap-e2e-\(CurrentProcess.identifier)-\(number)"
        try Tool.succeed("rm", ["-rf", root])
        _ = try Folder.make(path: root, permissions: 0o700)
        try configure(Classroom.configuration)
    }

    var spool: String { "\(root)/var/lib/lenscap/spool" }
    var account: String { "\(root)/account" }
    var records: String { "\(root)/records" }

    // MARK: Files

    func configure(_ text: String) throws {
        try write(text, to: "etc/lenscap/lenscap.toml")
    }

    func write(_ text: String, to path: String) throws {
        try write(Array(text.utf8), to: path)
    }

    func write(_ bytes: [UInt8], to path: String) throws {
        let parts = "\(root)/\(path)".split(separator: "/").map { String($0) }
        try Folder.make(path: "/" + parts.dropLast().joined(separator: "/"), permissions: 0o700)
            .writeDurably(parts.last ?? "", bytes, permissions: 0o600, replacing: true)
    }

    func read(_ path: String) throws -> String {
        let bytes = try Descriptor.open("\(root)/\(path)").readAll(limit: 1 << 24)
        return String(decoding: bytes, as: UTF8.self)
    }

    func exists(_ path: String) -> Bool { access("\(root)/\(path)", F_OK) == 0 }

    /// The recordings in the spool.
    func recordings() throws -> [String] { try SpoolFolder.recordings(spool) }

    /// The leaves of a recording's log in the spool, in JSON lines.
    func leaves(_ recording: String) throws -> [String] {
        try read("var/lib/lenscap/spool/\(recording)/log").split(separator: "\n").map { String($0) }
    }

    /// Why a recording in the spool ended; nil while its log has no end.
    func ending(_ recording: String) throws -> String? {
        let log = try Folder(path: spool).folder(recording)
        return try RecordingLog(reading: log, recording: recording).end?.reason
    }

    /// How many leaves a recording's checkpoint in the spool says that it covers.
    func signedLeaves(_ recording: String) throws -> Int? {
        try read("var/lib/lenscap/spool/\(recording)/checkpoint").split(separator: "\n")
            .dropFirst().first.flatMap { Int($0) }
    }

    /// Mounts a disk of its own at a path below the root.
    func mount(_ path: String, options: String) throws {
        _ = try Folder.make(path: path, permissions: 0o700)
        try Tool.succeed("mount", ["-t", "tmpfs", "-o", options, "lenscap-e2e", path])
        mounts.append(path)
    }

    // MARK: Processes

    @discardableResult
    func start(_ program: String, _ arguments: [String] = []) throws -> Daemon {
        let log = try Descriptor.open(
            "\(root)/\(program).output",
            [.write, .create, .append],
            permissions: 0o600
        )
        let daemon = try Daemon(program, ["--root", root] + arguments, log: log)
        daemons.append(daemon)
        return daemon
    }

    /// Starts the authority and waits until it listens.
    @discardableResult
    func startAuthority() throws -> Daemon {
        let authority = try start("lenscapd")
        try eventually("lenscapd's sockets") {
            if !authority.isRunning { throw Failure("lenscapd ended: \(said("lenscapd"))") }
            return (try? VarlinkClient(path: "\(root)/run/lenscap/audit.sock")) != nil
        }
        return authority
    }

    /// What a daemon has printed.
    func said(_ program: String) -> String { (try? read("\(program).output")) ?? "" }

    /// Runs `lenscap` for this box.
    func lenscap(_ arguments: String..., input: String = "") throws -> Outcome {
        try Programs.run("lenscap", arguments + ["--root", root], input: input)
    }

    /// Runs `lenscap`, which must do what it is told.
    @discardableResult
    func succeed(_ arguments: String...) throws -> Outcome {
        let outcome = try Programs.run("lenscap", arguments + ["--root", root])
        guard outcome.code == 0 else { throw Failure("lenscap \(arguments): \(outcome)") }
        return outcome
    }

    func deliver() throws -> Outcome {
        try Programs.run("lenscap-uploader", ["--root", root, "--once"])
    }

    /// The processes whose command line names this folder.
    func processes(_ program: String = "") -> [Int32] {
        guard let folder = try? Folder(path: "/proc"), let names = try? folder.names() else {
            return []
        }
        return names.compactMap { Int32($0) }.filter { identifier in
            guard let file = try? Descriptor.open("/proc/\(identifier)/cmdline"),
                let bytes = try? file.readAll(limit: 1 << 16)
            else { return false }
            let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return words.contains(root) && words.contains { $0.hasSuffix(program) }
                && identifier != CurrentProcess.identifier
        }
    }

    /// The one recorder that runs.
    func recorder() throws -> Int32 {
        try eventually("the recorder's process") { self.processes("/lenscap-recorder").first }
    }

    /// Whether the lock that a recorder holds for life is free.
    func isRecorderLockFree() throws -> Bool {
        try Descriptor.open("\(root)/run/lenscap/recorder.lock", .readWrite).tryLock()
    }

    func close() {
        for daemon in daemons { daemon.end() }
        for identifier in processes() {
            Issue.record("process \(identifier) outlived the programs that were ended")
            kill(identifier, SIGKILL)
        }
        for mount in mounts { _ = try? Tool.succeed("umount", ["-l", mount]) }
        _ = try? Tool.succeed("rm", ["-rf", root])
    }

    // MARK: A lesson

    /// How the box says that it fares.
    func health() throws -> StatusInterface.Health {
        let outcome = try succeed("status", "--json")
        return try MessageJSON.decode(StatusInterface.Health.self, from: Array(outcome.output.utf8))
    }

    /// Starts a lesson as a teacher does; the recording's identifier.
    @discardableResult
    func startLesson(_ options: String...) throws -> String {
        let outcome = try Programs.run(
            "lenscap",
            ["start", "--detach", "--yes", "--root", root] + options
        )
        guard outcome.code == 0, let recording = outcome.value("recording") else {
            throw Failure("lenscap start: \(outcome)\(said("lenscapd"))")
        }
        return recording
    }

    func waitForCommitted(_ seconds: Int64) throws {
        try eventually("\(seconds) recorded seconds") {
            let health = try self.health()
            if health.state == "idle" { throw Failure("the lesson ended: \(health.problems)") }
            return (health.committedSeconds ?? 0) >= seconds
        }
    }

    func waitForIdle() throws {
        try eventually("the end of the session") { try self.health().state == "idle" }
    }

    /// Stops and waits until everything is sealed.
    func stopLesson() throws {
        try succeed("stop")
        try waitForIdle()
    }
}

/// A classroom for one test; what the box said is shown when the test fails.
func withClassroom(_ body: (Classroom) throws -> Void) throws {
    let classroom = try Classroom()
    defer { classroom.close() }
    do {
        try body(classroom)
    } catch {
        Issue.record("\(error)\nlenscapd said: \(classroom.said("lenscapd"))")
    }
}
