import CryptoPrimitives
import LinuxSystem
import Testing
import TransparencyLog

@testable import Auditing

@Suite("A copy of the activation log")
struct LogVerificationTests {
    let ledger: Ledger

    init() throws {
        ledger = try Ledger()
        ledger.add("boot", at: 0)
        ledger.session(intent: 10, started: 12, stopped: 90)
        ledger.session(intent: 100, started: 101, stopped: 190)
    }

    /// What this verification says; the other must say the same of whatever concerns the tree.
    private func judge(_ copy: LogCopy, earlier: [[UInt8]] = []) throws -> String {
        let found = kind { _ = try LogVerification.verify(copy, earlier: earlier) }
        let isGood = try ledger.isGoodElsewhere(copy, earlier: earlier)
        #expect((found == "none") == isGood, "\(found)")
        return found
    }

    @Test("that is as its box signed it is found sound, at every length of it")
    func good() throws {
        let all = ledger.lines
        for count in [0, 1, 4, 7] {
            ledger.lines = Array(all.prefix(count))
            let copy = try ledger.copy()
            #expect(try judge(copy) == "none")
            let verdict = try LogVerification.verify(copy)
            #expect(verdict.entries == count)
            #expect(verdict.root == ledger.head.shortForm)
            #expect(verdict.sessions == [0: 0, 1: 0, 4: 1, 7: 2][count])
        }
    }

    /// What may have been done to a copy.
    enum Tampering: CaseIterable, Sendable {
        case edited, timeMoved, removed, removedLast, removedFirst, swapped, doubled, added
        case inserted, emptied, emptyLine, noObject, otherSpelling, beyondASCII, lineJoined
        case otherKey, otherOrigin, otherSize, otherRoot, noSignature, noNote, extensionLine
        case keyOfAnother, keyIdentifier, keyText, keyAlgorithm
    }

    private func tampered(_ how: Tampering) throws -> LogCopy {
        var copy = try ledger.copy()
        let stranger = try SigningKey.generate(.edDSA)
        switch how {
        case .edited: copy.lines[3][20] ^= 1
        case .timeMoved:
            let text = String(decoding: copy.lines[3], as: UTF8.self)
            copy.lines[3] = Array(text.replacing("1800000090", with: "1800000091").utf8)
            #expect(copy.lines[3] != ledger.lines[3])
        case .removed: copy.lines.remove(at: 3)
        case .removedLast: copy.lines.removeLast()
        case .removedFirst: copy.lines.removeFirst()
        case .swapped: copy.lines.swapAt(2, 3)
        case .doubled: copy.lines.insert(copy.lines[0], at: 0)
        case .added: copy.lines.append(copy.lines[0])
        case .inserted: copy.lines.insert(Array("{}".utf8), at: 1)
        case .emptied: copy.lines = []
        case .emptyLine: copy.lines.insert([], at: 2)
        case .noObject: try resign(&copy, line: "[1]")
        case .otherSpelling: try resign(&copy, line: "{\"type\": \"boot\"}")
        case .beyondASCII: try resign(&copy, line: "{\"type\":\"\u{e9}\"}")
        case .lineJoined: copy.lines = [Array(copy.lines.joined())]
        case .otherKey: copy.checkpoint = try ledger.note(by: stranger)
        case .otherOrigin: copy.checkpoint = try ledger.note(origin: "lenscap/other/activation")
        case .otherSize:
            copy.checkpoint = try ledger.note(try TreeHead(size: 8, root: ledger.head.root))
        case .otherRoot:
            let root = [UInt8](repeating: 1, count: 32)
            copy.checkpoint = try ledger.note(try TreeHead(size: 7, root: root))
        case .noSignature:
            let text = String(decoding: copy.checkpoint, as: UTF8.self)
            copy.checkpoint = Array(text.prefix { $0 != "\u{2014}" }.utf8)
        case .noNote: copy.checkpoint = []
        case .extensionLine:
            let text = try Checkpoint(origin: ledger.origin, head: ledger.head).text + "more\n"
            copy.checkpoint = try SignedNote(signing: text, as: ledger.origin, with: ledger.key)
                .bytes
        case .keyOfAnother:
            copy.key = try NoteKey(name: ledger.origin, key: stranger.verificationKey).text
        case .keyIdentifier:
            let parts = copy.key.split(separator: "+", maxSplits: 2)
            copy.key = "\(parts[0])+00000000+\(parts[2])"
        case .keyText: copy.key = "key"
        case .keyAlgorithm: copy.key = copy.key.replacing("+A", with: "+B")
        }
        return copy
    }

