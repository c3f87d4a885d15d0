import Consent
import CryptoPrimitives
import LinuxSystem
import Spool
import Testing
import TransparencyLog

@testable import Authority

@Suite("The signature over a recording")
struct SignedRecordingTests {
    let shop: Workshop

    init() throws { shop = try Workshop() }

    private var place: String { "spool/\(Workshop.name(1))" }

    private func write(log lines: some Collection<[UInt8]>) throws {
        try shop.folder.write("\(place)/log", lines.flatMap { $0 + [0x0A] })
    }

    private func found() throws -> FoundRecording {
        try FoundRecording(
            Workshop.name(1),
            in: try Folder(path: shop.spool),
            signer: shop.signer
        )
    }

    @Test("covers every line from leaf 0 on, and is what the recorder is told")
    func grows() throws {
        let records = try shop.records()
        #expect(try shop.checkpoint(1).size == 1)
        try shop.expectSound(1)
        let run = Leaf.run(
            initial: try shop.object(SpoolName.initial(0)),
            tracks: Workshop.tracks
        )
        let progress = try records.append(line: String(decoding: run.line, as: UTF8.self))
        try shop.expectSound(1)
        #expect(progress.signed == 2)
        #expect(try Array(progress.note.utf8) == shop.folder.read("\(place)/checkpoint"))
        let gap = Leaf.gap(source: "board", reason: "stall", from: 1, to: 2)
        #expect(try records.append(line: String(decoding: gap.line, as: UTF8.self)).signed == 3)
        try shop.expectSound(1)
        try records.seal(.stopped, time: 5)
        try shop.expectSound(1)
        #expect(try shop.checkpoint(1).size == 4)
    }

    @Test("is put over whole lines that a crash left unsigned, and over the end after them")
    func longer() throws {
        try shop.record(1)
        let lines = try shop.log(1).lines
        let notes = try (1...lines.count).map { count in
            try shop.signer.note(
                over: MerkleTree(leaves: lines.prefix(count)).head,
                of: Workshop.name(1)
            )
        }
        for (index, note) in notes.enumerated() {
            try write(log: lines)
            try shop.folder.write("\(place)/checkpoint", note)
            #expect(try found().signed == index + 1)
            #expect(try found().kept == lines.count)
            #expect(shop.recover(time: 7).isEmpty)
            try shop.expectSound(1)
            #expect(try shop.log(1).lines.dropLast() == lines[...])
            #expect(try shop.log(1).end?.reason == "interrupted")
        }
        // Leaf 0 alone may stand without one.
        try shop.folder.run("rm", "\(shop.folder.path)/\(place)/checkpoint")
        try write(log: lines.prefix(1))
        #expect(shop.recover(time: 7).isEmpty)
        try shop.expectSound(1)
    }

    @Test("is not put over a line that a power cut tore in its middle, nor over what follows it")
    func torn() throws {
        try shop.record(1)
        let lines = try shop.log(1).lines
        let note = try shop.signer.note(
            over: MerkleTree(leaves: lines.prefix(3)).head,
            of: Workshop.name(1)
        )
        for torn in 3..<lines.count {
            var bad = lines
            bad[torn].replaceSubrange(5..<9, with: [0, 0, 0, 0])
            try write(log: bad)
            try shop.folder.write("\(place)/checkpoint", note)
            #expect(shop.recover(time: 7).isEmpty)
            try shop.expectSound(1)
            #expect(try shop.log(1).lines.dropLast() == lines.prefix(torn))
        }
    }

