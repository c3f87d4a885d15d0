internal import CryptoPrimitives
internal import LinuxSystem
internal import TransparencyLog

/// A copy of an activation log: its lines, the signed checkpoint over them, and the box's key.
///
/// As a folder: `entries`, `checkpoint`, `vkey`.
package struct LogCopy: Sendable {
    package static let entriesName = "entries"
    package static let checkpointName = "checkpoint"
    package static let keyName = "vkey"

    /// Without line feeds.
    package var lines: [[UInt8]]
    /// The signed note.
    package var checkpoint: [UInt8]
    /// The key's text form (C2SP signed-note).
    package var key: String

    package init(lines: [[UInt8]], checkpoint: [UInt8], key: String) {
        self.lines = lines
        self.checkpoint = checkpoint
        self.key = key
    }

    package init(folder path: String) throws(AuditError) {
        do {
            let folder = try Folder(path: path)
            lines = try Self.lines(of: try folder.read(Self.entriesName, limit: 1 << 28))
            checkpoint = try folder.read(
                Self.checkpointName,
                limit: SignedNote.maximumByteCount
            )
            let text = try folder.read(Self.keyName, limit: 4096)
            key = String(decoding: text.filter { $0 > 0x20 }, as: UTF8.self)
        } catch let error as AuditError {
            throw error
        } catch { throw .unreadable("\(error)") }
    }

    /// Each line ends in a line feed; an empty one is an entry like any other, and a bad one.
    private static func lines(of bytes: [UInt8]) throws(AuditError) -> [[UInt8]] {
        if bytes.isEmpty { return [] }
        let parts = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard parts.last?.isEmpty == true else { throw .altered("its last line is cut off") }
        return parts.dropLast().map { Array($0) }
    }

    package func export(to path: String) throws(AuditError) {
        do throws(SystemError) {
            let folder = try Folder.make(path: path)
            var entries: [UInt8] = []
            for line in lines { entries += line + [UInt8(ascii: "\n")] }
            try folder.writeDurably(Self.entriesName, entries, replacing: true)
            try folder.writeDurably(Self.checkpointName, checkpoint, replacing: true)
            try folder.writeDurably(Self.keyName, Array((key + "\n").utf8), replacing: true)
        } catch { throw .unreadable("\(error)") }
    }
}

/// Why a log cannot be judged, or was found wanting.
package enum AuditError: Error, Sendable, Hashable, CustomStringConvertible {
    case unreadable(String)
    /// The log is not what its box signed.
    case altered(String)
    /// No statement can be made of this time.
    case noStatement(String)

    package var description: String {
        switch self {
        case .unreadable(let what): "cannot be read: \(what)"
        case .altered(let what): "the log is NOT what the box signed: \(what)"
        case .noStatement(let why): "no statement can be made: \(why)"
        }
    }
}
