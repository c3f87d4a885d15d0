import Consent
import CryptoPrimitives
import LinuxSystem
import Testing
import TransparencyLog

@testable import Authority

@Suite("The activation log")
struct ActivationLogTests {
    let folder: TemporaryFolder
    let key: SigningKey

    init() throws {
        folder = try TemporaryFolder()
        key = try SigningKey.generate(.edDSA)
    }

    private func open(by key: SigningKey? = nil) throws -> ActivationLog {
        try ActivationLog(folder: folder.path, key: key ?? self.key)
    }

    private static func entry(_ number: Int) -> ActivationEntry {
        ActivationEntry(
            .fault(code: "number-\(number)"),
            time: 1_800_000_000 + Int64(number),
            isTimeTrusted: true
        )
    }

    /// A log of so many entries, on the disk.
    private func fill(_ count: Int) throws {
        let log = try open()
        for number in 0..<count { try log.append(Self.entry(number)) }
    }

    private func refusal() -> String { kind { _ = try open() } }

    @Test("keeps each entry as a line, under a checkpoint that its key signed")
    func append() throws {
        let log = try open()
        for number in 0..<9 {
            #expect(try log.append(Self.entry(number)) == Int64(number))
            let lines = (0...number).map { Self.entry($0).line }
            #expect(log.lines(from: 0, count: 100) == lines)
            let (size, note) = log.checkpoint
            #expect(size == number + 1)
            let tree = MerkleTree(leaves: lines)
            let checkpoint = try Checkpoint(verifying: note, with: try #require(log.noteKey))
            #expect(checkpoint.head == tree.head)
            #expect(log.head == tree.head)
            #expect(try folder.read("entries") == lines.flatMap { $0 + [0x0A] })
            #expect(try folder.read("checkpoint") == note)
        }
        #expect(try folder.names() == ["checkpoint", "entries"])
        #expect(log.lines(from: 3, count: 2) == [Self.entry(3).line, Self.entry(4).line])
        #expect(log.lines(from: 8, count: 9) == [Self.entry(8).line])
        for (from, count) in [(9, 1), (-1, 1), (0, 0), (0, -1), (Int.max, 1)] {
            #expect(log.lines(from: from, count: count).isEmpty)
        }
    }

    @Test("goes on where it was when it is opened again, and proves that it only grew")
    func reopen() throws {
        try fill(5)
        let old = try open()
        let before = old.head
        let log = try open()
        #expect(log.head == before)
        #expect(try log.append(Self.entry(5)) == 5)
        let proof = try #require(log.consistency(from: 5, to: 6))
        try proof.verify(from: before, to: log.head)
        #expect(log.consistency(from: 0, to: 7) == nil)
        #expect(log.consistency(from: 6, to: 5) == nil)
        #expect(log.consistency(from: -1, to: 5) == nil)
        #expect(try open().lines(from: 0, count: 99) == (0...5).map { Self.entry($0).line })
    }

    @Test("takes away a last line that a power cut tore, at every length of it")
    func torn() throws {
        try fill(3)
        let whole = try folder.read("entries")
        let line = Self.entry(3).line
        for count in 1...line.count {
            try folder.write("entries", whole + line.prefix(count))
            #expect(try open().checkpoint.size == 3)
            #expect(try folder.read("entries") == whole)
        }
        // A whole line whose checkpoint the cut kept from being written is an entry.
        try folder.write("entries", whole + line + [0x0A])
        #expect(try open().checkpoint.size == 4)
        #expect(try open().append(Self.entry(4)) == 4)
    }

    /// What somebody may do to the files of a log of five entries.
    enum Tampering: CaseIterable, Sendable {
        case edited, removed, swapped, doubled, inserted, emptied, truncated, cutInLine, lost
        case emptyLine, emptyLineAtTheEnd, noCheckpoint, emptyCheckpoint, textChanged
        case signatureChanged, otherLog
    }

    private func tamper(_ how: Tampering) throws {
        let bytes = try folder.read("entries")
        var lines = bytes.split(separator: 0x0A).map { Array($0) }
        let note = String(decoding: try folder.read("checkpoint"), as: UTF8.self)
        switch how {
        case .edited: lines[2][20] ^= 1
        case .removed: lines.remove(at: 2)
        case .swapped: lines.swapAt(1, 2)
        case .doubled: lines.insert(lines[2], at: 2)
        case .inserted: lines.insert(Self.entry(99).line, at: 0)
        case .emptied: lines = []
        case .truncated: lines.removeLast()
        case .cutInLine: return try folder.write("entries", Array(bytes.dropLast(5)))
        case .lost:
            try folder.run("rm", "\(folder.path)/entries")
            return
        case .emptyLine: lines.insert([], at: 2)
        case .emptyLineAtTheEnd: return try folder.write("entries", [0x0A] + bytes)
        case .noCheckpoint:
            try folder.run("rm", "\(folder.path)/checkpoint")
            return
        case .emptyCheckpoint: return try folder.write("checkpoint", [])
        case .textChanged:
            let other = note.replacing("\n5\n", with: "\n4\n")
            return try folder.write("checkpoint", Array(other.utf8))
        case .signatureChanged:
            return try folder.write("checkpoint", Array(note.utf8.dropLast(9) + "AAAAAA==\n".utf8))
        case .otherLog:
            let origin = Checkpoint.recordingOrigin(box: "b", recording: "r")
            let other = try Checkpoint(origin: origin, head: MerkleTree(leaves: lines).head)
                .signed(with: key).bytes
            return try folder.write("checkpoint", other)
        }
        try folder.write("entries", lines.flatMap { $0 + [0x0A] })
    }

    @Test(
        "that was tampered with is refused, and stays as it was found",
        arguments: Tampering.allCases
    )
    func tampered(how: Tampering) throws {
        try fill(5)
        try tamper(how)
        let names = try folder.names()
        let found = try names.map { try folder.read($0) }
        #expect(refusal() == "log")
        #expect(try folder.names() == names)
        #expect(try names.map { try folder.read($0) } == found)
    }

    @Test("of another box, or signed by another key, is refused")
    func otherKey() throws {
        try fill(2)
        let other = try SigningKey.generate(.edDSA)
        #expect(kind { _ = try open(by: other) } == "log")
        // The same lines under a checkpoint by the other key, put in the place of this one's.
        let copy = try TemporaryFolder()
        try copy.write("entries", try folder.read("entries"))
        let tree = MerkleTree(leaves: (0..<2).map { Self.entry($0).line })
        for origin in [key, other].map({
            Checkpoint.activationOrigin(box: $0.verificationKey.thumbprint)
        }) {
            let note = try Checkpoint(origin: origin, head: tree.head).signed(with: other)
            try folder.write("checkpoint", note.bytes)
            #expect(refusal() == "log")
        }
    }

    @Test("is not read or written through planted links")
    func planted() throws {
        try fill(2)
        let elsewhere = try TemporaryFolder()
        for name in ["entries", "checkpoint"] {
            let bytes = try folder.read(name)
            try elsewhere.write(name, bytes)
            try folder.run("ln", "-sf", "\(elsewhere.path)/\(name)", "\(folder.path)/\(name)")
            #expect(refusal() != "none", "\(name)")
            try folder.run("rm", "\(folder.path)/\(name)")
            try folder.write(name, bytes)
        }
        #expect(refusal() == "none")
    }

    @Test("takes nothing more after a write that failed, and shows nothing that is not signed")
    func failed() throws {
        try fill(2)
        let log = try open()
        let head = log.head
        let entries = try folder.read("entries")
        try folder.run("mv", "\(folder.path)/entries", "\(folder.path)/aside")
        try folder.run("ln", "-s", "/nonexistent/entries", "\(folder.path)/entries")
        #expect(kind { try log.append(Self.entry(2)) } == "system")
        try folder.run("mv", "-f", "\(folder.path)/aside", "\(folder.path)/entries")
        // The disk is well again, but what this log believes of it is not known to hold.
        #expect(kind { try log.append(Self.entry(3)) } == "log")
        #expect(kind { try log.append(Self.entry(4)) } == "log")
        #expect(log.head == head)
        #expect(log.checkpoint.size == 2)
        #expect(log.lines(from: 0, count: 9).count == 2)
        #expect(try folder.read("entries") == entries)
        #expect(try open().append(Self.entry(2)) == 2)
    }

    @Test("has entries of one spelling each, without a line feed or a name in them")
    func entries() throws {
        let hash = [UInt8](repeating: 1, count: 32)
        let records = ActivationEntry.Records(authorities: "a", room: "b", revocations: "")
        let facts: [(ActivationEntry.Fact, String)] = [
            (.boot(boot: "b", software: hash, records: records), "boot"),
            (.record(records), "record"),
            (
                .intent(
                    teacher: hash,
                    token: hash,
                    cameras: "board,class",
                    microphones: "",
                    duration: 600
                ), "intent"
            ),
            (.started(intent: 3), "started"), (.stopped(intent: 3, cause: "stopped"), "stopped"),
            (.refused(reason: "signature", count: 2), "refused"), (.fault(code: "x"), "fault"),
            (.deleted(token: hash, isWhole: true), "deleted"), (.revoked(order: hash), "revoked"),
        ]
        for (fact, type) in facts {
            let line = ActivationEntry(fact, time: 5, isTimeTrusted: false).line
            guard case .object(let members) = try CanonicalJSON(parsing: line) else { continue }
            #expect(members["type"] == .string(type))
            #expect(members["time"] == .integer(5) && members["timeTrusted"] == .integer(0))
        }
        // Two sessions of one teacher do not look alike.
        let school = try School()
        let start = try StartVerification(
            trust: try school.trust(),
            challenge: school.challenge,
            time: JudgementTime(clock: School.now, isTrusted: true, floor: 0),
            isUsed: { _ in false }
        ).verify(token: try school.token(), details: School.details)
        let lines = [hash, hash.map { $0 + 1 }].map {
            ActivationEntry(.intent(of: start, salt: $0), time: 1, isTimeTrusted: true).line
        }
        #expect(lines[0] != lines[1])
        for line in lines {
            #expect(line.firstRange(of: Array(start.token.teacher.utf8)) == nil)
        }
    }
}
