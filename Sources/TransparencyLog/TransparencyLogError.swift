package import CryptoPrimitives

/// Why a log, or something said about one, is not believed.
package enum TransparencyLogError: Error, Equatable, Sendable {
    /// A proof was asked for about a leaf or a size that this log has not.
    case outOfRange(asked: Int, size: Int)
    /// The proof does not prove it.
    case proofRefused(ProofProblem)
    /// No size and root of a log.
    case headRefused(HeadProblem)
    /// Not a signed note, or not one that the wanted key signed.
    case noteRefused(NoteProblem)
    /// A signed note whose text is no checkpoint, or the checkpoint of another log.
    case checkpointRefused(CheckpointProblem)
    /// A key that cannot sign notes, a name that cannot stand in one, or no verifier key text.
    case keyRefused(KeyProblem)
    /// libcrypto could not do its part.
    case crypto(CryptoError)

    package enum ProofProblem: Equatable, Sendable {
        /// No leaf of this index, or an old tree larger than the new one.
        case size
        /// A hash that has not 32 bytes.
        case hashLength
        /// More or fewer hashes than lie between the two.
        case pathLength
        /// The hashes lead to another root.
        case root
    }

    package enum HeadProblem: Equatable, Sendable {
        /// Not `size:root`.
        case structure
        /// Not a decimal number without leading zeros, or too large.
        case size
        /// Not the one spelling of 32 bytes, or not the hash of nothing beside the size 0.
        case root
    }

    package enum NoteProblem: Equatable, Sendable {
        /// Longer than ``SignedNote/maximumByteCount``.
        case tooLong
        /// Not UTF-8, or with a control character that is not a line feed.
        case characters
        /// No text that ends in a line feed, no empty line or no signature line after it.
        case structure
        /// A signature line is not a dash, a name and base64 of more than four bytes; `line` counts
        /// signature lines from 1.
        case signatureLine(Int)
        /// More than ``SignedNote/maximumSignatureCount`` signatures.
        case tooManySignatures
        /// None of the signatures claims to be by the wanted key.
        case notSigned
        /// A signature under the wanted key's name and identifier is not by that key.
        case invalidSignature
    }

    package enum CheckpointProblem: Equatable, Sendable {
        /// Not three lines that each end in a line feed; extension lines are not taken either.
        case lines
        /// The first line is not visible ASCII without `+`.
        case origin
        /// A checkpoint of another log than the one asked for.
        case otherLog
    }

    package enum KeyProblem: Equatable, Sendable {
        /// Notes are signed with Ed25519 here, and the key is of another kind.
        case algorithm
        /// An empty name, or one with a space, a `+` or a control character.
        case name
        /// Not `name+identifier+key` with an identifier that follows from the other two.
        case text
    }

    package var recovery: CryptoError.Recovery {
        switch self {
        case .outOfRange:
            .personMustAct(hint: "fetch the log again: this copy is shorter than what was asked")
        case .proofRefused, .headRefused, .noteRefused, .checkpointRefused:
            .personMustAct(hint: "keep what you were given and ask who runs the box")
        case .keyRefused:
            .personMustAct(hint: "copy the box's key again from where it was published")
        case .crypto(let error):
            error.recovery
        }
    }
}

/// Runs calls of ``CryptoPrimitives`` and gives their errors this module's type.
func wrapping<Result>(
    _ body: () throws(CryptoError) -> Result
) throws(TransparencyLogError) -> Result {
    do throws(CryptoError) { return try body() } catch { throw .crypto(error) }
}
