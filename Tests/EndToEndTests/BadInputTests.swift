import Authority
import Consent
import CryptoPrimitives
import LinuxSystem
import Testing

extension EndToEndTests {
    @Suite struct BadInput {
        @Test(
            "A configuration that cannot be understood is refused with its line, by each program",
            arguments: [
                (
                    "[encoder]\nspeed = 9\n",
                    "lenscap.toml:2: there is no speed; here can stand video, preset, bitrate, "
                        + "audio-bitrate, threads"
                ),
                (
                    "[upload]\n\nretry-minimum = \"soon\"\n",
                    "lenscap.toml:3: retry-minimum must be a whole number"
                ),
                (
                    "[consent]\nanybody = true\n",
                    "lenscap.toml:1: there is no [consent]; the tables are [paths], [encoder], "
                        + "[capture], [source.<name>], [lamp], [spool], [upload]"
                ),
            ]
        )
        func configuration(text: String, sentence: String) throws {
            try withClassroom { room in
                try room.configure(text)
                for program in ["lenscapd", "lenscap-uploader"] {
                    let outcome = try Programs.run(program, ["--root", room.root])
                    #expect(outcome.code == 1, "\(program)")
                    #expect(outcome.errors == "Error: \(sentence)\n", "\(program)")
                    #expect(outcome.output.isEmpty)
                }
                let status = try room.lenscap("status")
                #expect(status.code == 1)
                #expect(status.errors == "lenscap: \(sentence)\n")
                #expect(!room.exists("run/lenscap/teacher.sock"))
            }
        }

        @Test("A recorder that cannot understand the configuration opens nothing and says why")
        func recorderConfiguration() throws {
            try withClassroom { room in
                try room.startAuthority()
                let school = try School(room)
                let seat = try Seat(room, school)
                let (claims, details) = try seat.request()
                let token = try claims.token(by: try school.teacher.signingKey())
                try room.configure(Classroom.configuration + "[camera]\n")
                let sentence =
                    "lenscap.toml:20: there is no [camera]; the tables are [paths], [encoder], "
                    + "[capture], [source.<name>], [lamp], [spool], [upload]"
                let start = try room.lenscap("start", "--detach", "--yes")
                #expect(start.code == 1)
                #expect(start.sentence == "lenscap: \(sentence)")
                // The command reads the same file; the recorder is reached without it.
                #expect(
                    try seat.start(token, details)
                        == .refused(
                            name: TeacherInterface.name + ".DeviceUnavailable",
                            reason: "recorder",
                            message: sentence
                        )
                )
                try eventually("the recorder's end") {
                    room.processes("/lenscap-recorder").isEmpty
                }
            }
        }

        @Test("A device that is missing or no camera is named, and the next start is free")
        func devices() throws {
            try withClassroom { room in
                try room.configure(
                    Classroom.configuration + """
                        [source.gone]
                        device = "/dev/lenscap/none"

                        [source.null]
                        device = "/dev/null"

                        """
                )
                try room.startAuthority()
                _ = try School(room) { record in
                    record.sources += ["gone", "null", "unset"].map {
                        RoomRecord.Source(name: $0, kind: .camera)
                    }
                }
                for (camera, reason) in [
                    ("gone", "there is no camera at /dev/lenscap/none"),
                    ("null", "/dev/null is not a camera: it does not speak V4L2"),
                    ("unset", "there is no camera at /dev/lenscap/unset"),
                ] {
                    let outcome = try room.lenscap(
                        "start",
                        "--yes",
                        "--camera",
                        camera,
                        "--microphone",
                        "desk"
                    )
                    #expect(outcome.code == 69)
                    #expect(outcome.sentence == "lenscap: \(camera): \(reason) [device]")
                    try room.waitForIdle()
                }
                try room.startLesson("--camera", "front")
                try room.stopLesson()
                #expect(try room.deliver().code == 0)
            }
        }

        @Test("Of a hundred starts at once exactly one records")
        func hundred() throws {
            try withClassroom { room in
                try room.startAuthority()
                _ = try School(room)
                let lenscap = try Programs.path("lenscap")
                let script = """
                    for number in $(seq 100); do
                        ( "$0" start --detach --yes --root "$1" >"$1/$number" 2>&1; echo $? ) &
                    done
                    wait
                    """
                let codes = try Tool.succeed("sh", ["-c", script, lenscap, room.root])
                    .split(separator: "\n").sorted()
                #expect(codes.count == 100 && codes.count { $0 == "0" } == 1)
                // Busy, or more than 64 challenges open at once.
                #expect(codes.allSatisfy { ["0", "69", "77"].contains($0) }, "\(codes)")
                #expect(try room.recordings().count == 1)
                #expect(room.processes("/lenscap-recorder").count == 1)
                try room.stopLesson()
                #expect(try room.deliver().code == 0)
            }
        }

