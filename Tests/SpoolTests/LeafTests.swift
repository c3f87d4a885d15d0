import CryptoPrimitives
import Testing

@testable import Spool

@Suite("A leaf")
struct LeafTests {
    static let hash = [UInt8](repeating: 5, count: 32)

    static func object(_ name: String, bytes: Int64 = 10) -> Leaf.Object {
        Leaf.Object(name: name, bytes: bytes, sha256: hash)
    }

    static let all: [Leaf] = [
        .begin(token: hash, card: hash.map { $0 + 1 }, receipt: hash.map { $0 + 2 }),
        .run(
            initial: object("000000.init.age"),
            tracks: [
                Leaf.Track(source: "board", kind: "video"),
                Leaf.Track(source: "desk", kind: "audio"),
            ]
        ),
        .segment(object("000001.m4s.age"), start: 0, duration: 2_000_000_000),
        .gap(source: "board", reason: "stall", from: 1, to: 2),
        .end(reason: "stopped", time: 1_800_000_000, segments: 1, summary: nil),
        .end(reason: "stopped", time: 0, segments: 0, summary: object("summary.json.age")),
    ]

    @Test("is read back from its line as it was", arguments: all)
    func roundTrip(leaf: Leaf) throws {
        #expect(try Leaf(parsing: leaf.line) == leaf)
        #expect(!leaf.line.contains(UInt8(ascii: "\n")))
    }

    @Test("in any other spelling is refused", arguments: all)
    func hostile(leaf: Leaf) throws {
        guard case .object(let members) = try CanonicalJSON(parsing: leaf.line) else {
            Issue.record("not an object")
            return
        }
        var variants: [[UInt8]] = []
        for (name, value) in members {
            let isOptional = name == "summary"
            for other in [
                CanonicalJSON.array([]), .object([:]), .array([value]), .string("\u{1}é"),
            ] where (try? other.validate()) != nil {
                variants.append(changed(members, name, other))
            }
            if case .string = value {
                variants.append(changed(members, name, .integer(1)))
            } else {
                variants.append(changed(members, name, .string("1")))
            }
            if !isOptional { variants.append(changed(members, name, nil)) }
        }
        let good = String(decoding: leaf.line, as: UTF8.self)
        let texts: [String] = [
            good + "\n", good + " ", " " + good, good + good, String(good.dropLast()) + ",}", "",
            good.replacing(":", with: ": "), good.replacing("\"type\"", with: "\"Type\""),
            good.replacing("\"type\"", with: "\"\\u0074ype\""),
            String(good.dropLast()) + ",\"type\":\"gap\"}", String(good.dropLast()) + ",\"zz\":1}",
            "{\"a\":1," + String(good.dropFirst()), "[\(good)]", "{}", "null",
        ]
        variants += texts.map { Array($0.utf8) }
        variants.append(changed(members, "type", .string("cut!")))
        #expect(variants.count == 16 + members.count * 5 - (members["summary"] == nil ? 0 : 1))
        for variant in variants {
            #expect(throws: CanonicalJSONError.self) { _ = try Leaf(parsing: variant) }
        }
    }

    private func changed(
        _ members: [String: CanonicalJSON],
        _ name: String,
        _ value: CanonicalJSON?
    ) -> [UInt8] {
        var members = members
        members[name] = value
        return CanonicalJSON.object(members).bytes
    }

    @Test("has hashes of 32 bytes", arguments: [0, 31, 33])
    func hashLength(count: Int) throws {
        let short = [UInt8](repeating: 0, count: count)
        for leaf in [
            Leaf.begin(token: short, card: Self.hash, receipt: Self.hash),
            .segment(
                Leaf.Object(name: "000001.m4s.age", bytes: 1, sha256: short),
                start: 0,
                duration: 1
            ),
        ] {
            #expect(throws: CanonicalJSONError.self) { _ = try Leaf(parsing: leaf.line) }
        }
    }
}

@Suite("The order of leaves")
struct LeafOrderTests {
    private enum Kind: CaseIterable { case begin, run, segment, gap, end }

    /// begin, then runs, segments after a run, gaps anywhere between, then the end and no more:
    /// said once more, as a grammar.
    private func isOrderly(_ kinds: [Kind]) -> Bool {
        guard let first = kinds.first else { return true }
        guard first == .begin else { return false }
        let inner = kinds.dropFirst()
        let body = inner.last == .end ? inner.dropLast() : inner
        guard !body.contains(.begin), !body.contains(.end) else { return false }
        guard let segment = body.firstIndex(of: .segment) else { return true }
        return body[..<segment].contains(.run)
    }

