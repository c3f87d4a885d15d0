import Consent
import Glibc
import LinuxSystem
import Testing

extension EndToEndTests {
    @Suite struct Processes {
        @Test("An authority that is told to end ends the lesson cleanly first")
        func shutdown() throws {
            try withClassroom { room in
                let authority = try room.startAuthority()
                let school = try School(room)
                let recording = try room.startLesson()
                try room.waitForCommitted(2)
                authority.signal(SIGTERM)
                #expect(try authority.waitForEnd() == .exited(0))
                #expect(room.processes("/lenscap-recorder") == [])
                #expect(try room.ending(recording) == "shutdown")
                let status = try room.lenscap("status")
                #expect(status.code == 69)
                try open(room, school, recording, end: "shutdown", atLeast: 2)
            }
        }

        @Test("With the authority killed the recorder ends, and the next authority seals the end")
        func authorityKilled() throws {
            try withClassroom { room in
                let authority = try room.startAuthority()
                let school = try School(room)
                let recording = try room.startLesson()
                try room.waitForCommitted(4)
                _ = try room.recorder()
                authority.signal(SIGKILL)
                #expect(try authority.waitForEnd() == .signalled(SIGKILL))
                try eventually("the recorder's end", within: 5) {
                    room.processes("/lenscap-recorder").isEmpty
                }
                #expect(try room.isRecorderLockFree())
                let before = try room.leaves(recording)
                #expect(try room.ending(recording) == nil)
                // An unfinished recording is nobody's to send.
                _ = try room.deliver()
                #expect(try Folder(path: room.account).names() == [".lenscap-account"])

                try room.startAuthority()
                try eventually("the recording's end") {
                    try room.leaves(recording).count == before.count + 1
                }
                let after = try room.leaves(recording)
                #expect(Array(after.dropLast()) == before)
                #expect(try room.ending(recording) == "interrupted")
                try open(room, school, recording, end: "interrupted", atLeast: 4)
                try room.startLesson()
                try room.stopLesson()
            }
        }

        @Test("With the recorder killed the lesson ends as interrupted, and the next one starts")
        func recorderKilled() throws {
            try withClassroom { room in
                let authority = try room.startAuthority()
                let school = try School(room)
                let recording = try room.startLesson()
                try room.waitForCommitted(4)
                kill(try room.recorder(), SIGKILL)
                try room.waitForIdle()
                #expect(try room.ending(recording) == "interrupted")
                let next = try room.startLesson()
                #expect(next != recording)
                try room.stopLesson()
                #expect(authority.isRunning)
                try open(room, school, recording, end: "interrupted", atLeast: 4)
            }
        }

        @Test("A recorder that hears nothing of its authority any more closes its devices and ends")
        func authoritySuspended() throws {
            try withClassroom { room in
                let authority = try room.startAuthority()
                let school = try School(room)
                let recording = try room.startLesson()
                try room.waitForCommitted(4)
                _ = try room.recorder()
                authority.signal(SIGSTOP)
                try eventually("the recorder's end") { try room.isRecorderLockFree() }
                authority.signal(SIGCONT)
                try room.waitForIdle()
                #expect(try room.ending(recording) == "interrupted")
                try open(room, school, recording, end: "interrupted", atLeast: 4)
            }
        }

        @Test("A recorder that does not obey is ended, and Stop answers when it is gone")
        func recorderSuspended() throws {
            try withClassroom { room in
                try room.startAuthority()
                let school = try School(room)
                let recording = try room.startLesson()
                try room.waitForCommitted(4)
                kill(try room.recorder(), SIGSTOP)
                try room.succeed("stop")
                #expect(try room.isRecorderLockFree())
                try room.waitForIdle()
                #expect(try room.ending(recording) == "stopped")
                try open(room, school, recording, end: "stopped", atLeast: 4)
                try room.startLesson()
                try room.stopLesson()
            }
        }

        @Test("When Stop has answered no device is open, and the recorder ends")
        func stop() throws {
            try withClassroom { room in
                try room.startAuthority()
                _ = try School(room)
                try room.startLesson()
                try room.waitForCommitted(2)
                let recorder = try room.recorder()
                try room.succeed("stop")
                #expect(try room.health().sources.allSatisfy { !$0.inUse })
                try eventually("the recorder's end") { kill(recorder, 0) != 0 }
                try room.waitForIdle()
                #expect(try room.isRecorderLockFree())
            }
        }

