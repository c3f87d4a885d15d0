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
    /// File names by object name.
    private let files: [String: String]

    package init(path: String) throws(TeacherToolsError) {
        let folder: Folder
        let files: [String: String]
        do throws(SystemError) {
            let opened = try Folder(path: path)
            files = Self.index(try opened.names())
            folder = opened
        } catch { throw .system(error) }
        guard files[SpoolName.log] != nil, files[SpoolName.token] != nil else {
            throw .notARecording(
                "\(path) holds no recording: its log or its token is missing. Give the folder "
                    + "that is named by 32 hexadecimal digits."
            )
        }
        let logBytes = try Self.read(SpoolName.log, folder, files)
        let tokenBytes = try Self.read(SpoolName.token, folder, files)
        let cardBytes = try Self.read(SpoolName.card, folder, files)
        let log: RecordingLog
        do throws(SpoolError) {
            log = try RecordingLog(parsing: logBytes, recording: path)
        } catch { throw .notARecording("The recording's log is damaged: \(error).") }
        guard case .begin(let tokenHash, let cardHash, _)? = log.leaves.first,
            tokenHash == SHA256.hash(tokenBytes), cardHash == SHA256.hash(cardBytes)
        else {
            throw .notARecording("The recording's log belongs to another token or card.")
        }
        (token, card) = try Self.verify(tokenBytes, cardBytes)
        self.log = log
        self.folder = folder
        self.files = files
    }

    /// The bytes of an object, if it is there and is what the log says.
    package borrowing func object(
        _ content: RecordingLog.Content
    ) throws(TeacherToolsError)
        -> [UInt8]?
    {
        // Under its own hash first: another file of that name may lie beside it.
        let own = "\(content.name)-\(Hex.encode(content.sha256))"
        guard let name = folder.contains(own) ? own : files[content.name] else { return nil }
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try folder.read(name, limit: 1 << 30)
        } catch { throw .system(error) }
        return SHA256.hash(bytes) == content.sha256 ? bytes : nil
    }

    private static func verify(
        _ token: [UInt8],
        _ card: [UInt8]
    ) throws(TeacherToolsError)
        -> (StartToken, TeacherCard)
    {
        do throws(Refusal) {
            let jws = try CompactJWS(parsing: String(decoding: token, as: UTF8.self), type: .start)
            let document = try ThresholdDocument(parsing: card)
            let card = try TeacherCard(reading: document)
            guard jws.isSigned(by: card.key) else {
                throw Refusal(.signature, "The token is not signed by the key on the card.")
            }
            let start = try StartToken(parsing: jws.payload)
            guard start.card == document.hash else {
                throw Refusal(.cardKey, "The token names another card.")
            }
            return (start, card)
        } catch { throw .refused(error) }
    }

    private static func read(
        _ name: String,
        _ folder: borrowing Folder,
        _ files: [String: String]
    )
        throws(TeacherToolsError) -> [UInt8]
    {
        guard let file = files[name] else {
            throw .notARecording("The recording lacks its \(name).")
        }
        do throws(SystemError) {
            return try folder.read(file, limit: RecordingLog.byteLimit)
        } catch { throw .system(error) }
    }

    /// `<name>-<64 hexadecimal digits>` and plain names, both by their object name.
    private static func index(_ names: [String]) -> [String: String] {
        var files: [String: String] = [:]
        for name in names where !name.hasPrefix(".") {
            let parts = name.utf8.split(separator: UInt8(ascii: "-"))
            let isAddressed = parts.count == 2 && Hex.decode(parts[1])?.count == 32
            files[isAddressed ? String(Substring(parts[0])) : name] = name
        }
        return files
    }
}
