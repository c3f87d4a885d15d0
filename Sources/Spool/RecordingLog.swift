package import LinuxSystem

/// A recording's `log` as read from a folder: its leaves, in order.
package struct RecordingLog: Sendable {
    /// Far above a day of two-second segments with gaps.
    package static let byteLimit = 1 << 26

    package let leaves: [Leaf]
    /// The order after the last leaf.
    package let order: LeafOrder
    /// Length of the whole lines; a line that a crash cut short is not among them.
    package let wholeBytes: Int

    /// Every whole line; one that is no leaf, or cannot follow the ones before it, is damage.
    package init(parsing bytes: [UInt8], recording: String) throws(SpoolError) {
        let (sound, problem) = Self.beginning(of: bytes, recording: recording)
        if let problem { throw problem }
        self = sound
    }

    /// The leaves up to the first line that is none.
    ///
    /// For the authority, which knows how many it has signed for: a power cut may tear what was not
    /// synced anywhere, not only at its end.
    package init(beginningOf bytes: [UInt8], recording: String) {
        self = Self.beginning(of: bytes, recording: recording).sound
    }

    private static func beginning(
        of bytes: [UInt8],
        recording: String
    ) -> (sound: RecordingLog, problem: SpoolError?) {
        var leaves: [Leaf] = []
        var order = LeafOrder()
        var start = 0
        var problem: SpoolError?
        while problem == nil, let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            do {
                let leaf = try Leaf(parsing: Array(bytes[start..<end]))
                try order.accept(leaf)
                leaves.append(leaf)
                start = end + 1
            } catch let error as SpoolError {
                problem = error
            } catch {
                problem = .damaged(
                    recording: recording,
                    "line \(leaves.count + 1) of its log: \(error)"
                )
            }
        }
        return (RecordingLog(leaves: leaves, order: order, wholeBytes: start), problem)
    }

    package init(reading folder: borrowing Folder, recording: String) throws(SpoolError) {
        let bytes = try wrapping { () throws(SystemError) in
            try folder.read(SpoolName.log, limit: RecordingLog.byteLimit)
        }
        try self.init(parsing: bytes, recording: recording)
    }

    /// The leaves of a folder's log up to the first line that is none.
    package init(
        beginningIn folder: borrowing Folder,
        recording: String
    ) throws(SpoolError) {
        let bytes = try wrapping { () throws(SystemError) in
            try folder.read(SpoolName.log, limit: RecordingLog.byteLimit)
        }
        self.init(beginningOf: bytes, recording: recording)
    }

    private init(leaves: [Leaf], order: LeafOrder, wholeBytes: Int) {
        self.leaves = leaves
        self.order = order
        self.wholeBytes = wholeBytes
    }

    /// The log as it was when it had `count` leaves; all of it for nil.
    package func prefix(_ count: Int?) throws(SpoolError) -> RecordingLog {
        guard let count, count < leaves.count else { return self }
        var order = LeafOrder()
        for leaf in leaves.prefix(count) { try order.accept(leaf) }
        return RecordingLog(
            leaves: Array(leaves.prefix(count)),
            order: order,
            wholeBytes: leaves.prefix(count).reduce(0) { $0 + $1.line.count + 1 }
        )
    }

    /// The whole lines, without their line feeds: the leaves of the tree that a checkpoint signs.
    package var lines: [[UInt8]] { leaves.map(\.line) }

    /// Reason and time of the `end` leaf.
    package var end: (reason: String, time: Int64)? {
        for case .end(let reason, let time, _, _) in leaves.reversed() { return (reason, time) }
        return nil
    }

    /// Everything that the leaves vouch for, in the order of delivery: name and SHA-256 of token,
    /// card and receipt, then of every sealed object.
    package var contents: [Content] {
        let removed = removed
        return leaves.flatMap { leaf -> [Content] in
            if case .begin(let token, let card, let receipt) = leaf {
                return [
                    Content(name: SpoolName.token, sha256: token),
                    Content(name: SpoolName.card, sha256: card),
                    Content(name: SpoolName.receipt, sha256: receipt),
                ]
            }
            guard let object = leaf.object, !removed.contains(object.name) else { return [] }
            return [Content(name: object.name, sha256: object.sha256)]
        }
    }

    /// Names of the segments that cuts removed.
    package var removed: Set<String> {
        var removed: Set<String> = []
        for (index, leaf) in leaves.enumerated() {
            guard case .cut(let from, let to, _) = leaf else { continue }
            removed.formUnion(Self.segments(of: leaves[..<index], from: from, to: to))
        }
        return removed
    }

    /// The segments that touch a stretch: a part of a segment cannot be taken out alone.
    package static func segments(
        of leaves: some Sequence<Leaf>,
        from: Int64,
        to: Int64
    )
        -> [String]
    {
        leaves.compactMap { leaf in
            guard case .segment(let object, let start, let duration) = leaf,
                start < to, from < start + duration
            else { return nil }
            return object.name
        }
    }

    package struct Content: Sendable, Hashable {
        package let name: String
        /// Of the file's bytes, 32 bytes.
        package let sha256: [UInt8]

        package init(name: String, sha256: [UInt8]) {
            self.name = name
            self.sha256 = sha256
        }
    }
}