    @Test(
        "is not put over a line whose file is missing, altered, cut short or a link",
        arguments: ["missing", "altered", "short", "link"]
    )
    func unsound(how: String) throws {
        try shop.record(1)
        let lines = try shop.log(1).lines
        // Signed up to the first segment; the second's file is not what its line says.
        let note = try shop.signer.note(
            over: MerkleTree(leaves: lines.prefix(3)).head,
            of: Workshop.name(1)
        )
        try shop.folder.write("\(place)/checkpoint", note)
        let file = "\(place)/000002.m4s.age"
        let good = try shop.folder.read(file)
        switch how {
        case "missing": try shop.folder.run("rm", "\(shop.folder.path)/\(file)")
        case "altered": try shop.folder.write(file, good.dropLast() + [0])
        case "short": try shop.folder.write(file, Array(good.dropLast()))
        default:
            try shop.folder.run("mv", "\(shop.folder.path)/\(file)", "\(shop.folder.path)/x")
            try shop.folder.run("ln", "-s", "\(shop.folder.path)/x", "\(shop.folder.path)/\(file)")
        }
        let problems = shop.recover(time: 7)
        #expect(problems.count == 1)
        #expect("\(problems)".contains("2 lines that were never signed"))
        try shop.expectSound(1)
        #expect(try shop.log(1).lines.dropLast() == lines.prefix(3))
        #expect(try shop.log(1).order.segments == 1)
        // Said once; then it is as it is.
        #expect(shop.recover(time: 8).isEmpty)
        try shop.expectSound(1)
    }

    @Test("is never put over a log that is shorter than it, or is not what it stands for")
    func contradicted() throws {
        try shop.record(1, ended: 5)
        let log = try shop.folder.read("\(place)/log")
        let lines = try shop.log(1).lines
        let note = try shop.folder.read("\(place)/checkpoint")
        var bad: [[UInt8]] = (0..<lines.count).map { count in
            lines.prefix(count).flatMap { $0 + [0x0A] }
        }
        bad.append(Array(log.dropLast()))
        let gap = Leaf.gap(source: "board", reason: "stall", from: 1, to: 2).line
        bad.append((lines.prefix(2) + [gap] + lines.dropFirst(2)).flatMap { $0 + [0x0A] })
        let changed = String(decoding: log, as: UTF8.self)
            .replacing("\"start\":2000000000", with: "\"start\":2000000001")
        bad.append(Array(changed.utf8))
        for log in bad {
            try shop.folder.write("\(place)/log", log)
            let names = try shop.names(1)
            #expect(shop.recover(time: 9).count == 1, "\(log.count)")
            #expect(try shop.folder.read("\(place)/log") == log)
            #expect(try shop.folder.read("\(place)/checkpoint") == note)
            #expect(try shop.names(1) == names)
            #expect(
                kind {
                    _ = try SpoolKeeper.cut(
                        Workshop.order(1, from: 0, to: Workshop.second),
                        text: "the order",
                        spool: shop.spool,
                        signer: shop.signer,
                        acknowledged: []
                    )
                } == "damaged"
            )
            #expect(try shop.folder.read("\(place)/log") == log)
        }
        try shop.folder.write("\(place)/log", log)
        #expect(shop.recover(time: 9).isEmpty)
    }

    @Test("by another box, over another recording, or missing beside a longer log is damage")
    func foreign() throws {
        try shop.record(1)
        let head = MerkleTree(leaves: try shop.log(1).lines).head
        let stranger = RecordingSigner(key: try SigningKey.generate(.edDSA))
        let good = try shop.folder.read("\(place)/checkpoint")
        let notes = [
            try stranger.note(over: head, of: Workshop.name(1)),
            try shop.signer.note(over: head, of: Workshop.name(2)),
            [], Array("garbage".utf8), Array(good.dropLast()),
        ]
        for note in notes {
            try shop.folder.write("\(place)/checkpoint", note)
            #expect(shop.recover(time: 9).count == 1)
            #expect(try shop.folder.read("\(place)/checkpoint") == note)
            #expect(try shop.log(1).end == nil)
        }
        try shop.folder.run("rm", "\(shop.folder.path)/\(place)/checkpoint")
        #expect(shop.recover(time: 9).count == 1)
        #expect(try shop.log(1).end == nil)
        try shop.folder.write("\(place)/checkpoint", good)
        #expect(shop.recover(time: 9).isEmpty)
        try shop.expectSound(1)
    }

    @Test("stands over a cut before any file of it goes")
    func cut() throws {
        try shop.record(1, ended: 5)
        _ = try SpoolKeeper.cut(
            Workshop.order(1, from: 0, to: Workshop.second),
            text: "the order",
            spool: shop.spool,
            signer: shop.signer,
            acknowledged: []
        )
        try shop.expectSound(1)
        #expect(try !shop.names(1).contains("000001.m4s.age"))
    }
}