    /// Another first line, signed by the box as if it were one of its own.
    private func resign(_ copy: inout LogCopy, line: String) throws {
        copy.lines[0] = Array(line.utf8)
        copy.checkpoint = try ledger.note(MerkleTree(leaves: copy.lines).head)
    }

    @Test(
        "that was tampered with is found out, by the other verifier too",
        arguments: Tampering.allCases
    )
    func found(how: Tampering) throws {
        let copy = try tampered(how)
        let found = try judge(copy)
        let isLine = [.noObject, .otherSpelling, .beyondASCII].contains(how)
        #expect(found == (isLine ? "unreadable" : "altered"))
    }

    @Test("begins with what every earlier checkpoint stood for, in whatever order they are given")
    func earlier() throws {
        let copy = try ledger.copy()
        let tree = MerkleTree(leaves: ledger.lines)
        let notes = try [5, 0, 7, 1].map { try ledger.note(tree.head(atSize: $0)) }
        #expect(try judge(copy, earlier: notes) == "none")
        #expect(try LogVerification.verify(copy, earlier: notes).earlier == [5, 0, 7, 1])
        let other = MerkleTree(leaves: [[1], [2], [3]])
        let longer = MerkleTree(leaves: ledger.lines + [[1]])
        for bad in [
            try ledger.note(other.head), try ledger.note(other.head(atSize: 1)),
            // The log was set back since.
            try ledger.note(longer.head),
            try ledger.note(tree.head(atSize: 3), by: SigningKey.generate(.edDSA)),
            try ledger.note(tree.head(atSize: 3), origin: "lenscap/other/activation"),
            [],
        ] {
            #expect(try judge(copy, earlier: notes + [bad]) == "altered")
            #expect(try judge(copy, earlier: [bad]) == "altered")
        }
    }

