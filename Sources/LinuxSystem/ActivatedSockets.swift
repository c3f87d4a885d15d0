internal import Glibc

/// The listening sockets that systemd hands over (`sd_listen_fds(3)`), by their names.
package enum ActivatedSockets {
    /// Takes them; empty when the process was not socket-activated.
    ///
    /// The environment variables are removed so that no child believes them.
    package static func take() -> [(name: String, raw: Int32)] {
        defer {
            unsetenv("LISTEN_PID")
            unsetenv("LISTEN_FDS")
            unsetenv("LISTEN_FDNAMES")
        }
        guard let owner = CurrentProcess.environment("LISTEN_PID"), Int32(owner) == getpid(),
            let text = CurrentProcess.environment("LISTEN_FDS"), let count = Int32(text), count > 0
        else { return [] }
        let names = (CurrentProcess.environment("LISTEN_FDNAMES") ?? "")
            .split(separator: ":", omittingEmptySubsequences: false)
        return (0..<count).map { index in
            let raw = 3 + index
            _ = fcntl(raw, F_SETFD, FD_CLOEXEC)
            return (Int(index) < names.count ? String(names[Int(index)]) : "unknown", raw)
        }
    }
}
