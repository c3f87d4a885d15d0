package import CryptoPrimitives

/// Why an age file, recipient or identity was refused.
package enum AgeError: Error, Equatable, Sendable {
    /// Not an age v1 file, or one whose header breaks a rule of the format.
    case headerFailure(HeaderProblem)
    /// The file key was found, but the header is not the one that was made with it.
    case hmacFailure
    /// The header is well formed, and no identity opens any of its stanzas.
    case noMatch
    /// A chunk is damaged, missing, out of order or too much. What was released before is good.
    case payloadFailure
    /// The text is no X25519 recipient that may be used.
    case recipientRefused(CryptoError.KeyProblem)
    /// The text is no X25519 identity; `line` counts from 1 when it came from a file.
    case identityRefused(line: Int?)
    /// An identity file without any identity.
    case noIdentity
    /// Sealing for nobody was asked for.
    case noRecipient
    /// libcrypto could not do its part.
    case crypto(CryptoError)

    /// The rule that a header breaks.
    package enum HeaderProblem: Equatable, Sendable {
        /// The first line is not `age-encryption.org/v1`.
        case version
        /// The file ends inside the header.
        case truncated
        /// The header is longer than ``Age/maximumHeaderByteCount``.
        case tooLong
        /// A stanza's first line is not `->` and arguments of visible characters.
        case stanzaArguments
        /// A stanza's body is not canonical base64 in lines of 64 with a shorter last one.
        case stanzaBody
        /// There is no stanza at all.
        case noStanza
        /// The last line is not `---` and a tag.
        case footer
        /// An X25519 stanza has not one share of 32 bytes and a body of 32 bytes.
        case x25519Stanza
        /// The share of an X25519 stanza is of low order.
        case lowOrderShare
        /// An scrypt stanza stands beside others.
        case scryptNotAlone
    }

    package var recovery: CryptoError.Recovery {
        switch self {
        case .headerFailure, .hmacFailure, .payloadFailure:
            .personMustAct(hint: "the file is damaged: fetch another copy")
        case .noMatch:
            .personMustAct(hint: "use the identity that the file was sealed to")
        case .recipientRefused, .identityRefused, .noIdentity, .noRecipient:
            .personMustAct(hint: "use a key pair from 'lenscap key new' or 'age-keygen'")
        case .crypto(let error):
            error.recovery
        }
    }
}