        @Test("The room's closed time ends a lesson, and none starts in it")
        func closedTime() throws {
            try withClassroom { room in
                try room.startAuthority()
                let school = try School(room)
                // Counted from the record's own date where nothing keeps the clock right.
                try school.install { record in
                    let now = Clock.unixSeconds()
                    record.issued = now
                    record.sequence = 2
                    record.closedTimes = [RoomRecord.ClosedTime(from: now + 6, to: now + 86_400)]
                }
                let recording = try room.startLesson("--duration", "600")
                try room.waitForIdle()
                #expect(try room.ending(recording) == "closed-time")
                try open(room, school, recording, end: "closed-time", atLeast: 1)
                try school.install { record in
                    record.sequence = 3
                    record.closedTimes = [RoomRecord.ClosedTime(from: 1, to: 9_999_999_999)]
                }
                let outcome = try room.lenscap("start", "--yes")
                #expect(outcome.code == 77)
                #expect(
                    outcome.sentence
                        == "lenscap: The room is closed for recording at this time. [closed]"
                )
            }
        }

        @Test("A lesson does not end with the client that started it")
        func client() throws {
            try withClassroom { room in
                try room.startAuthority()
                _ = try School(room)
                let recording = try following(room) { client in
                    client.signal(SIGKILL)
                    _ = try client.waitForEnd()
                }
                let committed = try room.health().committedSeconds ?? 0
                try room.waitForCommitted(committed + 2)
                #expect(try room.recordings() == [recording])
                try room.stopLesson()
            }
        }

        @Test("A client that stays sees the lesson to its end, and Ctrl-C stops it")
        func interrupt() throws {
            try withClassroom { room in
                try room.startAuthority()
                _ = try School(room)
                let recording = try following(room) { client in
                    client.signal(SIGINT)
                    let status = try client.waitForEnd()
                    #expect(status == .exited(0))
                }
                #expect(room.said("lenscap").hasSuffix("recording \(recording)\nended: stopped\n"))
                #expect(try room.ending(recording) == "stopped")
            }
        }

        /// Starts a lesson with a command that stays; the recording.
        private func following(_ room: Classroom, _ body: (Daemon) throws -> Void) throws -> String
        {
            let log = try Descriptor.open(
                "\(room.root)/lenscap.output",
                [.write, .create, .append],
                permissions: 0o600
            )
            let client = try Daemon("lenscap", ["start", "--yes", "--root", room.root], log: log)
            defer { client.end() }
            try eventually("the lesson") { room.said("lenscap").contains("\nrecording ") }
            try body(client)
            return try #require(room.recordings().first)
        }

        @Test("Twenty lessons leave the authority no more descriptors and memory than two")
        func cycles() throws {
            try withClassroom { room in
                let authority = try room.startAuthority()
                _ = try School(room)
                var before: Usage?
                for lesson in 1...20 {
                    try room.startLesson()
                    try room.stopLesson()
                    if lesson == 2 { before = try settled(authority) }
                }
                let after = try settled(authority)
                let first = try #require(before)
                #expect(after.descriptors == first.descriptors)
                #expect(after.threads == first.threads)
                #expect(after.kilobytes < first.kilobytes + 6_000, "\(first) \(after)")
                #expect(try room.recordings().count == 20)
            }
        }

        private struct Usage {
            let descriptors: Int
            let kilobytes: Int
            let threads: Int
        }

        /// What a process holds once its clients are gone.
        private func settled(_ daemon: Daemon) throws -> Usage {
            var last = -1
            let path = "/proc/\(daemon.identifier)"
            let descriptors = try eventually("a steady number of descriptors") { () -> Int? in
                let count = try Folder(path: "\(path)/fd").names().count
                defer { last = count }
                return count == last ? count : nil
            }
            let status = try Tool.succeed("cat", ["\(path)/status"])
            func value(_ key: String) -> Int {
                let line = status.split(separator: "\n").first { $0.hasPrefix(key + ":") }
                return Int(line?.filter { $0.isNumber } ?? "") ?? 0
            }
            return Usage(
                descriptors: descriptors,
                kilobytes: value("VmRSS"),
                threads: value("Threads")
            )
        }

        private func open(
            _ room: Classroom,
            _ school: School,
            _ recording: String,
            end: String,
            atLeast seconds: Double
        ) throws {
            let delivery = try room.deliver()
            #expect(delivery.code == 0, "\(delivery)")
            let delivered = try school.delivered(recording)
            #expect(try Judge.delivered(delivered, room) >= 3)
            let lesson = "\(room.root)/\(recording).mp4"
            let opened = try room.succeed("open", delivered, "-o", lesson)
            #expect(opened.value("ended") == end)
            #expect(try Judge.film(lesson).seconds >= seconds)
        }
    }
}
