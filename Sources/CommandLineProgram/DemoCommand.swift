internal import ArgumentParser
internal import Authority
internal import Configuration
internal import Consent
internal import CryptoPrimitives
internal import LinuxSystem
internal import TeacherTools
internal import Varlink

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Record, deliver and open a lesson on this machine.",
        discussion: """
            Makes a box, a school and a teacher in a folder of their own, records the test picture \
            and the test sound with the teacher's signature, delivers the sealed lesson to the \
            teacher's account, and opens it there. Nothing needs root and no device is touched.
            """
    )

    @Option(help: "Seconds to record, from 4 to 3600.")
    var seconds = 10

    @Option(help: "The folder to work in; it must not exist. By default a new one in /tmp.")
    var folder: String?

    @Option(help: "Width of the test picture in pixels.")
    var width = 1280

    @Option(help: "Height of the test picture in pixels.")
    var height = 720

    @Option(help: "Pictures a second.")
    var frameRate = 30

    func validate() throws {
        guard (4...3600).contains(seconds) else {
            throw ValidationError("--seconds is from 4 to 3600.")
        }
    }

    func run() throws {
        try reporting {
            let path = folder ?? "/tmp/lenscap-demo-\(CurrentProcess.identifier)"
            let demo = try Demo(path, size: (width, height), frameRate: frameRate)
            try demo.run(seconds: seconds)
        }
    }
}

/// A school of one in a folder: authority 1 of 1, one room, one teacher.
private struct Demo {
    private static let agreement = Array(
        "A demonstration: what is recorded here is a test picture and a test sound.\n".utf8
    )

    private let path: String
    private let setup: BoxSetup
    private let account: String

    init(_ folder: String, size: (Int, Int), frameRate: Int) throws {
        guard (try? Folder(path: folder)) == nil else {
            throw CommandFailure("\(folder) exists; the demo begins in a new folder")
        }
        path = folder
        let etc = try Folder.make(path: "\(folder)/etc/lenscap", permissions: 0o700)
        let text = """
            # The demo's box: a test picture and a test sound.
            [source.front]
            device = "test:"
            width = \(size.0)
            height = \(size.1)
            frame-rate = \(frameRate)

            [source.desk]
            device = "test:"

            [spool]
            reserve = 67108864

            """
        try etc.writeDurably("lenscap.toml", Array(text.utf8))
        setup = try BoxSetup(root: folder)
        account = "\(setup.locations.root)/account"
    }

    func run(seconds: Int) throws {
        let programs = try Programs()
        Terminal.say("folder    \(path)")
        let authority = try programs.start("lenscapd", root: path)
        defer {
            authority.signal(15)
            _ = try? authority.wait()
        }
        try enrol()
        Terminal.say("enrolled  an authority, a room and a teacher")
        let recording = try record(seconds: seconds)
        Terminal.say("recorded  \(recording)")
        try deliver(programs)
        let teacher = TeacherFolder(path: setup.locations.teacher)
        let card = try TeacherCard(reading: try teacher.card())
        let delivered = "\(account)/\(card.teacher)/\(recording)"
        Terminal.say("delivered \(delivered)")
        let opener = LessonOpener(identities: try teacher.identities()) {
            (box) throws(TeacherToolsError) in try teacher.boxKey(box)
        }
        let report = try opener.open(delivered, to: "\(path)/lesson.mp4") { _ in }
        OpenCommand.show(report)
        guard report.isComplete else { throw CommandExit.failed }
        Terminal.say("The lesson is whole. Play it: \(path)/lesson.mp4")
    }

    private func enrol() throws {
        let locations = setup.locations
        try waitFor("lenscapd") { (try? VarlinkClient(path: locations.teacherSocket)) != nil }
        let registrar = try SigningKey.generate(.edDSA)
        let now = Clock.unixSeconds()
        var authorities = try Enrolment.authorities(
            [Authorities.Member(key: registrar.verificationKey, role: .registrar)],
            threshold: 1,
            sequence: 1,
            issued: now
        )
        try authorities.sign(as: .authorities, with: registrar)
        let text = Enrolment.AgreementText(
            identifier: "demo",
            language: "en",
            text: Demo.agreement
        )
        var record = RoomRecord(
            boxKey: try BoxKey.load(folder: locations.keyFolder).verificationKey,
            room: "Demo room",
            sources: [
                RoomRecord.Source(name: "desk", kind: .microphone),
                RoomRecord.Source(name: "front", kind: .camera),
            ],
            agreements: [
                RoomRecord.Agreement(identifier: text.identifier, sha256: text.sha256, last: 0)
            ],
            authorities: authorities.hash,
            sequence: 1,
            issued: now
        )
        record.holdMinutes = 0
        var room = try Enrolment.room(record)
        try room.sign(as: .room, with: registrar)
        let card = try enrolTeacher(text, registrar, now)
        let folder = try Folder.make(path: "\(path)/records", permissions: 0o700)
        try folder.writeDurably("authorities.json", authorities.bytes)
        try folder.writeDurably("room.json", room.bytes)
        try Folder.make(path: "\(path)/records/cards", permissions: 0o700)
            .writeDurably("card.json", card.bytes)
        _ = try TrustImport.run(from: "\(path)/records", to: locations.trust)
        _ = try TeacherFolder(path: locations.teacher)
            .importRoom(room.bytes, authorities: authorities.bytes)
    }

