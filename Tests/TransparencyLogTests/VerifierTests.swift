import CryptoPrimitives
import TestSupport
import Testing
import TransparencyLog

/// `Tests/Verifier/verify_log.py`, which shares no code with this module, over logs that this module
/// signed.
@Suite struct VerifierTests {
    private static let script =
        "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
        + "/Verifier/verify_log.py"

    private let key: SigningKey
    private let origin: String
    private let folder: TemporaryFolder

    init() throws {
        key = try SigningKey.generate(.edDSA)
        origin = Checkpoint.activationOrigin(box: key.verificationKey.thumbprint)
        folder = TemporaryFolder()
    }

    /// Entries as a box writes them.
    private static func entries(_ count: Int) -> [[UInt8]] {
        (0..<count).map { Array(#"{"number":\#($0),"text":"a \"b\" \\ \n","type":"boot"}"#.utf8) }
    }

    private func log(_ entries: some Sequence<[UInt8]>) -> [UInt8] {
        entries.flatMap { $0 + [0x0A] }
    }

    /// A file with the checkpoint after these entries.
    private func checkpoint(
        _ entries: some Sequence<[UInt8]>,
        by signer: SigningKey? = nil,
        as name: String = "checkpoint"
    ) throws -> String {
        var tree = CompactMerkleTree()
        for entry in entries { tree.append(entry) }
        let checkpoint = try Checkpoint(origin: origin, head: tree.head)
        return try folder.file(name, checkpoint.signed(with: signer ?? key).bytes)
    }

    private func keyText() throws -> String {
        try NoteKey(name: origin, key: key.verificationKey).text
    }

    /// What the verifier says about this log, with none, one or two older checkpoints.
    private func verdict(
        _ log: [UInt8],
        _ checkpoint: String,
        key: String? = nil,
        older: [String] = []
    ) throws -> Command {
        let file = try folder.file("log", log)
        let key = try key ?? keyText()
        return switch older.count {
        case 0: try Command("python3", Self.script, file, checkpoint, key)
        case 1: try Command("python3", Self.script, file, checkpoint, key, older[0])
        default: try Command("python3", Self.script, file, checkpoint, key, older[0], older[1])
        }
    }

    private func expectRefused(
        _ verdict: Command,
        _ reason: String,
        location: SourceLocation = #_sourceLocation
    ) {
        #expect(verdict.exitStatus == 1, "\(verdict.errors)", sourceLocation: location)
        #expect(verdict.text.hasPrefix("REFUSED: "), sourceLocation: location)
        #expect(verdict.text.contains(reason), "\(verdict.text)", sourceLocation: location)
        #expect(verdict.errors.isEmpty, "\(verdict.errors)", sourceLocation: location)
    }

    @Test("The verifier finds our logs good", arguments: [0, 1, 2, 3, 8, 100, 1025])
    func goodLogs(count: Int) throws {
        let entries = Self.entries(count)
        let older = [
            try checkpoint(entries.prefix(count / 3), as: "a"),
            try checkpoint(entries.prefix(count - count / 4), as: "b"),
        ]
        let verdict = try verdict(log(entries), checkpoint(entries), older: older)
        #expect(verdict.exitStatus == 0, "\(verdict.text)\(verdict.errors)")
        #expect(verdict.text == "GOOD: \(count) entries of \(origin), 3 checkpoints\n")
    }

    @Test("A changed, removed, moved or inserted entry is found")
    func changedLogs() throws {
        let entries = Self.entries(11)
        let signed = try checkpoint(entries)
        let reason = "entries are not what the newest checkpoint stands for"
        for index in entries.indices {
            var changed = entries
            changed[index] = Array(
                String(decoding: entries[index], as: UTF8.self)
                    .replacing("boot", with: "post").utf8
            )
            expectRefused(try verdict(log(changed), signed), reason)
        }
        var swapped = entries
        swapped.swapAt(3, 4)
        expectRefused(try verdict(log(swapped), signed), reason)
        var inserted = entries
        inserted.insert(entries[0], at: 5)
        expectRefused(try verdict(log(inserted), signed), reason)
        var removed = entries
        removed.remove(at: 5)
        expectRefused(try verdict(log(removed), signed), "11 entries were signed, 10 are there")
        removed.append(Self.entries(12)[11])
        expectRefused(try verdict(log(removed), signed), reason)
    }

    @Test("Entries at the end that nobody signed, and signed ones that are gone, are found")
    func otherLengths() throws {
        let entries = Self.entries(12)
        let signed = try checkpoint(entries.prefix(10))
        expectRefused(
            try verdict(log(entries), signed),
            "2 entries at the end were never signed"
        )
        expectRefused(
            try verdict(log(entries.prefix(9)), signed),
            "10 entries were signed, 9 are there"
        )
        expectRefused(try verdict([], signed), "10 entries were signed, 0 are there")
        expectRefused(try verdict(log(entries.prefix(10)).dropLast(), signed), "cut off")
    }

    @Test("A log that was set back, or written anew, contradicts a checkpoint that was kept")
    func rolledBackLogs() throws {
        let entries = Self.entries(20)
        let kept = try checkpoint(entries.prefix(15), as: "kept")
        expectRefused(
            try verdict(log(entries.prefix(9)), checkpoint(entries.prefix(9)), older: [kept]),
            "set back to 9 entries"
        )
        // The key's owner signs another past.
        var rewritten = entries
        rewritten[2] = entries[3]
        let verdict = try verdict(log(rewritten), checkpoint(rewritten), older: [kept])
        expectRefused(verdict, "one of the first 15 entries is not what")
        expectRefused(
            try self.verdict(
                log(entries),
                checkpoint(entries),
                older: [checkpoint(entries.prefix(4), as: "first"), checkpoint(rewritten, as: "x")]
            ),
            "one of the first 20 entries is not what"
        )
    }

    @Test("Checkpoints by another key, of another log, or changed are not believed")
    func otherSigners() throws {
        let entries = Self.entries(5)
        let bytes = log(entries)
        let other = try SigningKey.generate(.edDSA)
        let signedByOther = try checkpoint(entries, by: other, as: "other")
        expectRefused(try verdict(bytes, signedByOther), "is not signed by")
        expectRefused(
            try verdict(bytes, checkpoint(entries), older: [signedByOther]),
            "is not signed by"
        )
        let otherKey = try NoteKey(name: origin, key: other.verificationKey)
        expectRefused(try verdict(bytes, checkpoint(entries), key: otherKey.text), "is not signed")

        // The right label over another key's signature.
        let ours = try NoteKey(name: origin, key: key.verificationKey)
        let text = try Checkpoint(origin: origin, head: MerkleTree(leaves: entries).head).text
        let forged = try ours.identifier + other.sign(Array(text.utf8))
        let note = "\(text)\n— \(origin) \(Base64.encodePadded(forged))\n"
        expectRefused(
            try verdict(bytes, folder.file("forged", Array(note.utf8))),
            "the signature is not by this key"
        )
        let good = try SignedNote(signing: text, as: origin, with: key).bytes
        let changed = String(decoding: good, as: UTF8.self).replacing("\n5\n", with: "\n4\n")
        expectRefused(
            try verdict(bytes, folder.file("changed", Array(changed.utf8))),
            "its text was changed"
        )
        let elsewhere = try Checkpoint(
            origin: "lenscap/elsewhere",
            head: MerkleTree(leaves: entries).head
        )
        let mixed = try SignedNote(signing: elsewhere.text, as: origin, with: key).bytes
        expectRefused(try verdict(bytes, folder.file("mixed", mixed)), "no checkpoint of this log")
    }

    @Test("Files and keys that are not what they should be give a reason, never a crash")
    func malformedInput() throws {
        let entries = Self.entries(3)
        let signed = try checkpoint(entries)
        let bytes = log(entries)
        for note in ["", "\n\n", "text\n", "text\n\n— a b\n", "text\n\n— a AAAAAAAA\n"] {
            let verdict = try verdict(bytes, folder.file("note", Array(note.utf8)))
            expectRefused(verdict, "note")
        }
        let text = try keyText()
        for key in ["", "a+b", "a+00000000+AAAA", String(text.dropLast(4)), "x" + text] {
            expectRefused(try verdict(bytes, signed, key: key), "key")
        }
        expectRefused(try verdict(bytes, folder.path + "/missing"), "missing")
        for line in [
            "{ }", "[1]", "{\"a\":1,\"a\":1}", "{\"b\":1,\"a\":1}", "", "\u{FFFD}", "{\"a\":1",
        ] {
            expectRefused(
                try verdict(bytes + Array(line.utf8) + [0x0A], signed),
                "line 4 is not a canonical JSON object"
            )
        }
        let usage = try Command("python3", Self.script)
        #expect(usage.exitStatus == 1 && usage.errors.contains("LOGFILE CHECKPOINT VKEY"))
    }
}
