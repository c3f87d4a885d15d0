import Glibc
import LinuxSystem
import Testing

extension EndToEndTests {
    /// What the processes that hold secrets let out of their memory, seen while they work.
    @Suite struct Memory {
        /// A line of `/proc/PID/status`, its value without the unit.
        private func status(_ process: Int32, _ name: String) throws -> Int {
            let text = try Descriptor.open("/proc/\(process)/status").readAll(limit: 1 << 16)
            for line in String(decoding: text, as: UTF8.self).split(separator: "\n")
            where line.hasPrefix("\(name):") {
                let value = line.dropFirst(name.utf8.count + 1).split(separator: "\t").last ?? ""
                let digits = value.drop { $0 == " " }.prefix { $0 != " " }
                if let number = Int(digits) { return number }
            }
            throw Failure("/proc/\(process)/status has no \(name)")
        }

        /// Names of core files in a folder.
        private func cores(_ folder: String) throws -> [String] {
            try Folder(path: folder).names().filter { $0.hasPrefix("core") }
        }

        /// Whether this machine writes a core file of an ordinary process that aborts, where it ran.
        private static let dumpsOthers: Bool = {
            let script = """
                cd "$(mktemp -d)" || exit; ulimit -c unlimited; sleep 60 & kill -ABRT $!; wait
                ls core* >/dev/null; status=$?; rm -r "$PWD"; exit $status
                """
            return (try? Tool.run("sh", ["-c", script]).code) == 0
        }()

        @Test("Recorder and authority are not dumped, not swapped, and lock what they may")
        func secret() throws {
            try withClassroom { room in
                let authority = try room.startAuthority()
                _ = try School(room)
                try room.startLesson()
                let processes = [authority.identifier, try room.recorder()]
                for process in processes { #expect(try status(process, "VmSwap") == 0) }
                // On a box that is all of it; anywhere it is at least the keys.
                for process in processes { #expect(try status(process, "VmLck") > 0) }
                try room.stopLesson()
            }
        }

        @Test(
            "Recorder and authority leave no core file where another process does",
            .enabled(if: dumpsOthers, "no process leaves a core file where it ran on this machine")
        )
        func cores() throws {
            try withClassroom { room in
                let authority = try room.startAuthority()
                _ = try School(room)
                // The recorder inherits the limit.
                let process = "\(authority.identifier)"
                try Tool.succeed("prlimit", ["--pid", process, "--core=unlimited:unlimited"])
                try room.startLesson()
                let recorder = try room.recorder()
                let folder = try SymbolicLink.target(of: "/proc/\(recorder)/cwd")
                let before = try cores(folder)
                #expect(kill(recorder, SIGABRT) == 0)
                try room.waitForIdle()
                authority.signal(SIGABRT)
                #expect(try authority.waitForEnd() == .signalled(SIGABRT))
                #expect(try cores(folder) == before)
            }
        }
    }
}
