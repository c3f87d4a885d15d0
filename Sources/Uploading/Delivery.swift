internal import Consent
internal import CryptoPrimitives
internal import LinuxSystem
package import Spool

/// One ended recording on its way to the account that its card names.
///
/// The uploader trusts nothing that it was told: it checks itself that the recording's own token
/// is signed by the key on the card, that the card is the one the token names, and that leaf 0
/// names both. The destination follows from the card alone.
package struct Delivery: Sendable {
    package let recording: String
    /// Unix seconds.
    package let ended: Int64
    private let spool: String
    private let teacher: String
    private let account: any Account
    private let contents: [RecordingLog.Content]

    /// Reads and checks a recording.
    ///
    /// Nil while it has not ended, and when it was deleted.
    package init?(_ recording: String, spool path: String) throws(UploadError) {
        guard let files = try Files(recording, spool: path) else { return nil }
        let log: RecordingLog
        do throws(SpoolError) {
            log = try RecordingLog(parsing: files.log, recording: recording)
        } catch { throw .spool(error) }
        guard let end = log.end else { return nil }
        let owner = try Delivery.owner(recording, files, log)
        self.recording = recording
        ended = end.time
        spool = path
        teacher = owner.teacher
        account = try Delivery.account(owner.account)
        contents =
            log.contents
            + [RecordingLog.Content(name: SpoolName.log, sha256: SHA256.hash(files.log))]
    }

    private struct Files {
        let token: [UInt8]
        let card: [UInt8]
        let log: [UInt8]

        init?(_ recording: String, spool path: String) throws(UploadError) {
            do throws(SystemError) {
                let spool = try Folder(path: path)
                // Deleted by its teacher: the authority is taking it away.
                if spool.contains(SpoolName.tombstone(recording)) { return nil }
                let folder = try spool.folder(recording)
                guard folder.contains(SpoolName.log) else { return nil }
                log = try folder.read(SpoolName.log, limit: RecordingLog.byteLimit)
                token = try folder.read(SpoolName.token, limit: CompactJWS.byteLimit)
                card = try folder.read(SpoolName.card, limit: ThresholdDocument.byteLimit)
            } catch { throw .system(error) }
        }
    }

    private static func owner(
        _ recording: String,
        _ files: Files,
        _ log: RecordingLog
    )
        throws(UploadError) -> TeacherCard
    {
        guard case .begin(let tokenHash, let cardHash, _)? = log.leaves.first,
            tokenHash == SHA256.hash(files.token), cardHash == SHA256.hash(files.card)
        else { throw .unsound(recording: recording, "leaf 0 names another token or card") }
        do throws(Refusal) {
            let start = try SignedStart(
                token: String(decoding: files.token, as: UTF8.self),
                card: files.card
            )
            guard start.token.recording == recording else {
                throw Refusal(.replayed, "the token is another recording's")
            }
            return start.card
        } catch { throw .unsound(recording: recording, error.message) }
    }

    private static func account(_ account: TeacherCard.Account) throws(UploadError) -> any Account {
        guard account.kind == DirectoryAccount.kind else {
            throw .accountUnsupported(kind: account.kind)
        }
        return try DirectoryAccount(url: account.url)
    }

    /// The objects that the account has not acknowledged, in the order of delivery: log last.
    package func remaining(_ acknowledged: Set<Acknowledgement>) -> [RecordingLog.Content] {
        contents.filter { !acknowledged.contains(acknowledgement($0)) }
    }

    package func acknowledgement(_ content: RecordingLog.Content) -> Acknowledgement {
        Acknowledgement(recording: recording, name: content.name, sha256: content.sha256)
    }

    /// Sends one object through one descriptor: what is hashed is what is sent.
    package func send(_ content: RecordingLog.Content) throws(UploadError) {
        let file = try open(content)
        try account.store(
            OutgoingObject(
                teacher: teacher,
                recording: recording,
                name: content.name,
                sha256: content.sha256
            ),
            from: file
        )
    }

    /// The file of an object, unless the recording was deleted meanwhile or the file is not what
    /// the log says.
    private func open(_ content: RecordingLog.Content) throws(UploadError) -> Descriptor {
        let (isDeleted, hash): (Bool, [UInt8])
        let file: Descriptor
        do throws(SystemError) {
            let spool = try Folder(path: spool)
            isDeleted = spool.contains(SpoolName.tombstone(recording))
            let opened = try spool.folder(recording).file(content.name)
            hash = try DirectoryAccount.hash(of: opened)
            file = opened
        } catch { throw .system(error) }
        if isDeleted { throw .unsound(recording: recording, "its teacher has deleted it") }
        guard hash == content.sha256 else {
            throw .unsound(recording: recording, "\(content.name) is not what the log says")
        }
        return file
    }
}
