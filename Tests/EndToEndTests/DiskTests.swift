import Authority
import Glibc
import LinuxSystem
import Testing

extension EndToEndTests {
    @Suite struct Disks {
        /// Without root nobody may mount a disk for a test.
        private static var isRoot: Bool { geteuid() == 0 }

        @Test("A spool that cannot be written refuses the start and names it")
        func unwritable() throws {
            try withClassroom { room in
                try room.startAuthority()
                _ = try School(room)
                try Tool.succeed("rmdir", [room.spool])
                try room.write("", to: "var/lib/lenscap/spool")
                let outcome = try room.lenscap("start", "--yes")
                #expect(outcome.code == 69)
                #expect(outcome.sentence.contains("\(room.spool)"), "\(outcome)")
                #expect(outcome.sentence.contains("Not a directory"), "\(outcome)")
                #expect(try room.health().problems.contains { $0.code == "spool" })
                try Tool.succeed("rm", [room.spool])
                _ = try Folder.make(path: room.spool, permissions: 0o700)
                try room.startLesson()
                try room.stopLesson()
            }
        }

        @Test("A read-only spool refuses the start", .enabled(if: isRoot, "mounting needs root"))
        func readOnly() throws {
            try withClassroom { room in
                try room.mount(room.spool, options: "size=1g")
                try room.startAuthority()
                _ = try School(room)
                try Tool.succeed("mount", ["-o", "remount,ro", room.spool])
                let outcome = try room.lenscap("start", "--yes", "--duration", "60")
                #expect(outcome.code == 69)
                #expect(outcome.sentence.contains("Read-only file system"), "\(outcome)")
                #expect(room.processes("/lenscap-recorder") == [])
            }
        }

        @Test(
            "A lesson that may not fit is refused with what it needs and what is free",
            .enabled(if: isRoot, "mounting needs root")
        )
        func admission() throws {
            try withClassroom { room in
                try room.mount(room.spool, options: "size=16m")
                try room.startAuthority()
                _ = try School(room)
                // 60 s × (2 × 100 + 32) kbit/s × 1.25, and the reserve.
                let needed = 60 * 232_000 / 8 * 5 / 4 + 1_000_000
                try fill(room, leaving: needed - 100_000)
                let free = try room.health().diskFree
                let refused = try room.lenscap("start", "--yes", "--duration", "60")
                #expect(refused.code == 69)
                #expect(
                    refused.sentence == "lenscap: The lesson may need \(needed) bytes and "
                        + "\(free) are free; let the uploader deliver what waits."
                )
                #expect(try room.recordings() == [])
                try fill(room, leaving: needed + 100_000)
                try room.startLesson("--duration", "60")
                try room.stopLesson()
            }
        }

        @Test(
            "A disk that runs low ends the lesson cleanly, and what was sealed is delivered",
            .enabled(if: isRoot, "mounting needs root")
        )
        func runsLow() throws {
            try withClassroom { room in
                try room.mount(room.spool, options: "size=16m")
                try room.startAuthority()
                let school = try School(room)
                let recording = try room.startLesson("--duration", "60")
                try room.waitForCommitted(4)
                try fill(room, leaving: 300_000)
                try room.waitForIdle()
                #expect(try room.ending(recording) == "space")
                #expect(room.exists("var/lib/lenscap/spool/\(recording)/summary.json.age"))
                #expect(try room.health().problems.contains { $0.code == "space" })
                #expect(try room.succeed("log").output.contains("space"))
                try judge(room, school, recording, end: "space")
                try fill(room, leaving: 8_000_000)
                try room.startLesson("--duration", "60")
                try room.stopLesson()
            }
        }

