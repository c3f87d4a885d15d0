package import CryptoPrimitives
package import Spool
package import TransparencyLog

/// Signs the logs of this box's recordings, and knows its own signature again.
package struct RecordingSigner: Sendable {
    private let key: SigningKey

    package init(key: SigningKey) {
        self.key = key
    }

    /// A checkpoint over the head of a recording's tree, as a signed note.
    package func note(
        over head: TreeHead,
        of recording: String
    )
        throws(SpoolError) -> [UInt8]
    {
        do throws(TransparencyLogError) {
            return try Checkpoint(origin: origin(recording), head: head).signed(with: key).bytes
        } catch {
            throw .damaged(recording: recording, "it cannot be signed: \(error)")
        }
    }

    /// The checkpoint that a note from a recording's folder says; nil for none.
    ///
    /// One that this box did not sign for this recording is damage.
    package func checkpoint(
        _ note: [UInt8]?,
        of recording: String
    )
        throws(SpoolError) -> Checkpoint?
    {
        guard let note else { return nil }
        do throws(TransparencyLogError) {
            return try Checkpoint(
                verifying: note,
                origin: origin(recording),
                key: key.verificationKey
            )
        } catch {
            throw .damaged(recording: recording, "its checkpoint: \(error)")
        }
    }

    private func origin(_ recording: String) -> String {
        Checkpoint.recordingOrigin(box: key.verificationKey.thumbprint, recording: recording)
    }
}
