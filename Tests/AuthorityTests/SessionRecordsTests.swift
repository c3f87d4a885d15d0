import Consent
import CryptoPrimitives
import LinuxSystem
import Spool
import Testing
import TransparencyLog

@testable import Authority

/// What a recorder may make the authority write: nothing but true leaves in their order.
@Suite("The records of a session")
struct SessionRecordsTests {
    let shop: Workshop

    init() throws { shop = try Workshop() }

    private func log() throws -> [UInt8] {
        try shop.folder.read("spool/\(Workshop.name(1))/log")
    }

    /// A recording whose run has begun.
    private func running() throws -> SessionRecords {
        let records = try shop.records()
        try shop.report(
            .run(initial: shop.object(SpoolName.initial(0)), tracks: Workshop.tracks),
            to: records
        )
        return records
    }

    private func segment(_ number: Int, start: Int64 = 0) throws -> Leaf {
        .segment(
            try shop.object(SpoolName.media(number)),
            start: start,
            duration: 2 * Workshop.second
        )
    }

    @Test("begin with the token, the card and the receipt, durable, and leaf 0 that names them")
    func create() throws {
        let start = try shop.start()
        let records = SessionRecords(
            spool: shop.spool,
            recorderGroup: nil,
            signer: shop.signer
        )
        try records.create(start, receipt: [1, 2])
        #expect(
            try shop.names(1) == [
                "card.json", "checkpoint", "log", "receipt.json.age", "token.jws",
            ]
        )
        let leaf = Leaf.begin(
            token: SHA256.hash(Array(start.tokenText.utf8)),
            card: SHA256.hash(shop.school.card.bytes),
            receipt: SHA256.hash([1, 2])
        )
        #expect(try log() == leaf.line + [0x0A])
        #expect(kind { try records.create(start, receipt: []) } == "exists")
    }

    @Test("take the leaves of a good recorder and count the seconds")
    func good() throws {
        let records = try running()
        for number in 1...3 {
            let leaf = try segment(number, start: Int64(number - 1) * 2 * Workshop.second)
            let line = String(decoding: leaf.line, as: UTF8.self)
            #expect(try records.append(line: line).committed == Int64(number) * 2)
        }
        try shop.report(.gap(source: "board", reason: "stall", from: 1, to: 2), to: records)
        try records.seal(.duration, time: 9)
        let end = try #require(try shop.log(1).end)
        #expect((end.reason, end.time) == ("duration", 9))
        try shop.expectSound(1)
    }

    @Test("keep the end that the recorder wrote, or write one themselves")
    func end() throws {
        let records = try running()
        let end = Leaf.end(reason: "stopped", time: 4, segments: 0, summary: nil)
        try shop.report(end, to: records)
        let before = try log()
        try records.seal(.failed, time: 9)
        #expect(try log() == before)
        try records.seal(.failed, time: 9)
        #expect(try log() == before)
        #expect(kind { try shop.report(end, to: records) } == "disorder")
        try SessionRecords(
            spool: shop.spool,
            recorderGroup: nil,
            signer: shop.signer
        ).seal(.failed, time: 9)
    }

    @Test("take nothing from a recorder that is no leaf, or not its to send, or out of order")
    func hostile() throws {
        let records = try running()
        let before = try log()
        let hash = [UInt8](repeating: 1, count: 32)
        let note = try Checkpoint(
            origin: Checkpoint.recordingOrigin(box: "box", recording: Workshop.name(1)),
            head: .empty
        ).signed(with: shop.school.box)
        let right = try segment(1)
        let good = String(decoding: right.line, as: UTF8.self)
        let lines: [String] = [
            "", "{}", "null", "\0", note.text, String(decoding: note.bytes, as: UTF8.self),
            "lenscap/box/activation\n1\nAAAA\n", good + "\n", good + "\n" + good, " " + good,
            good + note.text, good.replacing(":", with: ": "), good.replacing("seg", with: "Seg"),
            String(good.dropLast()), "[\(good)]", String(repeating: "[", count: 10_000),
            good.replacing("\"type\"", with: "\"time\":1,\"type\""),
            good.replacing("000001", with: "../../../etc/passwd"),
        ]
        for line in lines {
            #expect(kind { _ = try records.append(line: line) } == "disorder", "\(line.prefix(80))")
        }
        let object = try shop.object(SpoolName.media(2))
        let leaves: [Leaf] = [
            // Leaf 0 and the teacher's cut are not the recorder's to send.
            .begin(token: hash, card: hash, receipt: hash),
            .cut(from: 0, to: 99, order: hash),
            // Of another name, of one that was used, and of a file that is the authority's.
            .segment(object, start: 0, duration: 1),
            .segment(
                Leaf.Object(name: SpoolName.initial(0), bytes: 17, sha256: hash),
                start: 0,
                duration: 1
            ),
            .segment(
                Leaf.Object(name: "token.jws", bytes: 1, sha256: hash),
                start: 0,
                duration: 1
            ),
            .run(
                initial: Leaf.Object(name: SpoolName.media(1), bytes: 1, sha256: hash),
                tracks: Workshop.tracks
            ),
            .end(reason: "stopped", time: 1, segments: 1, summary: nil),
            .end(reason: "stopped", time: 1, segments: 0, summary: object),
            .gap(source: "board", reason: "stall", from: 2, to: 1),
        ]
        for leaf in leaves {
            #expect(kind { try shop.report(leaf, to: records) } == "disorder", "\(leaf)")
        }
        #expect(try log() == before)
        // And then the right one is taken.
        try shop.report(right, to: records)
    }

    @Test("take no leaf whose file is missing, shorter than it says, or a link")
    func files() throws {
        let records = try running()
        let before = try log()
        let hash = [UInt8](repeating: 1, count: 32)
        let missing = Leaf.Object(name: SpoolName.media(1), bytes: 3, sha256: hash)
        let leaf = Leaf.segment(missing, start: 0, duration: 1)
        #expect(kind { try shop.report(leaf, to: records) } == "disorder")
        try shop.folder.write("spool/\(Workshop.name(1))/000001.m4s.age", [1, 2])
        #expect(kind { try shop.report(leaf, to: records) } == "disorder")
        let path = "\(shop.spool)/\(Workshop.name(1))/000001.m4s.age"
        try shop.folder.write("elsewhere", [1, 2, 3])
        try shop.folder.run("ln", "-sf", "\(shop.folder.path)/elsewhere", path)
        #expect(kind { try shop.report(leaf, to: records) } == "disorder")
        #expect(try log() == before)
    }

    @Test("are cut while the recorder goes on, and end with what was left")
    func cut() throws {
        let records = try running()
        for number in 1...3 {
            try shop.report(
                segment(number, start: Int64(number - 1) * 2 * Workshop.second),
                to: records
            )
        }
        let order = Workshop.order(1, from: Workshop.second, to: 3 * Workshop.second)
        let removal = try records.cut(order, text: "the order", acknowledged: [])
        #expect(removal == Removal(deleted: 2, left: 0))
        try shop.report(segment(4, start: 6 * Workshop.second), to: records)
        try records.seal(.stopped, time: 5)
        let log = try shop.log(1)
        #expect(log.order.segments == 4)
        #expect(log.removed == ["000001.m4s.age", "000002.m4s.age"])
        #expect(
            try shop.names(1).filter { $0.hasSuffix("m4s.age") }
                == ["000003.m4s.age", "000004.m4s.age"]
        )
        try shop.expectSound(1)
        #expect(kind { _ = try records.cut(order, text: "", acknowledged: []) } == "disorder")
    }

    /// What stands where the next checkpoint is written first.
    private var obstacle: String { "\(shop.spool)/\(Workshop.name(1))/.checkpoint.part" }

    @Test("lose no segment to an error of the disk that is over when the lesson is")
    func passing() throws {
        let records = try running()
        try shop.report(segment(1), to: records)
        try shop.folder.run("mkdir", obstacle)
        let late = try [
            segment(2, start: 2 * Workshop.second),
            Leaf.gap(source: "board", reason: "stall", from: 1, to: 2),
            segment(3, start: 4 * Workshop.second),
        ]
        // The first is in the log and not signed for, the others are in memory alone.
        for leaf in late { #expect(kind { try shop.report(leaf, to: records) } == "system") }
        #expect(
            kind { try shop.report(.begin(token: [], card: [], receipt: []), to: records) }
                == "disorder"
        )
        try shop.folder.run("rmdir", obstacle)
        try records.seal(.failed, time: 9)
        try shop.expectSound(1)
        let log = try shop.log(1)
        #expect(log.lines.dropFirst(3).dropLast() == late.map(\.line)[...])
        #expect(log.end?.reason == "failed")
        #expect(shop.recover(time: 10).isEmpty)
        #expect(try shop.log(1).lines == log.lines)
    }

    @Test("keep the recorder's own end when they write late, and leave out what is not there")
    func late() throws {
        let records = try running()
        try shop.folder.run("mkdir", obstacle)
        #expect(kind { try shop.report(segment(1), to: records) } == "system")
        let lost = try segment(2, start: 2 * Workshop.second)
        #expect(kind { try shop.report(lost, to: records) } == "system")
        try shop.folder.run("rm", "\(shop.spool)/\(Workshop.name(1))/000002.m4s.age")
        let end = Leaf.end(reason: "space", time: 4, segments: 1, summary: nil)
        #expect(kind { try shop.report(end, to: records) } == "system")
        try shop.folder.run("rmdir", obstacle)
        try records.seal(.failed, time: 9)
        try shop.expectSound(1)
        #expect(try shop.log(1).end?.reason == "space")
        #expect(try shop.log(1).order.segments == 1)
    }

    @Test("stay as they are on a disk that is broken for good, until a recovery")
    func broken() throws {
        let records = try running()
        try shop.report(segment(1), to: records)
        try shop.folder.run("mkdir", obstacle)
        let second = try segment(2, start: 2 * Workshop.second)
        #expect(kind { try shop.report(second, to: records) } == "system")
        #expect(kind { try records.seal(.failed, time: 9) } == "system")
        #expect(try shop.log(1).end == nil)
        #expect(try shop.checkpoint(1).size == 3)
        try shop.folder.run("rmdir", obstacle)
        #expect(shop.recover(time: 10).isEmpty)
        try shop.expectSound(1)
        #expect(try shop.log(1).order.segments == 2)
        #expect(try shop.log(1).end?.reason == "interrupted")
    }
}
