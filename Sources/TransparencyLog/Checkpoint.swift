package import CryptoPrimitives

/// What a log signs about itself: which log it is, and its head (C2SP tlog-checkpoint).
///
/// Checkpoints with extension lines are refused, because nobody can check what those say.
package struct Checkpoint: Sendable, Hashable {
    /// The log's name, and the name of its key in notes: visible ASCII without `+`, which C2SP
    /// recommends and which makes equal strings equal bytes.
    package let origin: String
    package let head: TreeHead

    package init(origin: String, head: TreeHead) throws(TransparencyLogError) {
        guard !origin.isEmpty,
            origin.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "+") })
        else { throw .checkpointRefused(.origin) }
        self.origin = origin
        self.head = head
    }

    /// Number of leaves.
    package var size: Int { head.size }
    /// 32 bytes.
    package var root: [UInt8] { head.root }
    /// `size:root`, as challenges and tokens name it.
    package var shortForm: String { head.shortForm }

    /// The origin of a box's activation log.
    package static func activationOrigin(box: String) -> String {
        "lenscap/\(box)/activation"
    }

    /// The origin of the log of one recording.
    package static func recordingOrigin(box: String, recording: String) -> String {
        "lenscap/\(box)/recording/\(recording)"
    }

    /// The text that is signed: origin, size and root, a line each.
    package var text: String {
        "\(origin)\n\(size)\n\(Base64.encodePadded(root))\n"
    }

    /// The checkpoint that a note's text says; only the exact spelling of ``text``.
    package init(text: String) throws(TransparencyLogError) {
        let lines = text.utf8.split(
            separator: UInt8(ascii: "\n"),
            omittingEmptySubsequences: false
        )
        guard lines.count == 4, lines[3].isEmpty else { throw .checkpointRefused(.lines) }
        guard let root = Base64.decodePadded(lines[2]) else { throw .headRefused(.root) }
        guard let origin = String(lines[0]) else { throw .checkpointRefused(.origin) }
        try self.init(
            origin: origin,
            head: TreeHead(size: TreeHead.parseSize(lines[1]), root: root)
        )
    }

    /// Whether the first ``size`` of these lines are what the checkpoint stands for; false also when
    /// there are fewer.
    package func covers(_ lines: some Collection<[UInt8]>) -> Bool {
        guard lines.count >= size else { return false }
        var tree = CompactMerkleTree()
        for line in lines.prefix(size) { tree.append(line) }
        return tree.head == head
    }

    /// The checkpoint as a note, signed by the log's Ed25519 key under the log's own name.
    package func signed(with key: SigningKey) throws(TransparencyLogError) -> SignedNote {
        try SignedNote(signing: text, as: origin, with: key)
    }

    /// The checkpoint in a note that came from outside: signed by `key`, whose name is the origin
    /// of the log that was asked for.
    package init(verifying note: [UInt8], with key: NoteKey) throws(TransparencyLogError) {
        let note = try SignedNote(parsing: note)
        try note.verify(with: key)
        try self.init(text: note.text)
        guard origin.utf8.elementsEqual(key.name.utf8) else {
            throw .checkpointRefused(.otherLog)
        }
    }

    /// The same for a key that is known without its name in notes.
    package init(
        verifying note: [UInt8],
        origin: String,
        key: VerificationKey
    ) throws(TransparencyLogError) {
        try self.init(verifying: note, with: NoteKey(name: origin, key: key))
    }
}
