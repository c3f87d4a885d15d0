internal import COpenSSL

/// SHA-256 (FIPS 180-4).
///
/// Hashing has no error of its own: without SHA-256 or memory for its state there is nothing this
/// program could do correctly, so that traps.
package struct SHA256 {
    /// Bytes in a hash.
    package static let byteCount = 32

    // Fetched once, because a fetch by name costs more than hashing a log line does. OpenSSL's
    // algorithm objects are immutable and are shared between threads.
    nonisolated(unsafe) static let algorithm: OpaquePointer = {
        guard let algorithm = EVP_MD_fetch(nil, "SHA256", nil) else {
            preconditionFailure("libcrypto offers no SHA-256")
        }
        return algorithm
    }()

    /// The 32-byte hash of `bytes`.
    package static func hash(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { output, count in
            let done = EVP_Digest(
                bytes.baseAddress,
                bytes.count,
                output.baseAddress,
                nil,
                algorithm,
                nil
            )
            precondition(done == 1, "SHA-256 failed")
            count = byteCount
        }
    }

    /// The 32-byte hash of `bytes`, without a copy when they stand in one piece of memory.
    package static func hash(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        bytes.withContiguousStorageIfAvailable { hash(UnsafeRawBufferPointer($0)) }
            ?? Array(bytes).withUnsafeBytes { hash($0) }
    }
}

/// SHA-256 over bytes that come piece by piece.
///
/// Thread-bound: one thread at a time. Owns one EVP_MD_CTX; no allocation after `init`.
package struct SHA256Hasher: ~Copyable {
    private let context: OpaquePointer

    package init() {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("no memory for SHA-256") }
        self.context = context
        precondition(EVP_DigestInit_ex2(context, SHA256.algorithm, nil) == 1, "SHA-256 failed")
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let done = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
        precondition(done == 1, "SHA-256 failed")
    }

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// The 32-byte hash of everything given to `update`; ends the use of this hasher.
    package consuming func finish() -> [UInt8] {
        complete()
    }

    // Apart from `finish`, so that the context certainly outlives the call that reads it.
    private mutating func complete() -> [UInt8] {
        var hash = [UInt8](repeating: 0, count: SHA256.byteCount)
        precondition(EVP_DigestFinal_ex(context, &hash, nil) == 1, "SHA-256 failed")
        return hash
    }
}
