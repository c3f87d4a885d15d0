internal import Consent
package import CryptoPrimitives
internal import LinuxSystem
package import Spool
internal import TransparencyLog

/// One ended recording on its way to the account that its card names.
///
/// The uploader trusts nothing that it was told: it checks itself that the box that the token names
/// signed for every line of the log, that the token is signed by the key on the card, that the card
/// is the one the token names, and that leaf 0 names both. The destination follows from the card
/// alone.
package struct Delivery: Sendable {
    package let recording: String
    /// Unix seconds.
    package let ended: Int64
    private let spool: String
    private let teacher: String
    private let account: any Account
    private let contents: [RecordingLog.Content]

    /// Reads and checks a recording of the box that has this key.
    ///
    /// Nil while it has not ended or is not signed to its end, and when it was deleted.
    package init?(
        _ recording: String,
        spool path: String,
        box key: VerificationKey
    ) throws(UploadError) {
        guard let files = try Files(recording, spool: path) else { return nil }
        let log: RecordingLog
        do throws(SpoolError) {
            log = try RecordingLog(parsing: files.log, recording: recording)
        } catch { throw .spool(error) }
        guard let end = log.end else { return nil }
        let start = try Delivery.start(recording, files, log)
        guard try Delivery.isSigned(log, files.checkpoint, start.token, key) else { return nil }
        self.recording = recording
        ended = end.time
        spool = path
        teacher = start.card.teacher
        account = try Delivery.account(start.card.account)
        contents =
            log.contents + [
                RecordingLog.Content(name: SpoolName.log, sha256: SHA256.hash(files.log)),
                RecordingLog.Content(
                    name: SpoolName.checkpoint,
                    sha256: SHA256.hash(files.checkpoint)
                ),
            ]
    }

    private struct Files {
        let token: [UInt8]
        let card: [UInt8]
        let log: [UInt8]
        let checkpoint: [UInt8]

        init?(_ recording: String, spool path: String) throws(UploadError) {
            do throws(SystemError) {
                let spool = try Folder(path: path)
                // Deleted by its teacher: the authority is taking it away.
                if try spool.contains(SpoolName.tombstone(recording)) { return nil }
                let folder = try spool.folder(recording)
                guard try folder.contains(SpoolName.checkpoint), try folder.contains(SpoolName.log)
                else { return nil }
                // Before the log: a checkpoint that comes meanwhile is not held against an older one.
                checkpoint = try folder.read(
                    SpoolName.checkpoint,
                    limit: SignedNote.maximumByteCount
                )
                log = try folder.read(SpoolName.log, limit: RecordingLog.byteLimit)
                token = try folder.read(SpoolName.token, limit: CompactJWS.byteLimit)
                card = try folder.read(SpoolName.card, limit: ThresholdDocument.byteLimit)
            } catch { throw .system(error) }
        }
    }

    private static func start(
        _ recording: String,
        _ files: Files,
        _ log: RecordingLog
    )
        throws(UploadError) -> SignedStart
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
            return start
        } catch { throw .unsound(recording: recording, error.message) }
    }

    /// Whether the box signed for every line; false when lines came after its checkpoint.
    private static func isSigned(
        _ log: RecordingLog,
        _ note: [UInt8],
        _ token: StartToken,
        _ key: VerificationKey
    ) throws(UploadError) -> Bool {
        let recording = token.recording
        guard token.audience == key.thumbprint else {
            throw .unsound(recording: recording, "its token is for another box")
        }
        let checkpoint: Checkpoint
        do throws(TransparencyLogError) {
            checkpoint = try Checkpoint(
                verifying: note,
                origin: Checkpoint.recordingOrigin(box: token.audience, recording: recording),
                key: key
            )
        } catch { throw .unsound(recording: recording, "its checkpoint: \(error)") }
        guard checkpoint.covers(log.lines) else {
            throw .unsound(recording: recording, "its log is not what the box signed")
        }
        return checkpoint.size == log.leaves.count
    }

    private static func account(_ account: TeacherCard.Account) throws(UploadError) -> any Account {
        guard account.kind == DirectoryAccount.kind else {
            throw .accountUnsupported(kind: account.kind)
        }
        return try DirectoryAccount(url: account.url)
    }

    /// The objects that the account has not acknowledged, in the order of delivery: the log last
    /// but one, the checkpoint last.
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
            isDeleted = try spool.contains(SpoolName.tombstone(recording))
            let opened = try spool.folder(recording).file(content.name)
            hash = try FileHash.sha256(of: opened)
            file = opened
        } catch { throw .system(error) }
        if isDeleted { throw .unsound(recording: recording, "its teacher has deleted it") }
        guard hash == content.sha256 else {
            throw .unsound(recording: recording, "\(content.name) is not what the log says")
        }
        return file
    }
}
