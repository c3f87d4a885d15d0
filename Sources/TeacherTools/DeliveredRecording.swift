package import Consent
internal import CryptoPrimitives
internal import LinuxSystem
package import Spool

/// A recording's folder as the account holds it (`<name>-<sha256>`) or as the box does (`<name>`),
/// with token, card and log checked against each other.
package struct DeliveredRecording: ~Copyable, Sendable {
    package let token: StartToken
    package let card: TeacherCard
    package let log: RecordingLog
    private let folder: Folder

    package init(path: String) throws(TeacherToolsError) {
        let folder: Folder
        do throws(SystemError) { folder = try Folder(path: path) } catch { throw .system(error) }
        guard let logBytes = try Self.log(in: folder) else {
            throw .notARecording(
                "\(path) holds no recording: its log is missing. Give the folder that is named by "
                    + "32 hexadecimal digits."
            )
        }
        let log: RecordingLog
        do throws(SpoolError) {
            log = try RecordingLog(parsing: logBytes, recording: path)
        } catch { throw .notARecording("The recording's log is damaged: \(error).") }
        guard case .begin(let token, let card, _)? = log.leaves.first,
            let tokenBytes = try Self.read(SpoolName.token, token, in: folder),
            let cardBytes = try Self.read(SpoolName.card, card, in: folder)
        else {
            throw .notARecording("The token or the card that the recording's log names is missing.")
        }
        (self.token, self.card) = try Self.verify(tokenBytes, cardBytes)
        self.log = log
        self.folder = folder
    }

    /// The bytes of an object, if it is there and is what the log says.
    package borrowing func object(
        _ content: RecordingLog.Content
    ) throws(TeacherToolsError)
        -> [UInt8]?
    {
        try Self.read(content.name, content.sha256, in: folder)
    }

    /// A file under its own hash, or else under its plain name, if it has that hash.
    ///
    /// Whatever else lies beside it does not matter.
    private static func read(
        _ name: String,
        _ hash: [UInt8],
        in folder: borrowing Folder
    ) throws(TeacherToolsError) -> [UInt8]? {
        let own = "\(name)-\(Hex.encode(hash))"
        let file = folder.contains(own) ? own : name
        guard folder.contains(file) else { return nil }
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try folder.read(file, limit: 1 << 30)
        } catch { throw .system(error) }
        return SHA256.hash(bytes) == hash ? bytes : nil
    }

    /// The log under its own hash, or else under its plain name.
    ///
    /// A log only grows: of several that were delivered, the longest is the latest.
    private static func log(in folder: borrowing Folder) throws(TeacherToolsError) -> [UInt8]? {
        do throws(SystemError) {
            var latest: [UInt8]?
            for name in try folder.names() where name.hasPrefix(SpoolName.log + "-") {
                let bytes = try folder.read(name, limit: RecordingLog.byteLimit)
                guard name == "\(SpoolName.log)-\(Hex.encode(SHA256.hash(bytes)))",
                    bytes.count > latest?.count ?? 0
                else { continue }
                latest = bytes
            }
            if let latest { return latest }
            guard folder.contains(SpoolName.log) else { return nil }
            return try folder.read(SpoolName.log, limit: RecordingLog.byteLimit)
        } catch { throw .system(error) }
    }

    private static func verify(
        _ token: [UInt8],
        _ card: [UInt8]
    ) throws(TeacherToolsError)
        -> (StartToken, TeacherCard)
    {
        do throws(Refusal) {
            let start = try SignedStart(
                token: String(decoding: token, as: UTF8.self),
                card: card
            )
            return (start.token, start.card)
        } catch { throw .refused(error) }
    }
}
