import Consent
import CryptoPrimitives
internal import Glibc
import LinuxSystem
import Spool
import Testing
import TransparencyLog

@testable import Uploading

/// A box's folders, an account beside them, and the records of one room and one teacher.
final class Classroom: Sendable {
    static let now: Int64 = 1_800_000_000
    static let teacher = "abcdefghijklmnopqrstuvwxyz"

    let path: String
    let authority: SigningKey
    let teacher: SigningKey
    let box: SigningKey
    let authorities: ThresholdDocument
    let room: ThresholdDocument
    let card: ThresholdDocument

    var spool: String { path + "/spool" }
    var outbox: String { path + "/outbox" }
    var trust: String { path + "/trust" }
    var account: String { path + "/account" }

    init(holdMinutes: Int64 = 15) throws {
        var template = Array("/tmp/lenscap-upload-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError.last("mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        authority = try SigningKey.generate(.edDSA)
        teacher = try SigningKey.generate(.es256)
        box = try SigningKey.generate(.edDSA)
        var authorities = try ThresholdDocument(
            payload: Authorities.payload(
                members: [Authorities.Member(key: authority.verificationKey, role: .registrar)],
                threshold: 1,
                sequence: 1,
                issued: Classroom.now - 1000
            )
        )
        try authorities.sign(as: .authorities, with: authority)
        self.authorities = authorities
        var record = RoomRecord(
            boxKey: box.verificationKey,
            room: "Science 2",
            sources: [RoomRecord.Source(name: "board", kind: .camera)],
            agreements: [],
            authorities: authorities.hash,
            sequence: 1,
            issued: Classroom.now - 900
        )
        record.holdMinutes = holdMinutes
        var room = try ThresholdDocument(payload: record.payload)
        try room.sign(as: .room, with: authority)
        self.room = room
        card = try Classroom.card(key: teacher, url: "file://\(path)/account")
        for folder in ["spool", "outbox", "trust", "account"] {
            _ = try Folder.make(path: "\(path)/\(folder)")
        }
        try write("trust/authorities.json", authorities.bytes)
        try write("trust/room.json", room.bytes)
        try write("account/\(DirectoryAccount.markerName)", [])
    }

    deinit { _ = try? runCommand("rm", ["-rf", "--", path]) }

    static func card(
        key: SigningKey,
        url: String,
        kind: String = "directory"
    ) throws
        -> ThresholdDocument
    {
        let recipient = Bech32.encode(prefix: "age", try X25519.PrivateKey.generate().publicKey)
        let card = TeacherCard(
            teacher: teacher,
            key: key.verificationKey,
            recipients: [recipient],
            account: TeacherCard.Account(kind: kind, url: url),
            agreement: TeacherCard.Agreement(identifier: "a", sha256: "b", language: "en"),
            trained: 1,
            issued: now - 800,
            expires: now + 1000
        )
        var document = try ThresholdDocument(payload: card.payload)
        try document.sign(as: .card, with: key)
        return document
    }

    func identifier(_ number: UInt8) -> String {
        Hex.encode([UInt8](repeating: number, count: 16))
    }

    func token(
        _ number: UInt8,
        card: ThresholdDocument? = nil,
        by key: SigningKey? = nil,
        teacher name: String = Classroom.teacher
    ) throws -> [UInt8] {
        let token = StartToken(
            audience: box.verificationKey.thumbprint,
            cameras: ["board"],
            microphones: [],
            card: (card ?? self.card).hash,
            challenge: "c",
            details: "d",
            duration: 600,
            identifier: [UInt8](repeating: number, count: 16),
            log: "l",
            record: room.hash,
            recipient: "age1",
            teacher: name
        )
        return Array(
            try CompactJWS(payload: token.payload.bytes, type: .start, by: key ?? teacher)
                .text.utf8
        )
    }

    /// Records a lesson of two segments that ended at `ended`.
    @discardableResult
    func record(
        _ number: UInt8,
        ended: Int64? = Classroom.now - 3600,
        token: [UInt8]? = nil,
        card: [UInt8]? = nil
    ) throws -> String {
        let recording = identifier(number)
        let folder = try Folder(path: spool)
        var open = try OpenRecording.create(
            recording,
            in: folder,
            token: try token ?? self.token(number),
            card: card ?? self.card.bytes,
            receipt: [number, 1],
            recorderGroup: nil
        )
        let writer = try ObjectWriter(recording: recording, spool: spool)
        let track = Leaf.Track(source: "board", kind: "video")
        try open.append(
            .run(
                initial: try writer.write("000000.init.age", [number, 2]),
                tracks: [track]
            )
        )
        for segment in 1...2 {
            let bytes = [UInt8](repeating: number, count: 1000 * segment)
            let object = try writer.write(SpoolName.media(segment), bytes)
            try open.append(.segment(object, start: Int64(segment), duration: 1))
        }
        if let ended {
            try open.append(.end(reason: "stopped", time: ended, segments: 2, summary: nil))
        }
        try sign(recording, &open)
        return recording
    }

    /// Signs for everything that a recording's log has now, as the box does.
    func sign(
        _ recording: String,
        _ open: inout OpenRecording,
        by key: SigningKey? = nil,
        origin other: String? = nil
    ) throws {
        let log = try RecordingLog(
            parsing: read("spool/\(recording)/log"),
            recording: recording
        )
        let origin = Checkpoint.recordingOrigin(
            box: box.verificationKey.thumbprint,
            recording: other ?? recording
        )
        let note = try Checkpoint(origin: origin, head: MerkleTree(leaves: log.lines).head)
            .signed(with: key ?? box)
        try open.keep(checkpoint: note.bytes)
    }

    func delivery(_ recording: String) throws(UploadError) -> Delivery? {
        try Delivery(recording, spool: spool, box: box.verificationKey)
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let file = try Descriptor.open("\(path)/\(name)", [.write, .create])
        try file.truncate(to: 0)
        try file.writeAll(bytes)
    }

    func read(_ name: String) throws -> [UInt8] {
        try Descriptor.open("\(path)/\(name)").readAll(limit: 1 << 24)
    }

    func run(_ command: String, _ arguments: String...) throws {
        let result = try runCommand(command, arguments)
        #expect(result.status.isSuccess, "\(result.errorText)")
    }

    func uploader() throws -> Uploader {
        try Uploader(
            Uploader.Settings(
                spool: spool,
                outbox: outbox,
                trust: trust,
                report: path + "/uploader.json"
            )
        )
    }

    /// Names of a recording's objects in the account, without their hashes.
    func delivered(_ recording: String) throws -> [String] {
        let folder = "\(account)/\(Classroom.teacher)/\(recording)"
        do throws(SystemError) {
            return try Folder(path: folder).names().map { String($0.split(separator: "-")[0]) }
        } catch {
            #expect(error.isNotFound)
            return []
        }
    }

    /// Every acknowledgement names a file in the account that has its hash.
    func expectAcknowledgedIsStored() throws {
        for entry in try AcknowledgementJournal.read(outbox: outbox) {
            let name = "\(entry.name)-\(Hex.encode(entry.sha256))"
            let bytes = try read("account/\(Classroom.teacher)/\(entry.recording)/\(name)")
            #expect(SHA256.hash(bytes) == entry.sha256)
        }
    }
}

/// What an error of this module is, for comparison.
func kind(_ error: UploadError?) -> String {
    switch error {
    case nil: "none"
    case .accountMissing: "missing"
    case .accountUnsupported: "unsupported"
    case .conflict: "conflict"
    case .unsound: "unsound"
    case .spool: "spool"
    case .system: "system"
    }
}

func kind(_ body: () throws(UploadError) -> Void) -> String {
    do throws(UploadError) {
        try body()
        return "none"
    } catch { return kind(error) }
}
