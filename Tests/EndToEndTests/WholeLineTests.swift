import LinuxSystem
import Testing

extension EndToEndTests {
    @Suite struct WholeLine {
        @Test("A school, a room and a teacher enrol, record, deliver and open by commands alone")
        func line() throws {
            try withClassroom { room in
                try enrol(room)
                let first = try recordDetached(room)
                let second = try recordWithSigner(room)
                #expect(try Judge.plaintext(below: room.root) == [])
                let delivery = try room.deliver()
                #expect(delivery.code == 0, "\(delivery)")
                try eventually("an empty spool") { try room.recordings().isEmpty }
                let teacher = try #require(room.succeed("card", "show").value("teacher"))
                let account = "\(room.account)/\(teacher)"
                try judge(room, "\(account)/\(first)", first, atLeast: 4)
                try judge(room, "\(account)/\(second)", second, atLeast: 2)
            }
        }

        /// What each person does, in the order of the README.
        private func enrol(_ room: Classroom) throws {
            let root = room.root
            try room.write("Lessons belong to their teachers.\n", to: "agreement.md")
            try room.write("", to: "account/.lenscap-account")
            try run("key", "new", "--output", "\(root)/registrar.pem")
            try run("key", "new", "--output", "\(root)/union.pem", "--algorithm", "ES256")
            try room.succeed("key", "new")
            let records = "\(root)/records"
            _ = try Folder.make(path: "\(records)/cards", permissions: 0o700)
            try run(
                "trust",
                "make",
                "--member",
                "registrar=\(root)/registrar.pem",
                "--member",
                "representative=\(root)/union.pem",
                "--threshold",
                "2",
                "-o",
                "\(records)/authorities.json"
            )
            try approve("trust", "\(records)/authorities.json", room)

            try room.startAuthority()
            try room.write(try room.succeed("box", "show").output, to: "box.jwk")
            try run(
                "room",
                "make",
                "--box",
                "\(root)/box.jwk",
                "--room",
                "Room 12",
                "--camera",
                "front",
                "--microphone",
                "desk",
                "--authorities",
                "\(records)/authorities.json",
                "--agreement",
                "\(root)/agreement.md",
                "--hold",
                "0",
                "-o",
                "\(records)/room.json"
            )
            try approve("room", "\(records)/room.json", room)
            let shown = try run("room", "show", "\(records)/room.json")
            #expect(shown.value("room") == "Room 12")
            #expect(shown.value("signatures") == "2")
            #expect(shown.output.contains("front (camera)"))

            try room.succeed(
                "card",
                "make",
                "--account",
                "file://\(room.account)",
                "--agreement",
                "\(root)/agreement.md",
                "--trained",
                "2026-01-15",
                "--expires",
                "2099-08-31",
                "--output",
                "\(records)/cards/card.json",
                "--yes"
            )
            try refuseUnapproved(room)
            try approve("card", "\(records)/cards/card.json", room)
            let card = try room.succeed("card", "show", "\(records)/cards/card.json")
            #expect(card.value("signatures") == "3, the teacher's among them")
            #expect(card.value("account") == "directory file://\(room.account)")
            #expect(card.value("trained") == "2026-01-15")
            #expect(card.value("expires") == "2099-08-31")

            let imported = try room.succeed("trust", "import", records)
            #expect(imported.output == "room Room 12, 1 cards\n")
            #expect(try room.succeed("trust", "import", records).output == imported.output)
            try room.succeed(
                "room",
                "import",
                "--authorities",
                "\(records)/authorities.json",
                "\(records)/room.json"
            )
        }

        /// Nothing is installed before enough of the authorities signed it.
        private func refuseUnapproved(_ room: Classroom) throws {
            let outcome = try room.lenscap("trust", "import", room.records)
            #expect(outcome.code == 77)
            #expect(
                outcome.sentence == "not installed: card.json: The document has 0 of 2 signatures "
                    + "that it needs; ask the authorities to approve it."
            )
        }

        private func approve(_ kind: String, _ file: String, _ room: Classroom) throws {
            for key in ["registrar.pem", "union.pem"] {
                try run(kind, "approve", "--key", "\(room.root)/\(key)", file)
            }
            // Once more changes nothing.
            try run(kind, "approve", "--key", "\(room.root)/registrar.pem", file)
        }

