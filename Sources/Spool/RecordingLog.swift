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

    package init(parsing bytes: [UInt8], recording: String) throws(SpoolError) {
        var leaves: [Leaf] = []
        var order = LeafOrder()
        var start = 0
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let leaf: Leaf
            do {
                leaf = try Leaf(parsing: Array(bytes[start..<end]))
            } catch {
                throw .damaged(
                    recording: recording,
                    "line \(leaves.count + 1) of its log: \(error)"
                )
            }
            try order.accept(leaf)
            leaves.append(leaf)
            start = end + 1
        }
        self.leaves = leaves
        self.order = order
        wholeBytes = start
    }

    package init(reading folder: borrowing Folder, recording: String) throws(SpoolError) {
        let bytes = try wrapping { () throws(SystemError) in
            try folder.read(SpoolName.log, limit: RecordingLog.byteLimit)
        }
        try self.init(parsing: bytes, recording: recording)
    }

    /// Reason and time of the `end` leaf.
    package var end: (reason: String, time: Int64)? {
        guard case .end(let reason, let time, _, _)? = leaves.last else { return nil }
        return (reason, time)
    }

    /// Everything that the leaves vouch for, in the order of delivery: name and SHA-256 of token,
    /// card and receipt, then of every sealed object.
    package var contents: [Content] {
        leaves.flatMap { leaf -> [Content] in
            if case .begin(let token, let card, let receipt) = leaf {
                return [
                    Content(name: SpoolName.token, sha256: token),
                    Content(name: SpoolName.card, sha256: card),
                    Content(name: SpoolName.receipt, sha256: receipt),
                ]
            }
            return leaf.object.map { [Content(name: $0.name, sha256: $0.sha256)] } ?? []
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
