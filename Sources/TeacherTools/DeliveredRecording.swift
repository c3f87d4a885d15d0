package import Consent
package import CryptoPrimitives
internal import LinuxSystem
package import Spool

/// A recording's folder as the account holds it (`<name>-<sha256>`) or as the box does (`<name>`),
/// with token, card and log checked against each other and against the box's signature.
package struct DeliveredRecording: ~Copyable, Sendable {
    package let token: StartToken
    package let card: TeacherCard
    /// As far as the box signed for it.
    package let log: RecordingLog
    /// What about log and checkpoint is not as the box would have left it.
    package let problems: [String]
    /// Whether the box's key was there to check its signature with.
    package let isBoxKnown: Bool
    let folder: RecordingFolder

    /// `boxKey` gives the key of the box with an identifier, if the teacher knows that box.
    package init(
        path: String,
        boxKey: (_ box: String) throws(TeacherToolsError) -> VerificationKey?
    ) throws(TeacherToolsError) {
        let folder = try RecordingFolder(path: path)
        let (token, card) = try Self.start(in: folder, path)
        let key = try boxKey(token.audience)
        let signed = try SignedLog(
            folder,
            recording: token.recording,
            box: token.audience,
            key: key
        )
        guard let signed else {
            throw .notARecording("The recording's log is damaged; ask for another copy.")
        }
        self.token = token
        self.card = card
        log = signed.log
        problems = signed.problems
        isBoxKnown = key != nil
        self.folder = folder
    }

    /// Token and card as leaf 0 of any log here names them.
    private static func start(
        in folder: borrowing RecordingFolder,
        _ path: String
    ) throws(TeacherToolsError) -> (StartToken, TeacherCard) {
        let logs = try folder.versions(of: SpoolName.log, limit: RecordingLog.byteLimit)
        guard !logs.isEmpty else {
            throw .notARecording(
                "\(path) holds no recording: its log is missing. Give the folder that is named by "
                    + "32 hexadecimal digits."
            )
        }
        for bytes in logs {
            guard let log = try? RecordingLog(parsing: bytes, recording: path),
                case .begin(let tokenHash, let cardHash, _)? = log.leaves.first,
                case .sound(let token) = folder.find(SpoolName.token, sha256: tokenHash, bytes: nil),
                case .sound(let card) = folder.find(SpoolName.card, sha256: cardHash, bytes: nil)
            else { continue }
            do throws(Refusal) {
                let start = try SignedStart(
                    token: String(decoding: token, as: UTF8.self),
                    card: card
                )
                return (start.token, start.card)
            } catch { throw .refused(error) }
        }
        throw .notARecording(
            "No log here can be read, or the token or the card that it names is missing."
        )
    }
}
