import CryptoPrimitives
internal import Glibc
import LinuxSystem
import Testing

@testable import Spool

/// A folder that goes away with its owner.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/lenscap-spool-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError.last("mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        _ = try? runCommand("rm", ["-rf", "--", path])
    }

    func folder() throws(SystemError) -> Folder { try Folder(path: path) }

    func names(_ name: String) throws -> [String] { try folder().folder(name).names() }

    func read(_ recording: String, _ name: String) throws -> [UInt8] {
        try folder().folder(recording).read(name, limit: 1 << 24)
    }

    /// Puts bytes into a file whatever the format says.
    func write(_ path: String, _ bytes: [UInt8], appending: Bool = false) throws {
        let file = try Descriptor.open(
            "\(self.path)/\(path)",
            appending ? [.write, .append] : [.write, .create]
        )
        if !appending { try file.truncate(to: 0) }
        try file.writeAll(bytes)
    }
}

/// A recording of dummy bytes.
enum Lesson {
    static let recording = "000102030405060708090a0b0c0d0e0f"
    static let token = Array("the token".utf8)
    static let card = Array("the card".utf8)
    static let receipt = Array("the sealed receipt".utf8)
    static let checkpoint = Array("a signed note".utf8)
    static let tracks = [Leaf.Track(source: "board", kind: "video")]
    static let second: Int64 = 1_000_000_000

    static func bytes(_ number: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 1000 + number)
    }

    static func create(in spool: borrowing Folder, group: UInt32? = nil) throws -> OpenRecording {
        try OpenRecording.create(
            recording,
            in: spool,
            token: token,
            card: card,
            receipt: receipt,
            recorderGroup: group
        )
    }

    /// Makes a recording as authority and recorder do, up to its end.
    static func record(in path: String, segments: Int = 2, ends: Bool = true) throws {
        let spool = try Folder(path: path)
        var open = try create(in: spool)
        let writer = try ObjectWriter(recording: recording, spool: path)
        let initial = try writer.write(SpoolName.initial(0), bytes(0))
        try open.append(.run(initial: initial, tracks: tracks))
        for number in 1...segments {
            let object = try writer.write(SpoolName.media(number), bytes(number))
            let start = Int64(number - 1) * 2 * second
            try open.append(.segment(object, start: start, duration: 2 * second))
        }
        guard ends else { return }
        let summary = try writer.write(SpoolName.summary, bytes(99))
        try open.append(
            .end(
                reason: "stopped",
                time: 1_800_000_000,
                segments: Int64(segments),
                summary: summary
            )
        )
        try open.keep(checkpoint: checkpoint)
    }

    /// What the authority does with a recording that it finds at its start.
    static func recover(in path: String) throws {
        for recording in try SpoolFolder.recordings(path) {
            if try SpoolFolder.removeIfUnbegun(recording, spool: path) { continue }
            let spool = try Folder(path: path)
            var open = try OpenRecording.recover(recording, in: spool, isSigned: false)
            try open.removeLeftovers()
            if open.hasEnded { continue }
            let segments = open.segments
            try open.append(
                .end(reason: "interrupted", time: 1_800_000_001, segments: segments, summary: nil)
            )
        }
    }

    /// Acknowledgements of everything that a recording's log vouches for, of the log and of the
    /// checkpoint.
    static func acknowledgements(in path: String) throws -> Set<Acknowledgement> {
        let folder = try Folder(path: path).folder(recording)
        let log = try folder.read(SpoolName.log, limit: 1 << 20)
        var all = try RecordingLog(parsing: log, recording: recording).contents
        for name in ["log", "checkpoint"] where try folder.contains(name) {
            let bytes = try folder.read(name, limit: 1 << 20)
            all.append(RecordingLog.Content(name: name, sha256: SHA256.hash(bytes)))
        }
        return Set(
            all.map { Acknowledgement(recording: recording, name: $0.name, sha256: $0.sha256) }
        )
    }

    /// The invariant of the spool: every whole leaf names a complete file of that length and hash.
    static func expectInvariant(_ path: String, _ context: Comment) throws {
        for recording in try SpoolFolder.recordings(path) {
            let folder = try Folder(path: path).folder(recording)
            guard try folder.contains(SpoolName.log) else { continue }
            let log = try RecordingLog(reading: folder, recording: recording)
            for content in log.contents {
                let bytes = try folder.read(content.name, limit: 1 << 24)
                #expect(SHA256.hash(bytes) == content.sha256, context)
            }
            for case let object? in log.leaves.map(\.object) {
                let size = try folder.file(object.name).status().size
                #expect(size == Int(object.bytes), context)
            }
        }
    }
}

/// What an error of this module is, for comparison.
func kind(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "none"
    } catch let error as SpoolError {
        switch error {
        case .system(let error):
            return error.isNoSpace
                ? "no space" : error.isLoop ? "link" : error.isNotFound ? "missing" : "system"
        case .disorder: return "disorder"
        case .damaged: return "damaged"
        case .exists: return "exists"
        }
    } catch { return "\(error)" }
}
