internal import COpenSSL

/// What can go wrong below this module's functions.
///
/// Wrong sizes that only a mistake in this program can cause (a nonce that is not 12 bytes, an
/// output buffer that does not fit) trap instead.
package enum CryptoError: Error, Equatable, Sendable {
    /// The system's random number generator gave nothing (RAND_bytes).
    case randomUnavailable
    /// OpenSSL's secure heap could not be set up at all, so there is no place for secrets.
    case secureMemoryUnavailable
    /// The secure heap has no room for so many bytes.
    case secureMemoryExhausted(wanted: Int)
    /// The ciphertext, its additional data or the key is not the one that was sealed.
    case authenticationFailed
    /// A key was offered that must not be used.
    case keyRefused(KeyProblem)
    /// A call into libcrypto failed which fails only for lack of memory or of a provider.
    /// `code` is the first entry of OpenSSL's error queue.
    case libraryFailed(operation: String, code: UInt)

    /// Why a key is not used.
    package enum KeyProblem: Equatable, Sendable {
        /// Not of the length, encoding or member set that its kind asks for.
        case malformed
        /// A kind of key, curve or container that Lenscap does not use, encrypted PEM included.
        case unsupported
        /// A coordinate is not the one encoding of its value (RFC 8032 section 5.1.3, SEC 1).
        case nonCanonical
        /// No point of the curve.
        case offCurve
        /// A point of order 1, 2, 4 or 8, or an X25519 exchange whose result is all zero.
        case lowOrder
        /// Private and public half do not belong together.
        case mismatched
    }

    /// Who can do something about an error, and what.
    package enum Recovery: Equatable, Sendable {
        /// The same call may succeed later.
        case retry
        /// What was under way cannot go on.
        case endSession
        /// Nothing gets better before a person acts on this hint.
        case personMustAct(hint: String)
    }

    package var recovery: Recovery {
        switch self {
        case .randomUnavailable, .libraryFailed:
            .endSession
        case .secureMemoryUnavailable:
            .personMustAct(hint: "allow this program to map and lock memory (LimitMEMLOCK)")
        case .secureMemoryExhausted:
            .retry
        case .authenticationFailed:
            .personMustAct(hint: "the data was changed, or another key sealed it")
        case .keyRefused:
            .personMustAct(hint: "make and enrol another key")
        }
    }

    /// The failure of `operation` that OpenSSL just reported; empties this thread's error queue, so
    /// that no later call is blamed for it.
    static func fromLibrary(_ operation: String) -> CryptoError {
        let code = ERR_peek_error()
        ERR_clear_error()
        return .libraryFailed(operation: operation, code: code)
    }
}
