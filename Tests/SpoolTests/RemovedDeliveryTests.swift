import Consent
import CryptoPrimitives
import LinuxSystem
import Testing
import TransparencyLog
import Uploading

@testable import Spool

/// What a teacher took out is never sent, at whatever moment the uploader looks.
@Suite("The uploader")
struct RemovedDeliveryTests {
    let spool: TemporaryFolder
    let account: TemporaryFolder
    let box: SigningKey

    init() throws {
        spool = try TemporaryFolder()
        account = try TemporaryFolder()
        box = try SigningKey.generate(.edDSA)
        try account.write(".lenscap-account", [])
        try record()
    }

    private var recording: String { Lesson.recording }

    /// A recording of three segments whose token and card are good.
    private func record() throws {
        let key = try SigningKey.generate(.edDSA)
        let recipient = Bech32.encode(prefix: "age", try X25519.PrivateKey.generate().publicKey)
        let card = TeacherCard(
            teacher: "abcdefghijklmnopqrstuvwxyz",
            key: key.verificationKey,
            recipients: [recipient],
            account: TeacherCard.Account(kind: "directory", url: "file://\(account.path)"),
            agreement: TeacherCard.Agreement(identifier: "a", sha256: "b", language: "en"),
            trained: 1,
            issued: 2,
            expires: 3
        )
        var document = try ThresholdDocument(payload: card.payload)
        try document.sign(as: .card, with: key)
        let token = StartToken(
            audience: box.verificationKey.thumbprint,
            cameras: ["board"],
            microphones: [],
            card: document.hash,
            challenge: "c",
            details: "d",
            duration: 600,
            identifier: [UInt8](0..<16),
            log: "l",
            record: "r",
            recipient: recipient,
            teacher: card.teacher
        )
        let text = try CompactJWS(payload: token.payload.bytes, type: .start, by: key).text
        var open = try OpenRecording.create(
            recording,
            in: try spool.folder(),
            token: Array(text.utf8),
            card: document.bytes,
            receipt: Lesson.receipt,
            recorderGroup: nil
        )
        let writer = try ObjectWriter(recording: recording, spool: spool.path)
        let initial = try writer.write(SpoolName.initial(0), Lesson.bytes(0))
        try open.append(.run(initial: initial, tracks: Lesson.tracks))
        for number in 1...3 {
            let object = try writer.write(SpoolName.media(number), Lesson.bytes(number))
            let start = Int64(number - 1) * 2 * Lesson.second
            try open.append(.segment(object, start: start, duration: 2 * Lesson.second))
        }
        try open.append(.end(reason: "stopped", time: 1, segments: 3, summary: nil))
        try sign(&open)
    }

    private func sign(_ open: inout OpenRecording) throws {
        let log = try RecordingLog(
            parsing: spool.read(recording, "log"),
            recording: recording
        )
        let note = try Checkpoint(
            origin: Checkpoint.recordingOrigin(
                box: box.verificationKey.thumbprint,
                recording: recording
            ),
            head: MerkleTree(leaves: log.lines).head
        ).signed(with: box)
        try open.keep(checkpoint: note.bytes)
    }

    private func delivery() throws -> Delivery? {
        try Delivery(recording, spool: spool.path, box: box.verificationKey)
    }

    private var cut: Leaf {
        .cut(from: 0, to: 3 * Lesson.second, order: [UInt8](repeating: 3, count: 32))
    }

    @Test("delivers all of it where nothing was taken out")
    func whole() throws {
        let delivery = try #require(try delivery())
        let contents = delivery.remaining([])
        #expect(contents.count == 9)
        for content in contents { try delivery.send(content) }
    }

    @Test("never sends a segment that a cut names, even while its file is still there")
    func cutLeaf() throws {
        var open = try OpenRecording.recover(recording, in: try spool.folder())
        try open.append(cut)
        #expect(try spool.names(recording).contains(SpoolName.media(1)))
        // Before the cut is signed for nothing is sent at all.
        #expect(try self.delivery() == nil)
        try sign(&open)
        let delivery = try #require(try delivery())
        let names = delivery.remaining([]).map(\.name)
        #expect(!names.contains(SpoolName.media(1)) && !names.contains(SpoolName.media(2)))
        #expect(names.contains(SpoolName.media(3)) && names.suffix(2) == ["log", "checkpoint"])
        for content in delivery.remaining([]) { try delivery.send(content) }
    }

    @Test("sends nothing that a cut took away after it had looked")
    func cutMeanwhile() throws {
        let delivery = try #require(try delivery())
        var open = try OpenRecording.recover(recording, in: try spool.folder())
        _ = try open.cut(
            from: 0,
            to: 3 * Lesson.second,
            order: [UInt8](repeating: 3, count: 32),
            acknowledged: []
        )
        try sign(&open)
        try open.removeCut()
        for content in delivery.remaining([]) {
            let isStale = [SpoolName.media(1), SpoolName.media(2), "log", "checkpoint"].contains(
                content.name
            )
            if isStale {
                #expect(throws: UploadError.self, "\(content.name)") {
                    try delivery.send(content)
                }
            } else {
                try delivery.send(content)
            }
        }
    }

    @Test("does not look at a recording with a tombstone, and stops in the midst of one")
    func tombstone() throws {
        let delivery = try #require(try delivery())
        let contents = delivery.remaining([])
        try delivery.send(contents[0])
        try spool.write(SpoolName.tombstone(recording), [1])
        #expect(try self.delivery() == nil)
        for content in contents {
            #expect(throws: UploadError.self) { try delivery.send(content) }
        }
        _ = try SpoolFolder.finishDeletion(recording, spool: spool.path)
        for content in contents {
            #expect(throws: UploadError.self) { try delivery.send(content) }
        }
    }
}