    @Test("whose entries contradict each other is found out, although its box signed it")
    func contradictions() throws {
        let intent: [String: CanonicalJSON] = ["intent": .integer(1)]
        func judge(_ change: (Ledger) -> Void) throws -> String {
            let ledger = try Ledger()
            ledger.add("boot", at: 0)
            ledger.session(intent: 10, started: 12, stopped: 90)
            change(ledger)
            let copy = try ledger.copy()
            // The other verifier knows trees and signatures, not sessions.
            #expect(try ledger.isGoodElsewhere(copy))
            return kind { _ = try LogVerification.verify(copy) }
        }
        #expect(try judge { _ in } == "none")
        #expect(try judge { $0.add("started", at: 95, intent) } == "altered")
        #expect(try judge { $0.add("stopped", at: 95, intent) } == "altered")
        for index: Int64 in [0, 2, 4, 5, 9_007_199_254_740_991] {
            #expect(
                try judge { $0.add("started", at: 95, ["intent": .integer(index)]) } == "altered"
            )
        }
        #expect(try judge { $0.add("started", at: 95, ["intent": .string("1")]) } == "unreadable")
        #expect(try judge { $0.lines.append(Array("{}".utf8)) } == "unreadable")
        #expect(
            try judge { $0.lines.append(Array(#"{"time":1,"timeTrusted":2,"type":"x"}"#.utf8)) }
                == "unreadable"
        )
    }

    // MARK: Tokens

    @Test("has a session for every token, and had shown each teacher a state of its own")
    func tokens() throws {
        let empty = try ledger.token(shown: .empty)
        ledger.session(intent: 200, started: 201, stopped: 290, token: empty)
        let middle = try ledger.token(shown: MerkleTree(leaves: ledger.lines.prefix(8)).head)
        let whole = try ledger.token(shown: ledger.head)
        ledger.session(intent: 300, started: 301, stopped: 390, token: middle)
        ledger.session(intent: 400, started: nil, stopped: 490, token: whole)
        let verdict = try LogVerification.verify(ledger.copy(), tokens: [middle, empty, whole])
        #expect((verdict.tokensFound, verdict.sessions) == (3, 5))
    }

    @Test("is found out by a token that stands in no entry, or was shown another log")
    func foreignTokens() throws {
        let unknown = try ledger.token(shown: .empty)
        func judge(_ tokens: [String]) throws -> String {
            let copy = try ledger.copy()
            return kind { _ = try LogVerification.verify(copy, tokens: tokens) }
        }
        #expect(try judge([unknown]) == "altered")
        #expect(try judge([""]) == "altered")
        let other = MerkleTree(leaves: [[1], [2]])
        let future = MerkleTree(leaves: ledger.lines + [[1], [2], [3], [4], [5], [6]])
        for shown in [other.head, future.head] {
            let token = try ledger.token(shown: shown)
            ledger.session(intent: 200, started: 201, stopped: 290, token: token)
            #expect(try judge([token]) == "altered")
            #expect(try judge([]) == "none")
        }
        // One good token does not make up for a bad one.
        let good = try ledger.token(shown: ledger.head)
        ledger.session(intent: 300, started: 301, stopped: 390, token: good)
        #expect(try judge([good]) == "none")
        #expect(try judge([good, unknown]) == "altered")
        #expect(try judge([good + " "]) == "altered")
        // A log that was written anew with its own intent is not what the teacher saw.
        let rewritten = try Ledger()
        rewritten.add("boot", at: 1)
        rewritten.session(intent: 300, started: 301, stopped: 390, token: good)
        let copy = try rewritten.copy()
        #expect(kind { _ = try LogVerification.verify(copy, tokens: [good]) } == "altered")
        // A text whose hash is in the log and which is no token.
        ledger.session(intent: 500, started: nil, stopped: nil, token: "no token")
        #expect(try judge(["no token"]) == "altered")
    }

    // MARK: Copies

    @Test("is read from its folder as it was exported, and exported again over itself")
    func roundTrip() throws {
        let copy = try ledger.copy()
        let path = ledger.path + "/export"
        for _ in 0..<2 {
            try copy.export(to: path)
            let read = try LogCopy(folder: path)
            #expect(read.lines == copy.lines)
            #expect(read.checkpoint == copy.checkpoint)
            #expect(read.key == copy.key)
            #expect(try LogVerification.verify(read).entries == 7)
        }
        #expect(try Folder(path: path).names() == ["checkpoint", "entries", "vkey"])
        let empty = LogCopy(lines: [], checkpoint: [], key: "")
        try empty.export(to: path)
        #expect(try LogCopy(folder: path).lines.isEmpty)
        #expect(kind { _ = try LogCopy(folder: ledger.path + "/none") } == "unreadable")
    }

    @Test("whose file lost its last line feed, or got an empty line, is not taken for a whole one")
    func framing() throws {
        let copy = try ledger.copy()
        let path = ledger.path + "/export"
        try copy.export(to: path)
        let folder = try Folder(path: path)
        let good = try folder.read("entries", limit: 1 << 20)
        let middle = try #require(good.firstIndex(of: 0x0A))
        var gap = good
        gap.insert(0x0A, at: middle)
        for bad in [
            Array(good.dropLast()), good + [0x0A], [0x0A] + good, gap, good + Array("{".utf8),
            Array(good.dropLast(30)), [0x0A],
        ] {
            try folder.writeDurably("entries", bad, replacing: true)
            let found = kind { _ = try LogVerification.verify(try LogCopy(folder: path)) }
            #expect(found == "altered")
            #expect(try !ledger.isGoodElsewhere(path, key: copy.key))
        }
        for name in ["entries", "checkpoint", "vkey"] {
            try copy.export(to: path)
            try folder.remove(name)
            #expect(kind { _ = try LogCopy(folder: path) } == "unreadable")
        }
    }
}
