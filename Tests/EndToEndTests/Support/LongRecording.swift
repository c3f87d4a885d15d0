import Age
import Authority
import CryptoPrimitives
import LinuxSystem
import Spool

/// A recording of any length, which the box's own key vouches for, made of a short one: its init and
/// media segments follow each other again and again.
struct LongRecording {
    static let second: Int64 = 1_000_000_000

    private let source: String
    private let signer: RecordingSigner
    private let recording: String
    private let log: RecordingLog

    /// `recording` lies in the spool of a box that is not running.
    init(_ recording: String, _ room: Classroom) throws {
        source = "\(room.spool)/\(recording)"
        let key = try BoxKey.loadOrMake(folder: "\(room.root)/var/lib/lenscap/key")
        signer = RecordingSigner(key: key)
        log = try RecordingLog(reading: try Folder(path: source), recording: recording)
        self.recording = recording
    }

    /// Writes it below `folder`; its path.
    func write(segments count: Int, to folder: String) throws -> String {
        let spool = try Folder.make(path: folder)
        var made = try SignedRecording.create(
            recording,
            in: spool,
            token: try read(SpoolName.token),
            card: try read(SpoolName.card),
            receipt: try read(SpoolName.receipt),
            recorderGroup: nil,
            signer: signer
        )
        let writer = try ObjectWriter(recording: recording, spool: folder)
        let initial = try object(of: log.leaves[1])
        guard case .run(_, let tracks) = log.leaves[1] else { throw Failure("no run") }
        try made.append(
            .run(initial: try writer.write(initial.name, try read(initial.name)), tracks: tracks)
        )
        let bytes = try read(try object(of: log.leaves[2]).name)
        for number in 1...count {
            let segment = try writer.write(SpoolName.media(number), bytes)
            let start = Int64(number - 1) * 2 * Self.second
            try made.append(.segment(segment, start: start, duration: 2 * Self.second))
        }
        try made.append(
            .end(reason: "stopped", time: 0, segments: Int64(count), summary: nil)
        )
        return "\(folder)/\(recording)"
    }

    private func object(of leaf: Leaf) throws -> Leaf.Object {
        guard let object = leaf.object else { throw Failure("\(leaf) names no file") }
        return object
    }

    private func read(_ name: String) throws -> [UInt8] {
        try Folder(path: source).read(name, limit: 1 << 24)
    }
}
