import CryptoPrimitives
import Glibc
import LinuxSystem
import Spool
import Testing
import TransparencyLog

@testable import Authority

/// One vector of `Tests/Vectors/recording.json`: a recording's log, its checkpoint, and what comes
/// of holding them against each other.
private struct RecordingVector {
    let name: String
    let log: String
    let checkpoint: [UInt8]
    let box: String
    let recording: String
    /// Empty: accepted.
    let reason: String

    var value: CanonicalJSON {
        .object([
            "context": .object([
                "box": .string(box), "checkpoint": .string(Base64.encodePadded(checkpoint)),
                "recording": .string(recording),
            ]),
            "expect": .string(reason.isEmpty ? "accepted" : "refused"),
            "input": .string(log),
            "kind": .string("recording"),
            "name": .string(name),
            "reason": .string(reason),
        ])
    }
}

extension RecordingVector {
    init(_ value: CanonicalJSON) throws {
        var reader = try MemberReader(value)
        var context = try reader.object("context")
        name = try reader.string("name")
        log = try reader.string("input")
        let encoded = Array(try context.string("checkpoint").utf8)
        checkpoint = try #require(Base64.decodePadded(encoded))
        box = try context.string("box")
        recording = try context.string("recording")
        reason = try reader.string("reason")
        try #require(try reader.string("kind") == "recording")
        try #require(try reader.string("expect") == (reason.isEmpty ? "accepted" : "refused"))
        try context.finish()
        try reader.finish()
    }

    private var origin: String {
        get throws {
            let key = try VerificationKey(jwk: CanonicalJSON(parsing: Array(box.utf8)))
            return Checkpoint.recordingOrigin(box: key.thumbprint, recording: recording)
        }
    }

    /// The key's text for verifiers of signed notes.
    var noteKey: NoteKey {
        get throws {
            let key = try VerificationKey(jwk: CanonicalJSON(parsing: Array(box.utf8)))
            return try NoteKey(name: origin, key: key)
        }
    }

    /// The reason that this implementation refuses it for, empty when it accepts it.
    func judged() throws -> String {
        guard let log = try? RecordingLog(parsing: Array(log.utf8), recording: recording),
            log.wholeBytes == self.log.utf8.count
        else { return "format" }
        guard let checkpoint = try? Checkpoint(verifying: checkpoint, with: noteKey) else {
            return "checkpoint"
        }
        guard checkpoint.covers(log.lines) else { return "contradicted" }
        return checkpoint.size < log.leaves.count ? "unsigned" : ""
    }
}

/// Makes the vectors from the keys beside them.
private struct RecordingVectorMaker {
    private static let recording = "000102030405060708090a0b0c0d0e0f"
    private static let second: Int64 = 1_000_000_000

    private let box: SigningKey
    private let stranger: SigningKey
    private(set) var vectors: [RecordingVector] = []

    init() throws {
        box = try Self.key("box")
        stranger = try Self.key("stranger")
        try addGood()
        try addRefusedLogs()
        try addRefusedNotes()
    }

    private static func key(_ name: String) throws -> SigningKey {
        let folder = try Folder(path: RecordingVectorTests.path + "/keys")
        return try SigningKey(pem: try folder.read("\(name).TEST-KEY.pem", limit: 4096))
    }

    private static func object(_ name: String) -> Leaf.Object {
        Leaf.Object(name: name, bytes: 7, sha256: SHA256.hash(Array("<\(name)>".utf8)))
    }

    private static let leaves: [Leaf] = [
        .begin(
            token: SHA256.hash(Array("token".utf8)),
            card: SHA256.hash(Array("card".utf8)),
            receipt: SHA256.hash(Array("receipt".utf8))
        ),
        .run(
            initial: object(SpoolName.initial(0)),
            tracks: [Leaf.Track(source: "front", kind: "video")]
        ),
        .segment(object(SpoolName.media(1)), start: 0, duration: 2 * second),
        .gap(source: "front", reason: "stall", from: second, to: 2 * second),
        .segment(object(SpoolName.media(2)), start: 2 * second, duration: 2 * second),
        .end(
            reason: "stopped",
            time: 1_800_000_000,
            segments: 2,
            summary: object(SpoolName.summary)
        ),
    ]
    private static let interrupted = Leaf.end(
        reason: "interrupted",
        time: 1_800_000_000,
        segments: 1,
        summary: nil
    )
    private static let cut = Leaf.cut(
        from: 0,
        to: second,
        order: SHA256.hash(Array("order".utf8))
    )

    private static func log(_ lines: some Sequence<[UInt8]>) -> String {
        String(decoding: lines.flatMap { $0 + [0x0A] }, as: UTF8.self)
    }

    private func note(
        _ lines: [[UInt8]],
        origin: String? = nil,
        key: SigningKey? = nil
    ) throws -> String {
        let own = Checkpoint.recordingOrigin(
            box: box.verificationKey.thumbprint,
            recording: Self.recording
        )
        let head = MerkleTree(leaves: lines).head
        let checkpoint = try Checkpoint(origin: origin ?? own, head: head)
        return String(decoding: try checkpoint.signed(with: key ?? box).bytes, as: UTF8.self)
    }

