import Consent
import CryptoPrimitives
internal import Glibc
import LinuxSystem
import Testing
import TransparencyLog

@testable import Auditing

/// An activation log on paper, and the folder that an auditor keeps things in.
final class Ledger {
    static let start: Int64 = 1_800_000_000

    let path: String
    let key: SigningKey
    let origin: String
    var lines: [[UInt8]] = []

    init() throws {
        var template = Array("/tmp/lenscap-audit-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError.last("mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        key = try SigningKey.generate(.edDSA)
        origin = Checkpoint.activationOrigin(box: key.verificationKey.thumbprint)
    }

    deinit { _ = try? runCommand("rm", ["-rf", "--", path]) }

    @discardableResult
    func add(
        _ type: String,
        at seconds: Int64,
        isTrusted: Bool = true,
        _ members: [String: CanonicalJSON] = [:]
    ) -> Int64 {
        var all = members
        all["time"] = .integer(Self.start + seconds)
        all["timeTrusted"] = .integer(isTrusted ? 1 : 0)
        all["type"] = .string(type)
        lines.append(CanonicalJSON.object(all).bytes)
        return Int64(lines.count - 1)
    }

    /// A session from its intent to its end; nil times leave entries out.
    @discardableResult
    func session(
        intent: Int64,
        started: Int64?,
        stopped: Int64?,
        token: String = "",
        cameras: String = "board"
    ) -> Int64 {
        let hash = Base64URL.encode(SHA256.hash(Array(token.utf8)))
        let index = add(
            "intent",
            at: intent,
            [
                "cameras": .string(cameras), "duration": .integer(600),
                "microphones": .string("desk"), "teacher": .string("t"), "token": .string(hash),
            ]
        )
        if let started { add("started", at: started, ["intent": .integer(index)]) }
        if let stopped {
            add("stopped", at: stopped, ["cause": .string("stopped"), "intent": .integer(index)])
        }
        return index
    }

    var head: TreeHead { MerkleTree(leaves: lines).head }

    func note(
        _ head: TreeHead? = nil,
        origin: String? = nil,
        by key: SigningKey? = nil
    ) throws
        -> [UInt8]
    {
        try Checkpoint(origin: origin ?? self.origin, head: head ?? self.head)
            .signed(with: key ?? self.key).bytes
    }

    func noteKey() throws -> String { try NoteKey(name: origin, key: key.verificationKey).text }

    func copy() throws -> LogCopy {
        LogCopy(lines: lines, checkpoint: try note(), key: try noteKey())
    }

    /// The token of a start that was shown a state of the log.
    func token(shown: TreeHead, by key: SigningKey? = nil) throws -> String {
        let token = StartToken(
            audience: "box",
            cameras: ["board"],
            microphones: ["desk"],
            card: "c",
            challenge: "c",
            details: "d",
            duration: 600,
            identifier: try randomBytes(16),
            log: shown.shortForm,
            record: "r",
            recipient: "age1",
            teacher: "t"
        )
        return try CompactJWS(
            payload: token.payload.bytes,
            type: .start,
            by: try key ?? SigningKey.generate(.edDSA)
        ).text
    }

    /// What the verifier that has nothing of Lenscap's own says of a copy.
    func isGoodElsewhere(_ copy: LogCopy, earlier: [[UInt8]] = []) throws -> Bool {
        try copy.export(to: "\(path)/copy")
        return try isGoodElsewhere("\(path)/copy", key: copy.key, earlier: earlier)
    }

    func isGoodElsewhere(_ folder: String, key: String, earlier: [[UInt8]] = []) throws -> Bool {
        let target = try Folder(path: path)
        var arguments = [
            try Self.verifier(), "\(folder)/entries", "\(folder)/checkpoint", key,
        ]
        for (index, note) in earlier.enumerated() {
            try target.writeDurably("earlier-\(index)", note, replacing: true)
            arguments.append("\(path)/earlier-\(index)")
        }
        let result = try runCommand("python3", arguments)
        let word = result.text.split(separator: ":").first.map { String($0) }
        #expect(["GOOD", "REFUSED"].contains(word), "\(result.text)\(result.errorText)")
        #expect(result.status.isSuccess == (word == "GOOD"))
        return result.status.isSuccess
    }

    private static func verifier() throws -> String {
        let parts = #filePath.split(separator: "/").dropLast(2)
        return "/" + parts.joined(separator: "/") + "/Verifier/verify_log.py"
    }
}

/// What an audit's error is, for comparison.
func kind(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "none"
    } catch let error as AuditError {
        switch error {
        case .unreadable: return "unreadable"
        case .altered: return "altered"
        case .noStatement: return "no statement"
        }
    } catch { return "\(error)" }
}
