internal import Consent
internal import CryptoPrimitives
internal import TransparencyLog

/// What was found sound.
package struct LogVerdict: Sendable, Hashable {
    package var entries = 0
    package var root = ""
    /// Sizes of earlier checkpoints that the log still begins with.
    package var earlier: [Int] = []
    /// Sessions whose token was given and fits; and sessions in all.
    package var tokensFound = 0
    package var sessions = 0
}

/// Checks a copy of a log: the tree over its lines, the box's signature, earlier checkpoints, and
/// the tokens that teachers kept.
package enum LogVerification {
    package static func verify(
        _ copy: LogCopy,
        earlier: [[UInt8]] = [],
        tokens: [String] = []
    ) throws(AuditError) -> LogVerdict {
        let tree = MerkleTree(leaves: copy.lines)
        let key: NoteKey
        let checkpoint: Checkpoint
        do {
            key = try NoteKey(text: copy.key)
            checkpoint = try Checkpoint(verifying: copy.checkpoint, with: key)
        } catch { throw .altered("its checkpoint is not signed by this key (\(error))") }
        guard checkpoint.head == tree.head else {
            throw .altered(
                "its checkpoint stands over \(checkpoint.size) entries and another root, "
                    + "these are \(copy.lines.count)"
            )
        }
        var verdict = LogVerdict()
        verdict.entries = copy.lines.count
        verdict.root = checkpoint.shortForm
        for note in earlier {
            verdict.earlier.append(try size(of: note, key, tree))
        }
        let events = try copy.lines.map { (line) throws(AuditError) in try LogEvent(line) }
        try checkOrder(events)
        verdict.sessions = events.count { $0.type == "intent" }
        for token in tokens {
            try check(token, events, tree)
            verdict.tokensFound += 1
        }
        return verdict
    }

    private static func size(
        of note: [UInt8],
        _ key: NoteKey,
        _ tree: MerkleTree
    )
        throws(AuditError) -> Int
    {
        let old: Checkpoint
        do {
            old = try Checkpoint(verifying: note, with: key)
        } catch { throw .altered("an earlier checkpoint is not signed by this key (\(error))") }
        guard tree.head(atSize: old.size) == old.head else {
            throw .altered("the log no longer begins with the \(old.size) entries signed earlier")
        }
        return old.size
    }

    /// Every start and stop belongs to an intent before it, and each intent has one of each at
    /// the most.
    private static func checkOrder(_ events: [LogEvent]) throws(AuditError) {
        var started: Set<Int64> = []
        var stopped: Set<Int64> = []
        for (index, event) in events.enumerated() {
            guard let intent = event.intent else { continue }
            guard intent < index, events[Int(intent)].type == "intent" else {
                throw .altered("entry \(index) belongs to no intent before it")
            }
            let isNew =
                event.type == "started"
                ? started.insert(intent).inserted : stopped.insert(intent).inserted
            guard isNew else { throw .altered("entry \(index) tells something a second time") }
        }
    }

    /// The token's hash is that of a session, and the state of the log that its teacher was shown
    /// is one that this log had before.
    private static func check(
        _ text: String,
        _ events: [LogEvent],
        _ tree: MerkleTree
    )
        throws(AuditError)
    {
        let hash = Base64URL.encode(SHA256.hash(Array(text.utf8)))
        guard
            let index = events.firstIndex(where: { $0.type == "intent" && $0.token == hash })
        else { throw .altered("a token that a teacher signed stands in no entry") }
        do {
            let jws = try CompactJWS(parsing: text, type: .start)
            let shown = try TreeHead(shortForm: try StartToken(parsing: jws.payload).log)
            guard shown.size <= index, tree.head(atSize: shown.size) == shown else {
                throw AuditError.altered("")
            }
        } catch {
            throw .altered("a teacher was shown another log than this one before entry \(index)")
        }
    }
}

/// An entry as an auditor reads it.
package struct LogEvent: Sendable, Hashable {
    package let type: String
    /// Unix seconds.
    package let time: Int64
    package let isTimeTrusted: Bool
    package let intent: Int64?
    package let token: String?
    package let cause: String?
    package let sources: String
    /// Everything else, for display: `name value` sorted by name.
    package let rest: String

    package init(_ line: [UInt8]) throws(AuditError) {
        do {
            guard case .object(let members) = try CanonicalJSON(parsing: line) else {
                throw AuditError.unreadable("an entry is no object")
            }
            var reader = try MemberReader(.object(members))
            type = try reader.string("type")
            time = try reader.integer("time")
            isTimeTrusted = try reader.integer("timeTrusted", in: 0...1) == 1
            let isIntent = type == "intent"
            intent = isIntent ? nil : (reader.has("intent") ? try reader.integer("intent") : nil)
            token = reader.has("token") ? try reader.string("token") : nil
            cause = reader.has("cause") ? try reader.string("cause") : nil
            let cameras = reader.has("cameras") ? try reader.string("cameras") : ""
            let microphones = reader.has("microphones") ? try reader.string("microphones") : ""
            sources = [cameras, microphones].filter { !$0.isEmpty }.joined(separator: ",")
            rest = members.sorted { $0.key < $1.key }
                .filter { !["type", "time", "timeTrusted"].contains($0.key) }
                .map { name, value in
                    let text = String(decoding: value.bytes, as: UTF8.self)
                    return
                        "\(name) \(text.hasPrefix("\"") ? String(text.dropFirst().dropLast()) : text)"
                }
                .joined(separator: "  ")
        } catch {
            throw .unreadable("an entry of the log: \(error)")
        }
    }
}
