import CryptoPrimitives
import LinuxSystem
import Testing

@testable import Spool

@Suite("A stretch that the teacher takes out")
struct CutTests {
    static let order = [UInt8](repeating: 3, count: 32)
    let spool: TemporaryFolder

    init() throws { spool = try TemporaryFolder() }

    private static func leaf(_ from: Int64, _ to: Int64) -> Leaf {
        .cut(from: from, to: to, order: order)
    }

    private func log() throws -> RecordingLog {
        try RecordingLog(parsing: spool.read(Lesson.recording, "log"), recording: "")
    }

    private func cut(
        _ from: Int64,
        _ to: Int64,
        acknowledged: Set<Acknowledgement> = []
    ) throws -> Removal {
        var open = try OpenRecording.recover(Lesson.recording, in: try spool.folder())
        let removal = try open.cut(
            from: from,
            to: to,
            order: Self.order,
            acknowledged: acknowledged
        )
        try open.removeCut()
        return removal
    }

    private func media() throws -> [String] {
        try spool.names(Lesson.recording).filter { $0.hasSuffix(".m4s.age") }
    }

    @Test("is a leaf that is read as it was written, and in no other spelling")
    func leaf() throws {
        for leaf in [Self.leaf(0, 0), Self.leaf(1, 9_007_199_254_740_991)] {
            #expect(try Leaf(parsing: leaf.line) == leaf)
            #expect(leaf.object == nil)
        }
        guard case .object(let good) = try CanonicalJSON(parsing: Self.leaf(1, 2).line) else {
            Issue.record("not an object")
            return
        }
        #expect(good.keys.sorted() == ["from", "order", "to", "type"])
        let short = CanonicalJSON.string(Base64URL.encode([UInt8](repeating: 3, count: 31)))
        var variants: [[String: CanonicalJSON]] = [
            ("order", short), ("order", .string("")), ("from", .array([])),
            ("to", .string("2")), ("name", .string("000001.m4s.age")), ("type", .string("Cut")),
        ].map { (name: String, value: CanonicalJSON) in good.merging([name: value]) { $1 } }
        variants += ["from", "order", "to"].map { missing in good.filter { $0.key != missing } }
        for members in variants {
            #expect(throws: CanonicalJSONError.self, "\(members)") {
                try Leaf(parsing: CanonicalJSON.object(members).bytes)
            }
        }
    }

    @Test("stands after a run has begun or the recording has ended, and nowhere else")
    func order() throws {
        let begin = Leaf.begin(token: Self.order, card: Self.order, receipt: Self.order)
        let run = Leaf.run(initial: LeafTests.object("000000.init.age"), tracks: Lesson.tracks)
        let end = Leaf.end(reason: "stopped", time: 1, segments: 0, summary: nil)
        func accepts(_ leaves: [Leaf]) -> Bool {
            var order = LeafOrder()
            for leaf in leaves {
                do throws(SpoolError) { try order.accept(leaf) } catch { return false }
            }
            return true
        }
        let cut = Self.leaf(0, 5)
        #expect(accepts([begin, run, cut]))
        #expect(accepts([begin, run, cut, cut, end, cut, cut]))
        #expect(accepts([begin, end, cut]))
        #expect(!accepts([cut]))
        #expect(!accepts([begin, cut]))
        #expect(!accepts([begin, run, Self.leaf(6, 5)]))
        // It opens nothing that the end has closed.
        #expect(!accepts([begin, run, end, cut, end]))
        #expect(!accepts([begin, run, end, cut, run]))
    }

    @Test(
        "takes every segment that it touches with it, and no other",
        arguments: [
            (0, 1, [1]), (0, 2, [1]), (0, 0, []), (2, 2, []), (3, 3, [2]), (1, 3, [1, 2]),
            (2, 3, [2]), (2, 4, [2]), (5, 6, [3]), (0, 6, [1, 2, 3]), (6, 99, []), (5, 99, [3]),
        ] as [(Int64, Int64, [Int])]
    )
    func touched(from: Int64, to: Int64, gone: [Int]) throws {
        try Lesson.record(in: spool.path, segments: 3)
        let before = try log().contents
        let removal = try cut(from * Lesson.second, to * Lesson.second)
        #expect(removal == Removal(deleted: gone.count, left: 0))
        let names = Set(gone.map { SpoolName.media($0) })
        #expect(try log().removed == names)
        #expect(try log().contents == before.filter { !names.contains($0.name) })
        #expect(try Set(media()) == Set((1...3).map { SpoolName.media($0) }).subtracting(names))
        #expect(try log().leaves.last == Self.leaf(from * Lesson.second, to * Lesson.second))
        #expect(try log().order.hasEnded)
        #expect(try log().end?.reason == "stopped")
    }

    @Test("twice takes nothing more, and says what the account has already")
    func again() throws {
        try Lesson.record(in: spool.path, segments: 3)
        let all = try Lesson.acknowledgements(in: spool.path)
        let some = all.filter { $0.name == SpoolName.media(1) || $0.name == SpoolName.media(3) }
        #expect(
            try cut(0, 3 * Lesson.second, acknowledged: some) == Removal(deleted: 2, left: 1)
        )
        #expect(try cut(0, 3 * Lesson.second, acknowledged: some) == Removal())
        #expect(try cut(0, 9 * Lesson.second, acknowledged: some) == Removal(deleted: 1, left: 1))
        #expect(try media().isEmpty)
        #expect(try log().contents.map(\.name).contains(SpoolName.initial(0)))
    }

    @Test("leaves what is recorded after it alone")
    func running() throws {
        try Lesson.record(in: spool.path, segments: 2, ends: false)
        var open = try OpenRecording.recover(Lesson.recording, in: try spool.folder())
        let removal = try open.cut(
            from: 0,
            to: 99 * Lesson.second,
            order: Self.order,
            acknowledged: []
        )
        #expect(removal.deleted == 2)
        #expect(try media().count == 2)
        try open.removeCut()
        let writer = try ObjectWriter(recording: Lesson.recording, spool: spool.path)
        let object = try writer.write(SpoolName.media(3), Lesson.bytes(3))
        try open.append(
            .segment(object, start: 4 * Lesson.second, duration: 2 * Lesson.second)
        )
        #expect(try log().removed == [SpoolName.media(1), SpoolName.media(2)])
        #expect(try media() == [SpoolName.media(3)])
        try open.append(.end(reason: "stopped", time: 1, segments: 3, summary: nil))
        #expect(
            try log().contents.map(\.name).filter { $0.hasSuffix("m4s.age") } == [
                SpoolName.media(3)
            ]
        )
    }

    @Test("does not keep the rest from being delivered and removed")
    func delivered() throws {
        try Lesson.record(in: spool.path, segments: 3)
        let before = try Lesson.acknowledgements(in: spool.path)
        _ = try cut(0, 1)
        func remove(_ acknowledged: Set<Acknowledgement>) throws -> Bool {
            try SpoolFolder.removeIfDelivered(
                Lesson.recording,
                spool: spool.path,
                acknowledged: acknowledged
            )
        }
        // The log is another one now.
        #expect(try !remove(before))
        let all = try Lesson.acknowledgements(in: spool.path)
        #expect(!all.contains { $0.name == SpoolName.media(1) })
        #expect(try remove(all))
        #expect(try spool.folder().names().isEmpty)
    }
}

