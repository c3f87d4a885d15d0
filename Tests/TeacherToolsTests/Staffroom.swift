import Age
import Consent
import CryptoPrimitives
internal import Glibc
import LinuxSystem
import Spool
import Testing
import TransparencyLog

@testable import TeacherTools

/// A teacher at home: keys, card, room, and recordings as the box made them.
final class Staffroom: Sendable {
    static let now: Int64 = 1_800_000_000
    /// The checkpoint of a log without entries.
    static let log = "0:" + Base64URL.encode(SHA256.hash([UInt8]()))
    static let recording = "000102030405060708090a0b0c0d0e0f"

    let path: String
    let folder: TeacherFolder
    let authority: SigningKey
    let box: SigningKey
    let teacher: SigningKey
    let recipient: AgeRecipient
    let authorities: ThresholdDocument
    let room: ThresholdDocument
    let card: ThresholdDocument

    init() throws {
        var template = Array("/tmp/lenscap-teacher-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError.last("mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        folder = TeacherFolder(path: path + "/config")
        recipient = try folder.makeKeys(.edDSA).recipient
        teacher = try folder.signingKey()
        authority = try SigningKey.generate(.edDSA)
        box = try SigningKey.generate(.edDSA)
        authorities = try Staffroom.authorities(authority)
        room = try Staffroom.room(box, authorities, by: authority)
        card = try Staffroom.card(teacher, recipient.text, by: authority)
        try folder.saveCard(card)
        _ = try folder.importRoom(room.bytes, authorities: authorities.bytes)
    }

    deinit { _ = try? runCommand("rm", ["-rf", "--", path]) }

    static func authorities(_ key: SigningKey, sequence: Int64 = 1) throws -> ThresholdDocument {
        var document = try Enrolment.authorities(
            [Authorities.Member(key: key.verificationKey, role: .registrar)],
            threshold: 1,
            sequence: sequence,
            issued: now - 1000
        )
        try document.sign(as: .authorities, with: key)
        return document
    }

    static func room(
        _ box: SigningKey,
        _ authorities: ThresholdDocument,
        by authority: SigningKey,
        named name: String = "Science 2"
    ) throws -> ThresholdDocument {
        var document = try Enrolment.room(
            RoomRecord(
                boxKey: box.verificationKey,
                room: name,
                sources: [
                    RoomRecord.Source(name: "board", kind: .camera),
                    RoomRecord.Source(name: "class", kind: .camera),
                    RoomRecord.Source(name: "desk", kind: .microphone),
                ],
                agreements: [],
                authorities: authorities.hash,
                sequence: 1,
                issued: now - 900
            )
        )
        try document.sign(as: .room, with: authority)
        return document
    }

    static func card(
        _ key: SigningKey,
        _ recipient: String,
        by authority: SigningKey?
    ) throws
        -> ThresholdDocument
    {
        var document = try Enrolment.card(
            TeacherCard(
                teacher: "abcdefghijklmnopqrstuvwxyz",
                key: key.verificationKey,
                recipients: [recipient],
                account: TeacherCard.Account(kind: "directory", url: "file:///account"),
                agreement: TeacherCard.Agreement(identifier: "a", sha256: "b", language: "cy"),
                trained: 1,
                issued: now - 800,
                expires: now + 1000
            ),
            signedWith: key
        )
        if let authority { try document.sign(as: .card, with: authority) }
        return document
    }

    func challenge(
        by key: SigningKey? = nil,
        box name: String? = nil,
        record: String? = nil,
        type: DocumentType = .challenge
    ) throws -> String {
        let challenge = Challenge(
            box: name ?? box.verificationKey.thumbprint,
            boot: "b",
            challenge: [UInt8](repeating: 4, count: 32),
            log: Staffroom.log,
            record: record ?? room.hash,
            revocations: 0,
            time: Staffroom.now,
            isTimeTrusted: true
        )
        return try CompactJWS(payload: challenge.payload.bytes, type: type, by: key ?? box).text
    }

    static let details = StartDetails(
        purpose: "coaching",
        salt: Base64URL.encode([UInt8](repeating: 9, count: 32))
    )

    func request(
        cameras: [String] = ["class", "board"],
        microphones: [String] = ["desk"],
        duration: Int64 = 600,
        details: StartDetails = Staffroom.details,
        challenge: String? = nil
    ) throws -> SigningRequest {
        SigningRequest(
            challenge: try challenge ?? self.challenge(),
            cameras: cameras,
            microphones: microphones,
            duration: duration,
            details: details
        )
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let file = try Descriptor.open("\(path)/\(name)", [.write, .create])
        try file.truncate(to: 0)
        try file.writeAll(bytes)
    }

    func read(_ name: String) throws -> [UInt8] {
        try Descriptor.open("\(path)/\(name)").readAll(limit: 1 << 24)
    }

    func names(_ name: String) throws -> [String] { try Folder(path: "\(path)/\(name)").names() }

    func run(_ command: String, _ arguments: String...) throws {
        let result = try runCommand(command, arguments)
        #expect(result.status.isSuccess, "\(result.errorText)")
    }

    /// The plain bytes of a recording's objects.
    static func plain(_ name: String) -> [UInt8] { Array("<\(name)>".utf8) }

    /// Makes a recording in `spool/` of this room: two runs of two segments.
    func record(
        ends: Bool = true,
        to other: AgeRecipient? = nil,
        summary: Bool = true,
        segmentSize: Int = 0
    ) throws {
        let recipients = [other ?? recipient]
        let token = StartToken(
            audience: box.verificationKey.thumbprint,
            cameras: ["board"],
            microphones: [],
            card: card.hash,
            challenge: "c",
            details: "d",
            duration: 600,
            identifier: [UInt8](0..<16),
            log: "l",
            record: room.hash,
            recipient: recipients[0].text,
            teacher: "abcdefghijklmnopqrstuvwxyz"
        )
        let text = try CompactJWS(payload: token.payload.bytes, type: .start, by: teacher).text
        let receipt = CanonicalJSON.object([
            "details": .object(["purpose": .string("coaching"), "salt": .string("s")]),
            "room": .string("Science 2"),
        ])
        _ = try Folder.make(path: path + "/spool")
        let spool = try Folder(path: path + "/spool")
        var open = try OpenRecording.create(
            Staffroom.recording,
            in: spool,
            token: Array(text.utf8),
            card: card.bytes,
            receipt: try Age.seal(receipt.bytes, to: recipients),
            recorderGroup: nil
        )
        let writer = try ObjectWriter(recording: Staffroom.recording, spool: path + "/spool")
        var number = 0
        for run in 0..<2 {
            let name = SpoolName.initial(number)
            let initial = try writer.write(
                name,
                try Age.seal(Staffroom.plain(name), to: recipients)
            )
            try open.append(
                .run(initial: initial, tracks: [Leaf.Track(source: "board", kind: "video")])
            )
            number += 1
            for _ in 0..<2 {
                let name = SpoolName.media(number)
                var plain = Staffroom.plain(name)
                plain += repeatElement(0x2E, count: max(0, segmentSize - plain.count))
                let object = try writer.write(name, try Age.seal(plain, to: recipients))
                try open.append(
                    .segment(object, start: Int64(number) * 2_000_000_000, duration: 2_000_000_000)
                )
                number += 1
            }
            try open.append(
                .gap(source: "board", reason: "stall", from: Int64(run), to: 1_500_000_000)
            )
        }
        guard ends else { return try sign(&open) }
        let last =
            try summary
            ? writer.write(SpoolName.summary, Age.seal(Array("{}".utf8), to: recipients)) : nil
        try open.append(.end(reason: "stopped", time: Staffroom.now, segments: 4, summary: last))
        try sign(&open)
    }

    /// Signs for everything that the recording's log has now, as the box does.
    func sign(_ open: inout OpenRecording) throws {
        let log = try RecordingLog(
            parsing: read("spool/\(Staffroom.recording)/log"),
            recording: Staffroom.recording
        )
        try open.keep(checkpoint: try note(over: log.lines, by: box))
    }

    func note(
        over lines: [[UInt8]],
        by key: SigningKey,
        recording: String = Staffroom.recording
    ) throws -> [UInt8] {
        try Checkpoint(
            origin: Checkpoint.recordingOrigin(
                box: box.verificationKey.thumbprint,
                recording: recording
            ),
            head: MerkleTree(leaves: lines).head
        ).signed(with: key).bytes
    }

    /// An opener with the teacher's keys and rooms.
    func opener(
        identities: [AgeIdentity]? = nil,
        salvages: Bool = false
    ) throws -> LessonOpener {
        LessonOpener(
            identities: try identities ?? folder.identities(),
            salvages: salvages,
            boxKey: { [folder] (box) throws(TeacherToolsError) in try folder.boxKey(box) }
        )
    }

    var spooled: String { "\(path)/spool/\(Staffroom.recording)" }

    /// The same recording under the names that an account has.
    func deliver() throws -> String {
        let target = "\(path)/account"
        _ = try Folder.make(path: target)
        for name in try Folder(path: spooled).names() {
            let bytes = try Folder(path: spooled).read(name, limit: 1 << 24)
            try write("account/\(name)-\(Hex.encode(SHA256.hash(bytes)))", bytes)
        }
        return target
    }
}

/// What an error of this module is, for comparison.
func kind(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "none"
    } catch let error as TeacherToolsError {
        switch error {
        case .refused(let refusal): return refusal.reason.rawValue
        case .system: return "system"
        case .missing: return "missing"
        case .exists: return "exists"
        case .unreadable: return "unreadable"
        case .notARecording: return "not a recording"
        case .sealedToSomebodyElse: return "sealed to somebody else"
        }
    } catch { return "\(error)" }
}
