internal import LinuxSystem

/// How a recorder comes to be: systemd starts one for each connection, or, below a `--root`, the
/// authority spawns it with one end of a socket pair.
///
/// The protocol is the same.
package enum RecorderLauncher: Sendable {
    case socket(path: String)
    case spawn(program: String, root: String)

    /// A connection to a new recorder, and the process if it is a child.
    func launch() throws(SystemError) -> RecorderConnection {
        switch self {
        case .socket(let path):
            return RecorderConnection(socket: try UnixSocket.connect(path: path), child: nil)
        case .spawn(let program, let root):
            let pair = try UnixSocket.pair()
            let child = try ChildProcess(
                program,
                ["--root", root, "--connection", "3"],
                descriptors: [(3, pair.far.raw)]
            )
            // The ends of a pair cannot leave it one by one; a second descriptor can.
            return RecorderConnection(socket: try pair.near.duplicate(), child: child)
        }
    }
}

struct RecorderConnection: ~Copyable {
    let socket: Descriptor
    let child: ChildProcess?
}

/// Whether a recorder process lives, told by the lock that it holds for life.
package struct RecorderLock: Sendable {
    private let path: String

    package init(path: String) {
        self.path = path
    }

    /// True when no recorder holds the lock.
    ///
    /// Any doubt says false: a recorder may live.
    package func isFree() -> Bool {
        do throws(SystemError) {
            let file = try Descriptor.open(path, [.readWrite, .create], permissions: 0o660)
            return try file.tryLock()
        } catch {
            return false
        }
    }
}
