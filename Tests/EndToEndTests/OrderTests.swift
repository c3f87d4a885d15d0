import Glibc
import LinuxSystem
import Testing

extension EndToEndTests {
    @Suite struct OrdersAndLog {
        @Test("A cut takes whole segments out, while it records and afterwards, and open says so")
        func cut() throws {
            try withClassroom { room in
                try room.startAuthority()
                let school = try School(room)
                let recording = try room.startLesson()
                try room.waitForCommitted(6)
                let running = try room.succeed(
                    "cut",
                    recording,
                    "--from",
                    "0",
                    "--to",
                    "2",
                    "--yes"
                )
                #expect(running.output.contains("cut 1 segments; 0 had left the box before"))
                try room.stopLesson()
                try room.waitForIdle()
                let waiting = try room.succeed("cut", recording, "--from", "5", "--yes")
                #expect(waiting.output.contains("cut "))
                #expect(try !Folder(path: "\(room.spool)/\(recording)").contains("000001.m4s.age"))
                _ = try room.deliver()
                try Judge.signed(try school.delivered(recording), room)
                let opened = try room.lenscap(
                    "open",
                    try school.delivered(recording),
                    "-o",
                    "\(room.root)/cut.mp4"
                )
                #expect(opened.code == 0, "\(opened)")
                #expect(opened.output.contains("removed   0.0 s to 2.0 s, by the teacher"))
                #expect(!opened.errors.contains("problem"))
            }
        }

        @Test("A discard of the running lesson stops it, leaves a tombstone, and nothing is sent")
        func discard() throws {
            try withClassroom { room in
                try room.startAuthority()
                _ = try School(room)
                let recording = try room.startLesson()
                try room.waitForCommitted(2)
                let said = try room.succeed("discard", recording, "--yes")
                #expect(said.output.contains("0 had left the box before"))
                #expect(try Folder(path: room.spool).names() == ["\(recording).deleted"])
                try eventually("the recorder's end") {
                    room.processes("/lenscap-recorder").isEmpty
                }
                _ = try room.deliver()
                #expect(try Folder(path: room.account).names() == [".lenscap-account"])
                let again = try room.lenscap("discard", recording, "--yes")
                #expect(again.code == 69)
                #expect(again.sentence.contains("no such recording is on this box"))
                try room.startLesson()
                try room.stopLesson()
            }
        }

        @Test("A key that its teacher revoked stops the lesson and starts nothing, also later")
        func revoke() throws {
            try withClassroom { room in
                let authority = try room.startAuthority()
                _ = try School(room)
                let recording = try room.startLesson()
                try room.waitForCommitted(2)
                try room.succeed("revoke", "--yes")
                try room.waitForIdle()
                #expect(try room.ending(recording) == "revoked")
                let refused = try room.lenscap("start", "--detach", "--yes")
                #expect(refused.code == 77)
                #expect(refused.sentence.contains("[revoked]"))
                authority.signal(SIGTERM)
                _ = try authority.waitForEnd()
                try room.startAuthority()
                #expect(try room.lenscap("start", "--detach", "--yes").code == 77)
            }
        }

        @Test("The activation log tells every session, and anybody may check a copy of it")
        func log() throws {
            try withClassroom { room in
                let authority = try room.startAuthority()
                let school = try School(room)
                let recording = try room.startLesson()
                try room.waitForCommitted(2)
                try room.stopLesson()
                try room.waitForIdle()
                let copy = "\(room.root)/copy"
                try room.succeed("log", "--export", copy)
                _ = try room.deliver()
                try room.startLesson()
                try room.stopLesson()
                try room.waitForIdle()
                let tokens = try Folder(path: try school.delivered(recording)).names()
                    .filter { $0.hasPrefix("token.jws") }
                let verified = try room.succeed(
                    "log",
                    "--verify",
                    "--checkpoint",
                    "\(copy)/checkpoint",
                    "--tokens",
                    "\(try school.delivered(recording))/\(try #require(tokens.first))"
                )
                #expect(verified.output.contains("2 sessions"))
                #expect(verified.output.contains("1 tokens stand behind their sessions"))
                #expect(verified.output.contains("begins with the"))
                authority.signal(SIGTERM)
                _ = try authority.waitForEnd()
                try tamper(room, copy)
            }
        }

        /// A changed word is found in the copy by everybody, and in the log by the box itself.
        private func tamper(_ room: Classroom, _ copy: String) throws {
            let path = "copy/entries"
            let changed = try room.read(path).split(separator: "stopped", maxSplits: 1)
                .joined(separator: "stooped")
            try room.write(changed, to: path)
            let judged = try room.lenscap("log", "--from-copy", copy, "--verify")
            #expect(judged.code == 1)
            #expect(judged.sentence.contains("NOT what the box signed"))

            let own = "var/lib/lenscap/log/entries"
            let altered = try room.read(own).split(separator: "stopped", maxSplits: 1)
                .joined(separator: "stooped")
            try room.write(altered, to: own)
            try room.startAuthority()
            let refused = try room.lenscap("start", "--detach", "--yes")
            #expect(refused.code == 77)
            #expect(refused.sentence.contains("activation log was altered"))
        }

        @Test("A thousand silent and slow clients keep no teacher out")
        func thousandClients() throws {
            try withClassroom { room in
                try room.startAuthority()
                _ = try School(room)
                var silent: [Silent] = []
                for number in 0..<1000 {
                    silent.append(try Silent("\(room.root)/run/lenscap/teacher.sock"))
                    if number.isMultiple(of: 3) { silent[number].whisper() }
                }
                try room.startLesson()
                try room.waitForCommitted(2)
                try room.stopLesson()
                try room.waitForIdle()
                withExtendedLifetime(silent) {}
            }
        }

        private final class Silent {
            private let descriptor: Descriptor

            init(_ path: String) throws { descriptor = try UnixSocket.connect(path: path) }

            /// Half a message, if anybody still listens.
            func whisper() {
                _ = Array("{\"method\"".utf8).withUnsafeBytes { bytes in
                    try? UnixSocket.send(descriptor, bytes)
                }
            }
        }
    }
}