    private mutating func add(_ name: String, _ log: String, _ note: String, _ reason: String = "")
    {
        vectors.append(
            RecordingVector(
                name: "recording: \(name)",
                log: log,
                checkpoint: Array(note.utf8),
                box: String(decoding: box.verificationKey.jwk.bytes, as: UTF8.self),
                recording: Self.recording,
                reason: reason
            )
        )
    }

    private var lines: [[UInt8]] { Self.leaves.map(\.line) }

    private mutating func addGood() throws {
        add("stopped", Self.log(lines), try note(lines))
        let cut = lines + [Self.cut.line]
        add("cut after its end", Self.log(cut), try note(cut))
        let short = lines.prefix(3) + [Self.interrupted.line]
        add("interrupted", Self.log(short), try note(Array(short)))
        add("just begun", Self.log(lines.prefix(1)), try note(Array(lines.prefix(1))))
    }

    private mutating func addRefusedLogs() throws {
        let note = try note(lines)
        add("log longer", Self.log(lines + [Self.cut.line]), note, "unsigned")
        add("log shorter", Self.log(lines.prefix(2)), note, "contradicted")
        add("half a line after it", Self.log(lines) + "{\"bytes\":12", note, "format")
        let altered = Self.log(lines).replacing("\"stall\"", with: "\"stale\"")
        add("line altered", altered, note, "contradicted")
        var swapped = lines
        swapped.swapAt(2, 3)
        add("lines swapped", Self.log(swapped), note, "contradicted")
        var without = lines
        without.remove(at: 3)
        add("line taken out", Self.log(without), note, "contradicted")
        let spaced = lines.dropLast() + [Array(" ".utf8) + lines[5]]
        add(
            "signed line in another spelling",
            Self.log(spaced),
            try self.note(Array(spaced)),
            "format"
        )
    }

    private mutating func addRefusedNotes() throws {
        let log = Self.log(lines)
        let thumbprint = box.verificationKey.thumbprint
        let origins = [
            ("another recording", Checkpoint.recordingOrigin(box: thumbprint, recording: "ff")),
            ("the activation log", Checkpoint.activationOrigin(box: thumbprint)),
            (
                "another box",
                Checkpoint.recordingOrigin(
                    box: stranger.verificationKey.thumbprint,
                    recording: Self.recording
                )
            ),
        ]
        for (what, origin) in origins {
            add("origin of \(what)", log, try note(lines, origin: origin), "checkpoint")
        }
        add("other key", log, try note(lines, key: stranger), "checkpoint")
        let good = try note(lines)
        add("size altered", log, good.replacing("\n6\n", with: "\n5\n"), "checkpoint")
        add("empty checkpoint", log, "", "checkpoint")
        let unsigned = good.split(separator: "\n\n")[0] + "\n\n"
        add("checkpoint without signature", log, String(unsigned), "checkpoint")
    }
}

@Suite("The test vectors of recordings")
struct RecordingVectorTests {
    static let path: String = {
        let tests = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        return "/\(tests)/Vectors"
    }()

    private let vectors: [RecordingVector]

    init() throws {
        let made = try RecordingVectorMaker().vectors
        let text =
            "[\n"
            + made.map { String(decoding: $0.value.bytes, as: UTF8.self) }.joined(separator: ",\n")
            + "\n]\n"
        let folder = try Folder(path: Self.path)
        if getenv("LENSCAP_WRITE_VECTORS") != nil {
            try folder.writeDurably("recording.json", Array(text.utf8), replacing: true)
        }
        // Ed25519 signatures do not differ from time to time.
        let bytes = try folder.read("recording.json", limit: 1 << 20)
        #expect(String(decoding: bytes, as: UTF8.self) == text)
        vectors = try bytes.split(separator: 0x0A).dropFirst().dropLast().map { line in
            let text = line.last == UInt8(ascii: ",") ? line.dropLast() : line
            return try RecordingVector(CanonicalJSON(parsing: Array(text)))
        }
    }

    @Test("come out as each of them says")
    func judged() throws {
        #expect(vectors.count { $0.reason.isEmpty } == 4)
        #expect(vectors.count == 18)
        for vector in vectors { #expect(try vector.judged() == vector.reason, "\(vector.name)") }
    }

    @Test("come out the same with the verifier that auditors use")
    func verified() throws {
        let temporary = try TemporaryFolder()
        for vector in vectors {
            try temporary.write("log", Array(vector.log.utf8))
            try temporary.write("checkpoint", vector.checkpoint)
            let result = try runCommand(
                "python3",
                [
                    "\(Self.path)/../Verifier/verify_log.py", "\(temporary.path)/log",
                    "\(temporary.path)/checkpoint", try vector.noteKey.text,
                ]
            )
            let said = String(decoding: result.output, as: UTF8.self)
            #expect(result.status.isSuccess == vector.reason.isEmpty, "\(vector.name): \(said)")
            #expect(said.hasPrefix("GOOD:") == vector.reason.isEmpty, "\(vector.name): \(said)")
        }
    }
}