    private func enrolTeacher(
        _ text: Enrolment.AgreementText,
        _ registrar: SigningKey,
        _ now: Int64
    ) throws -> ThresholdDocument {
        let teacher = TeacherFolder(path: setup.locations.teacher)
        let (key, recipient) = try teacher.makeKeys(.edDSA)
        _ = try Folder.make(path: account, permissions: 0o700)
            .writeDurably(".lenscap-account", [])
        let card = TeacherCard(
            teacher: try TeacherCard.newPseudonym(),
            key: key,
            recipients: [recipient.text],
            account: TeacherCard.Account(kind: "directory", url: "file://\(account)"),
            agreement: TeacherCard.Agreement(
                identifier: text.identifier,
                sha256: text.sha256,
                language: text.language
            ),
            trained: now,
            issued: now,
            expires: now + 86_400
        )
        var document = try Enrolment.card(card, signedWith: try teacher.signingKey())
        try document.sign(as: .card, with: registrar)
        try teacher.saveCard(document)
        return document
    }

    private func record(seconds: Int) throws -> String {
        let locations = setup.locations
        let client = try VarlinkClient(path: locations.teacherSocket)
        let challenge = try client.call(
            TeacherInterface.name + ".Challenge",
            returning: TeacherInterface.ChallengeReply.self
        )
        let request = SigningRequest(
            challenge: challenge.challenge,
            cameras: ["front"],
            microphones: ["desk"],
            duration: max(60, Int64(seconds) + 30),
            details: StartDetails(
                purpose: "reflection",
                salt: Base64URL.encode(try randomBytes(32))
            )
        )
        let token = try Signer.sign(
            request,
            TeacherFolder(path: locations.teacher),
            asks: false
        )
        let started = try client.call(
            TeacherInterface.name + ".Start",
            TeacherInterface.StartParameters(
                token: token,
                details: TeacherInterface.Details(
                    purpose: request.details.purpose,
                    salt: request.details.salt
                )
            ),
            returning: TeacherInterface.StartReply.self
        )
        for second in 0..<seconds {
            Terminal.progress("recording \(second) of \(seconds) s")
            Clock.monotonic.sleep(until: Clock.monotonic.now() + 1_000_000_000)
        }
        Terminal.endProgress()
        try StopCommand.stop(locations)
        try waitFor("the end of the recording") {
            let status = try VarlinkClient(path: locations.statusSocket)
            let reply = try status.call(
                StatusInterface.name + ".Status",
                returning: StatusInterface.HealthReply.self
            )
            return reply.health.state == "idle"
        }
        return started.recording
    }

    private func deliver(_ programs: Programs) throws {
        let status = try programs.start("lenscap-uploader", root: path, "--once").wait()
        guard status.isSuccess else {
            throw CommandFailure("the uploader did not deliver the lesson")
        }
    }

    private func waitFor(_ what: String, _ condition: () throws -> Bool) throws {
        let deadline = Clock.monotonic.now() + 60_000_000_000
        while try !condition() {
            guard Clock.monotonic.now() < deadline else {
                throw CommandFailure("waited a minute for \(what)")
            }
            Clock.monotonic.sleep(until: Clock.monotonic.now() + 50_000_000)
        }
    }
}

/// The other programs, beside this one.
private struct Programs {
    private let folder: String

    init() throws {
        let own = try CurrentProcess.executablePath()
        folder = "/" + own.split(separator: "/").dropLast().joined(separator: "/")
    }

    func start(_ name: String, root: String, _ options: String...) throws -> ChildProcess {
        try ChildProcess("\(folder)/\(name)", ["--root", root] + options)
    }
}