@Suite("A recording that its teacher discards")
struct DeletionTests {
    static let order = Array("the order's text".utf8)
    let spool: TemporaryFolder

    init() throws { spool = try TemporaryFolder() }

    private func delete(_ acknowledged: Set<Acknowledgement> = []) throws -> Removal {
        try SpoolFolder.delete(
            Lesson.recording,
            spool: spool.path,
            order: Self.order,
            acknowledged: acknowledged
        )
    }

    @Test("leaves its tombstone with the order and nothing else")
    func tombstone() throws {
        try Lesson.record(in: spool.path)
        try spool.write("\(Lesson.recording)/.000009.m4s.age.part", [1])
        #expect(try delete() == Removal(deleted: 9, left: 0))
        let name = SpoolName.tombstone(Lesson.recording)
        #expect(try spool.folder().names() == [name])
        #expect(try spool.folder().read(name, limit: 100) == Self.order)
        // Once more changes nothing, whatever the order.
        #expect(
            try SpoolFolder.delete(Lesson.recording, spool: spool.path, order: [], acknowledged: [])
                == Removal()
        )
        #expect(try spool.folder().read(name, limit: 100) == Self.order)
        #expect(try !SpoolFolder.finishDeletion(Lesson.recording, spool: spool.path))
    }

    @Test("counts what the account has of it and of no other")
    func left() throws {
        try Lesson.record(in: spool.path)
        var all = try Lesson.acknowledgements(in: spool.path)
        all.insert(Acknowledgement(recording: "other", name: "log", sha256: Lesson.token))
        #expect(try delete(all) == Removal(deleted: 9, left: 9))
    }

    @Test("may be one that has not ended, or whose log is damaged or lost")
    func unended() throws {
        for damage in ["none", "log", "lost"] {
            let spool = try TemporaryFolder()
            try Lesson.record(in: spool.path, ends: false)
            if damage == "log" { try spool.write("\(Lesson.recording)/log", [1, 2]) }
            if damage == "lost" { try spool.folder().folder(Lesson.recording).remove("log") }
            _ = try SpoolFolder.delete(
                Lesson.recording,
                spool: spool.path,
                order: Self.order,
                acknowledged: []
            )
            #expect(try spool.folder().names() == [SpoolName.tombstone(Lesson.recording)])
        }
    }

    @Test("is not deleted through a planted link, and what a link inside leads to stays")
    func planted() throws {
        try Lesson.record(in: spool.path)
        let other = try TemporaryFolder()
        _ = try runCommand(
            "ln",
            ["-s", "\(spool.path)/\(Lesson.recording)", "\(other.path)/\(Lesson.recording)"]
        )
        #expect(
            kind {
                _ = try SpoolFolder.delete(
                    Lesson.recording,
                    spool: other.path,
                    order: Self.order,
                    acknowledged: []
                )
            } != "none"
        )
        #expect(try spool.names(Lesson.recording).count == 9)
        try other.write("precious", [1])
        _ = try runCommand(
            "ln",
            ["-s", "\(other.path)/precious", "\(spool.path)/\(Lesson.recording)/x"]
        )
        _ = try delete()
        #expect(try other.folder().read("precious", limit: 9) == [1])
    }
}