        @Test("A second start while one runs is Busy, and the first goes on")
        func busy() throws {
            try withClassroom { room in
                try room.startAuthority()
                _ = try School(room)
                let recording = try room.startLesson()
                let second = try room.lenscap("start", "--detach", "--yes")
                #expect(second.code == 69)
                #expect(
                    second.sentence == "lenscap: A lesson is being recorded here; "
                        + "stop it first or wait for its end."
                )
                let committed = try room.health().committedSeconds ?? 0
                try room.waitForCommitted(committed + 2)
                #expect(try room.recordings() == [recording])
                try room.stopLesson()
            }
        }

        @Test("Without signed records nothing starts, and the technician is told what to do")
        func unenrolled() throws {
            try withClassroom { room in
                try room.startAuthority()
                let outcome = try room.lenscap("start", "--yes")
                #expect(outcome.code == 77)
                #expect(
                    outcome.sentence == "lenscap: This box has no signed records yet "
                        + "(\(room.root)/etc/lenscap/trust/authorities.json is missing): a technician installs them with "
                        + "lenscap trust import. [not-enrolled]"
                )
                #expect(try room.health().problems.map(\.code) == ["not-enrolled"])
            }
        }

        @Test("A recipient that is no sound point cannot be enrolled")
        func recipient() throws {
            try withClassroom { room in
                try room.startAuthority()
                let school = try School(room)
                let good = try TeacherCard(reading: try school.teacher.card())
                // Points of low order: 0 and 1 (RFC 7748 §6.1).
                for first: UInt8 in [0, 1] {
                    let point = [first] + [UInt8](repeating: 0, count: 31)
                    let card = TeacherCard(
                        teacher: good.teacher,
                        key: good.key,
                        recipients: [Bech32.encode(prefix: "age", point)],
                        account: good.account,
                        agreement: good.agreement,
                        trained: good.trained,
                        issued: good.issued,
                        expires: good.expires
                    )
                    var document = try ThresholdDocument(payload: card.payload)
                    try document.sign(as: .card, with: try school.teacher.signingKey())
                    try room.write(document.bytes, to: "records/cards/teacher.json")
                    let sentence =
                        "The card names a recipient that is not a sound X25519 point."
                    for command in ["approve", "show"] {
                        let outcome =
                            command == "show"
                            ? try room.lenscap("card", "show", "\(room.records)/cards/teacher.json")
                            : try Programs.run(
                                "lenscap",
                                [
                                    "card", "approve", "--key", "\(room.root)/teacher/signing.pem",
                                    "\(room.records)/cards/teacher.json",
                                ]
                            )
                        #expect(outcome.code == 77)
                        #expect(outcome.sentence == "lenscap: \(sentence) [recipient]")
                    }
                    let outcome = try room.lenscap("trust", "import", room.records)
                    #expect(outcome.code == 77)
                    #expect(outcome.sentence == "not installed: teacher.json: \(sentence)")
                }
            }
        }

        @Test("Without a running box every command says where it looked and what to do")
        func noBox() throws {
            try withClassroom { room in
                for (command, socket) in [
                    (["start", "--yes"], "teacher"), (["stop"], "teacher"), (["status"], "status"),
                ] {
                    let outcome = try Programs.run("lenscap", command + ["--root", room.root])
                    #expect(outcome.code == 69)
                    #expect(
                        outcome.errors == "lenscap: \(room.root)/run/lenscap/\(socket).sock does "
                            + "not exist: start Lenscap on this machine, or name the folder it "
                            + "runs in\n"
                    )
                }
            }
        }

        @Test("Wrong use is said with status 64")
        func usage() throws {
            try withClassroom { room in
                for arguments in [
                    ["nonsense"], ["open", "/tmp"], ["start", "--duration", "soon"],
                    ["key", "new", "--algorithm", "RS256"], ["trust", "make"],
                    ["demo", "--seconds", "1"],
                ] {
                    let outcome = try Programs.run("lenscap", arguments)
                    #expect(outcome.code == 64, "\(arguments)")
                    #expect(outcome.errors.hasPrefix("Error: "), "\(arguments)")
                    #expect(outcome.errors.contains("Usage: lenscap"), "\(arguments)")
                }
                let recorder = try Programs.run("lenscap-recorder", ["--root", room.root])
                #expect(recorder.code == 64)
                #expect(
                    recorder.errors.hasPrefix(
                        "Error: lenscap-recorder is started by systemd or by lenscapd, "
                            + "with a connection."
                    )
                )
            }
        }

        @Test("Keys and documents are never replaced")
        func existing() throws {
            try withClassroom { room in
                try room.succeed("key", "new")
                let before = try room.read("teacher/identity.txt")
                let again = try room.lenscap("key", "new")
                #expect(again.code == 1)
                #expect(
                    again.errors == "lenscap: \(room.root)/teacher/signing.pem exists and is not "
                        + "replaced: what was sealed to it needs it. Move it away first if you "
                        + "mean to begin anew.\n"
                )
                #expect(try room.read("teacher/identity.txt") == before)
                let path = "\(room.root)/teacher/signing.pem"
                let output = try Programs.run("lenscap", ["key", "new", "--output", path])
                #expect(output.code == 1)
                #expect(output.errors == "lenscap: \(path) exists and is not replaced.\n")
            }
        }
    }
}
