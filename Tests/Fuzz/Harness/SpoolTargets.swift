internal import CryptoPrimitives
internal import Spool

extension FuzzTarget {
    /// Leaves, acknowledgements and a whole log.
    static let leaf = FuzzTarget(
        name: "leaf",
        longest: 8192,
        run: { input in
            if let leaf = accepted({ try Leaf(parsing: input) }) {
                expect(leaf.line == input, "a leaf is its own serialisation")
            }
            if let entry = accepted({ try Acknowledgement(parsing: input) }) {
                expect(entry.line == input, "an acknowledgement is its own serialisation")
            }
            guard let log = accepted({ try RecordingLog(parsing: input, recording: "fuzz") }) else {
                return
            }
            let lines = log.leaves.flatMap { $0.line + [UInt8(ascii: "\n")] }
            expect(lines == Array(input[..<log.wholeBytes]), "a log is its own serialisation")
            expect(!input[log.wholeBytes...].contains(UInt8(ascii: "\n")), "no line is left out")
            checkOrder(log)
        },
        seeds: {
            let leaves = exampleLeaves
            let log = leaves.flatMap { $0.line + [UInt8(ascii: "\n")] }
            let acknowledgement = Acknowledgement(
                recording: "000102030405060708090a0b0c0d0e0f",
                name: SpoolName.token,
                sha256: hash("token")
            )
            return leaves.map(\.line)
                + [acknowledgement.line, log, Array(log.dropLast(40)), []]
        }
    )
}

private let exampleLeaves: [Leaf] = [
    .begin(token: hash("token"), card: hash("card"), receipt: hash("receipt")),
    .run(
        initial: object(SpoolName.initial(0)),
        tracks: [
            Leaf.Track(source: "board", kind: "video"), Leaf.Track(source: "desk", kind: "audio"),
        ]
    ),
    .segment(object(SpoolName.media(1)), start: 0, duration: 2_000_000_000),
    .gap(source: "desk", reason: "xrun", from: 2_000_000_000, to: 2_100_000_000),
    .segment(object(SpoolName.media(2)), start: 2_000_000_000, duration: 2_000_000_000),
    .cut(from: 0, to: 1_000_000_000, order: hash("order")),
    .end(
        reason: "stopped",
        time: School.now,
        segments: 2,
        summary: object(SpoolName.summary)
    ),
    .cut(from: 3_000_000_000, to: 4_000_000_000, order: hash("another order")),
]

private func hash(_ text: String) -> [UInt8] { SHA256.hash(Array(text.utf8)) }

private func object(_ name: String) -> Leaf.Object {
    Leaf.Object(name: name, bytes: 4711, sha256: hash(name))
}

private func isCut(_ leaf: Leaf) -> Bool {
    if case .cut = leaf { true } else { false }
}

/// The rules of the order, counted over the whole log instead of leaf by leaf.
private func checkOrder(_ log: RecordingLog) {
    var segments: Int64 = 0
    var objects = 0
    for (index, leaf) in log.leaves.enumerated() {
        if case .begin = leaf { expect(index == 0, "a log begins once") }
        if case .run = leaf { objects += 1 }
        if case .segment = leaf {
            objects += 1
            segments += 1
        }
        if case .end = leaf {
            let rest = log.leaves[(index + 1)...]
            expect(rest.allSatisfy(isCut), "nothing but cuts follows an end")
        }
    }
    expect(log.order.segments == segments, "segments are counted")
    let names = log.contents.map(\.name)
    expect(Set(names).count == names.count, "no name stands for two files")
    expect(names.count + log.removed.count >= objects, "what was not removed is there")
    expect(log.removed.isDisjoint(with: names), "what was removed is not")
    expect(log.order.hasEnded == (log.end != nil), "an end is seen")
}