        private func recordDetached(_ room: Classroom) throws -> String {
            let recording = try room.startLesson("--duration", "600", "--purpose", "coaching")
            try room.waitForCommitted(4)
            let health = try room.health()
            #expect(health.state == "recording")
            #expect(health.lamp == "none")
            let camera = try #require(health.sources.first { $0.name == "front" })
            // The recorder reports each second, so the count may be a second behind the segments.
            #expect(camera.inUse && camera.kind == "camera")
            #expect(camera.frames >= 40, "of 60 in four seconds")
            #expect(try Judge.plaintext(below: room.root) == [])
            let stop = try room.succeed("stop")
            #expect(stop.output == "stopped: every device is closed\n")
            try room.waitForIdle()
            #expect(try room.succeed("stop").output == "nothing was being recorded\n")
            #expect(try room.recordings() == [recording])
            #expect(try room.health().backlog.recordings == 1)
            return recording
        }

        private func recordWithSigner(_ room: Classroom) throws -> String {
            let command = "'\(try Programs.path("lenscap"))' sign --yes --root '\(room.root)'"
            let recording = try room.startLesson("--sign-with", command)
            try room.waitForCommitted(2)
            try room.stopLesson()
            return recording
        }

        private func judge(
            _ room: Classroom,
            _ delivered: String,
            _ recording: String,
            atLeast seconds: Double
        ) throws {
            let sealed = try Judge.delivered(delivered, room)
            #expect(sealed >= 4)
            let checked = try room.succeed("open", "--check", delivered)
            #expect(checked.value("lesson") == nil)
            let lesson = "\(room.root)/\(recording).mp4"
            let opened = try room.succeed("open", delivered, "-o", lesson)
            #expect(opened.value("recording") == recording)
            #expect(opened.value("room") == "Room 12")
            #expect(opened.value("ended") == "stopped")
            #expect(opened.value("verified") == checked.value("verified"))
            let film = try Judge.film(lesson)
            #expect(film.video == "h264" && film.size == "320x240" && film.audio == "aac")
            #expect(film.seconds >= seconds)
            if opened.value("gap") == nil {
                #expect(abs(Double(film.pictures) / 15 - film.seconds) < 0.25, "\(film)")
            }
            #expect(try Judge.plaintext(below: room.root, lesson: lesson) == [])
            let each = try room.succeed("open", delivered, "-o", lesson, "--each-camera")
            let front = "\(room.root)/\(recording)-front.mp4"
            #expect(each.value("lesson") == front)
            #expect(try Judge.film(front) == film)
        }

        /// `lenscap` without a folder.
        @discardableResult
        private func run(_ arguments: String...) throws -> Outcome {
            let outcome = try Programs.run("lenscap", arguments)
            guard outcome.code == 0 else { throw Failure("lenscap \(arguments): \(outcome)") }
            return outcome
        }

        @Test("Opening says what is missing or altered, and fails")
        func missing() throws {
            try withClassroom { room in
                try room.startAuthority()
                let school = try School(room)
                let recording = try room.startLesson()
                try room.waitForCommitted(4)
                try room.stopLesson()
                #expect(try room.deliver().code == 0)
                let delivered = try school.delivered(recording)
                let names = try Folder(path: delivered).names()
                let first = try #require(names.first { $0.hasPrefix("000001.m4s.age-") })
                let second = try #require(names.first { $0.hasPrefix("000002.m4s.age-") })
                try Folder(path: delivered).remove(first)
                try Tool.succeed("truncate", ["-s", "-1", "\(delivered)/\(second)"])
                let opened = try room.lenscap("open", "--check", delivered)
                #expect(opened.code == 1)
                let size = try Folder(path: delivered).file(second).status().size
                #expect(
                    opened.errors == """
                        problem   000001.m4s.age (0.0 s to 2.0 s) is missing
                        problem   000002.m4s.age (2.0 s to 4.0 s) is truncated: \(size) of \(size + 1) \
                        bytes are there

                        """
                )
                try room.write("", to: "stranger/x")
                try Tool.succeed("age-keygen", ["-o", "\(room.root)/stranger/identity.txt"])
                let foreign = try room.lenscap(
                    "open",
                    delivered,
                    "--check",
                    "--identity",
                    "\(room.root)/stranger/identity.txt"
                )
                #expect(foreign.code == 1)
                #expect(
                    foreign.sentence == "lenscap: no identity here opens this recording: "
                        + "it is sealed to another teacher"
                )
                let nothing = try room.lenscap("open", room.account, "--check")
                #expect(nothing.code == 1)
                #expect(
                    nothing.sentence == "lenscap: \(room.account) holds no recording: its log is "
                        + "missing. Give the folder that is named by 32 hexadecimal digits."
                )
            }
        }
    }
}