    @Test("accepts exactly the sequences that it should, of all up to five leaves")
    func walk() {
        var sequences: [[Kind]] = [[]]
        var accepted = 0
        var walked = 0
        for _ in 0..<5 {
            sequences = sequences.flatMap { before in Kind.allCases.map { before + [$0] } }
            for sequence in sequences {
                let isAccepted = accepts(sequence)
                #expect(isAccepted == isOrderly(sequence), "\(sequence)")
                walked += 1
                accepted += isAccepted ? 1 : 0
            }
        }
        #expect(walked == 5 + 25 + 125 + 625 + 3125)
        #expect(accepted > 50)
    }

    private func accepts(_ kinds: [Kind]) -> Bool {
        var order = LeafOrder()
        var object = 0
        var segments: Int64 = 0
        for kind in kinds {
            let leaf: Leaf
            switch kind {
            case .begin:
                leaf = LeafTests.all[0]
            case .run:
                leaf = .run(
                    initial: LeafTests.object(SpoolName.initial(object)),
                    tracks: Lesson.tracks
                )
            case .segment:
                leaf = .segment(
                    LeafTests.object(SpoolName.media(object)),
                    start: 0,
                    duration: 1
                )
            case .gap:
                leaf = .gap(source: "board", reason: "stall", from: 0, to: 0)
            case .end:
                leaf = .end(reason: "stopped", time: 0, segments: segments, summary: nil)
            }
            do throws(SpoolError) { try order.accept(leaf) } catch { return false }
            if kind == .run || kind == .segment { object += 1 }
            if kind == .segment { segments += 1 }
        }
        return true
    }

    @Test("refuses a leaf with another name, number, length or count, and stays as it was")
    func values() throws {
        var order = LeafOrder()
        try order.accept(LeafTests.all[0])
        try order.accept(LeafTests.all[1])
        try order.accept(.segment(LeafTests.object("000001.m4s.age"), start: 4, duration: 2))
        func segment(
            _ name: String,
            bytes: Int64 = 1,
            start: Int64 = 6,
            duration: Int64 = 2
        ) -> Leaf {
            .segment(LeafTests.object(name, bytes: bytes), start: start, duration: duration)
        }
        let end = { (count: Int64, name: String?) in
            Leaf.end(
                reason: "r",
                time: 0,
                segments: count,
                summary: name.map { LeafTests.object($0) }
            )
        }
        let refused: [Leaf] = [
            segment("000001.m4s.age"), segment("000003.m4s.age"), segment("000002.init.age"),
            segment("2.m4s.age"), segment("000002.m4s.age "), segment("../000002.m4s.age"),
            segment("./000002.m4s.age"), segment(""), segment("log"), segment("token.jws"),
            segment("000002.m4s"), segment(".000002.m4s.age.part"),
            segment("000002.m4s.age", bytes: 0), segment("000002.m4s.age", duration: 0),
            segment("000002.m4s.age", start: .max), segment("000002.m4s.age", duration: .max),
            .run(initial: LeafTests.object("000000.init.age"), tracks: Lesson.tracks),
            .run(initial: LeafTests.object("000002.m4s.age"), tracks: Lesson.tracks),
            .gap(source: "board", reason: "stall", from: 2, to: 1),
            end(0, nil), end(2, nil), end(1, "summary"), end(1, "../summary.json.age"),
            end(1, "000002.m4s.age"), LeafTests.all[0],
        ]
        #expect(refused.count == 25)
        for leaf in refused {
            #expect(kind { try order.accept(leaf) } == "disorder", "\(leaf)")
        }
        #expect(order.segments == 1)
        #expect(order.committed == 6)
        try order.accept(segment("000002.m4s.age", start: 3, duration: 1))
        #expect(order.committed == 6)
        try order.accept(end(2, "summary.json.age"))
        #expect(order.hasEnded)
        #expect(kind { try order.accept(end(2, nil)) } == "disorder")
    }
}

@Suite("A name in the spool")
struct SpoolNameTests {
    @Test("counts over six digits and goes on beyond them")
    func numbers() {
        #expect(SpoolName.initial(0) == "000000.init.age")
        #expect(SpoolName.media(42) == "000042.m4s.age")
        #expect(SpoolName.media(999_999) == "999999.m4s.age")
        #expect(SpoolName.media(1_000_000) == "1000000.m4s.age")
    }

    @Test(
        "is a recording only with 32 lower-case hexadecimal digits",
        arguments: [
            "", "0", "../etc", "000102030405060708090A0B0C0D0E0F",
            "000102030405060708090a0b0c0d0e0",
            "000102030405060708090a0b0c0d0e0ff", "000102030405060708090a0b0c0d0e0g",
            "000102030405060708090a0b0c0d0e0f.deleted", "00010203040506070809 a0b0c0d0e0f",
            "０00102030405060708090a0b0c0d0e", "lost+found",
        ]
    )
    func notRecordings(name: String) {
        #expect(!SpoolName.isRecording(name))
        #expect(SpoolName.isRecording(Lesson.recording))
    }
}