        @Test(
            "A disk that is suddenly full loses nothing that was sealed before",
            .enabled(if: isRoot, "mounting needs root")
        )
        func runsFull() throws {
            try withClassroom { room in
                try room.mount(room.spool, options: "size=16m")
                let authority = try room.startAuthority()
                let school = try School(room)
                let recording = try room.startLesson("--duration", "60")
                try room.waitForCommitted(4)
                try fill(room, leaving: 0)
                try room.waitForIdle()
                // A short last line may still have found room.
                let ending = try room.ending(recording)
                #expect(ending == nil || ending == "space")
                try fill(room, leaving: 8_000_000)
                authority.signal(SIGTERM)
                #expect(try authority.waitForEnd() == .exited(0))
                try room.startAuthority()
                try eventually("the recording's signed end") {
                    try room.ending(recording) != nil
                        && room.signedLeaves(recording) == room.leaves(recording).count
                }
                let end = try #require(try room.ending(recording))
                #expect(["space", "interrupted"].contains(end))
                try judge(room, school, recording, end: end)
            }
        }

        /// Makes or changes a file so that the spool has this many bytes free, nearly.
        private func fill(_ room: Classroom, leaving bytes: Int) throws {
            let path = "\(room.spool)/filler"
            let file = try Descriptor.open(path, [.write, .create], permissions: 0o600)
            try file.truncate(to: 0)
            let available = try Folder(path: room.spool).space().available
            let wanted = max(0, available - bytes)
            // The disk may fill up on the way while a lesson writes to it.
            _ = try? file.writeAll([UInt8](repeating: 0, count: wanted))
            if bytes == 0 { while (try? file.writeAll([0])) != nil {} }
        }

        private func judge(
            _ room: Classroom,
            _ school: School,
            _ recording: String,
            end: String
        ) throws {
            let delivery = try room.deliver()
            #expect(delivery.code == 0, "\(delivery)")
            let delivered = try school.delivered(recording)
            let sealed = try Judge.delivered(delivered, room)
            #expect(sealed >= 4)
            let lesson = "\(room.root)/lesson.mp4"
            let opened = try room.succeed("open", delivered, "-o", lesson)
            #expect(opened.value("ended") == end)
            #expect(try Judge.film(lesson).seconds >= 4)
        }
    }

    @Suite struct Accounts {
        @Test("An account that is away is said, the recording kept, and delivered when it is back")
        func away() throws {
            try withClassroom { room in
                try room.startAuthority()
                let school = try School(room)
                let recording = try room.startLesson()
                try room.stopLesson()
                let sentence = "the account's folder is not there or lacks its marker file"
                // An unmounted disk: the folder is there and empty.
                try Folder(path: room.account).remove(".lenscap-account")
                try refuse(room, sentence)
                #expect(try Folder(path: room.account).names() == [])
                // A folder that is not there.
                try Tool.succeed("rmdir", [room.account])
                try refuse(room, sentence)

                let uploader = try room.start("lenscap-uploader")
                try eventually("two failed tries") {
                    try room.health().backlog.nextTry != nil && uploader.isRunning
                }
                #expect(try room.recordings() == [recording])
                try room.write("", to: "account/.lenscap-account")
                #expect(try uploader.waitForEnd() == .exited(0))
                try eventually("an empty spool") { try room.recordings().isEmpty }
                let backlog = try room.health().backlog
                #expect(backlog.lastError == nil && backlog.recordings == 0)
                try room.succeed("open", "--check", try school.delivered(recording))
            }
        }

        private func refuse(_ room: Classroom, _ sentence: String) throws {
            let outcome = try room.deliver()
            #expect(outcome.code == 1)
            #expect(outcome.errors == "Error: \(sentence)\n")
            #expect(try room.read("run/lenscap/uploader.json").contains(sentence))
            let backlog = try room.health().backlog
            #expect(backlog.lastError == sentence && backlog.recordings == 1)
            #expect(backlog.objects >= 5)
            let status = try room.succeed("status").output
            #expect(status.contains(" bytes: \(sentence)\n"))
        }

        @Test("Until the hold is over nothing leaves the box")
        func hold() throws {
            try withClassroom { room in
                try room.startAuthority()
                _ = try School(room) { $0.holdMinutes = 15 }
                try room.startLesson()
                try room.stopLesson()
                let outcome = try room.deliver()
                #expect(outcome.code == 1)
                #expect(try Folder(path: room.account).names() == [".lenscap-account"])
                #expect(try room.health().backlog.nextTry != nil)
            }
        }
    }
}
