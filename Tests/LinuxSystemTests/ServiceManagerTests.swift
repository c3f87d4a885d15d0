internal import Glibc
internal import LinuxSystem
internal import TestSupport
internal import Testing

@Suite struct ServiceManagerTests {
    private static func manager(
        _ environment: [String: String],
        process: Int32 = 42
    ) -> ServiceManager {
        ServiceManager(environment: { environment[$0] }, process: process)
    }

    @Test(
        "Word arrives at a socket with a path and at one without a file",
        arguments: [false, true]
    )
    func notify(_ isAbstract: Bool) throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/notify"
        let address = isAbstract ? "@" + path.dropFirst() : path
        let receiver = try Self.receiver(at: address)
        let manager = Self.manager(["NOTIFY_SOCKET": address])
        try manager.notify("READY=1")
        try manager.notify("STATUS=Recording\nWATCHDOG=1")
        #expect(try Self.received(receiver) == "READY=1")
        #expect(try Self.received(receiver) == "STATUS=Recording\nWATCHDOG=1")
    }

    @Test("Without a service manager nothing is sent and nothing fails")
    func alone() throws {
        try Self.manager([:]).notify("READY=1")
        try Self.manager(["NOTIFY_SOCKET": ""]).notify("READY=1")
    }

    @Test(
        "A socket that is not there, or of another kind, is an error",
        arguments: ["/nonexistent/notify", "@nobody-listens-here", "vsock:2:1234", "relative"]
    )
    func unreachable(_ address: String) {
        #expect(throws: SystemError.self) {
            try Self.manager(["NOTIFY_SOCKET": address]).notify("READY=1")
        }
    }

    @Test("The watchdog is fed twice as often as it bites")
    func watchdog() {
        let watched = Self.manager(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "42"])
        #expect(watched.watchdogInterval == 15_000_000_000)
        #expect(Self.manager(["WATCHDOG_USEC": "3"]).watchdogInterval == 1500)
    }

    @Test(
        "No watchdog: none, another process's, or nonsense",
        arguments: [
            [:], ["WATCHDOG_PID": "42"], ["WATCHDOG_USEC": "0"], ["WATCHDOG_USEC": "-5"],
            ["WATCHDOG_USEC": "soon"], ["WATCHDOG_USEC": "9223372036854775807"],
            ["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "43"],
            ["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "x"],
        ]
    )
    func unwatched(_ environment: [String: String]) {
        #expect(Self.manager(environment).watchdogInterval == nil)
    }

    /// A datagram socket as systemd has it.
    private static func receiver(at address: String) throws -> Descriptor {
        let receiver = Descriptor(adopting: socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0))
        var target = sockaddr_un()
        target.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(address.utf8)
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &target.sun_path) { $0.copyBytes(from: bytes) }
        let start = MemoryLayout.size(ofValue: target) - MemoryLayout.size(ofValue: target.sun_path)
        let length = socklen_t(start + bytes.count)
        let result = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(receiver.raw, $0, length)
            }
        }
        try #require(result == 0)
        try receiver.setNonBlocking()
        return receiver
    }

    /// The next datagram; a local one is there as soon as it was sent.
    private static func received(_ receiver: borrowing Descriptor) throws(SystemError) -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        var span = bytes.mutableSpan
        let count = try span.withUnsafeMutableBytes { (buffer) throws(SystemError) in
            try receiver.read(into: buffer)
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
