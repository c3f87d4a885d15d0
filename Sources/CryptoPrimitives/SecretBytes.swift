internal import COpenSSL

/// Secret bytes of a fixed size, in OpenSSL's secure heap, cleared when the last reference goes.
///
/// The heap is one mapping of 256 KiB between guard pages, left out of core dumps (MADV_DONTDUMP)
/// and locked into memory. Where the process may not lock that much (RLIMIT_MEMLOCK) OpenSSL goes
/// on without the lock, and the bytes can reach swap: ``protection`` says which of the two holds,
/// so that a program on the box can refuse to run, and the demo can say so and go on. Keys that
/// OpenSSL itself holds (EVP_PKEY) stand in the same heap. Cipher and MAC states do not: those are
/// ordinary memory, which OpenSSL clears when it frees them.
///
/// It has no description of its contents, on purpose.
//
// Unchecked because of the pointer alone: the bytes are written during `init`, before anyone else
// has a reference, and are only read after it.
package final class SecretBytes: @unchecked Sendable {
    /// How well the secure heap is protected on this machine.
    package enum Protection: Equatable, Sendable {
        /// Guarded, not dumped, never swapped.
        case locked
        /// Guarded and not dumped, but the kernel did not allow the memory to be locked.
        case notLocked
        /// There is no secure heap: every `init` throws `.secureMemoryUnavailable`.
        case unavailable
    }

    /// Set up at the first use in the process and never changed.
    package static let protection: Protection = {
        let heapByteCount = 256 * 1024
        let smallestBlock = 32
        switch CRYPTO_secure_malloc_init(heapByteCount, smallestBlock) {
        case 1: return .locked
        case 2: return .notLocked
        // Zero also means that another library of this process had set the heap up before; how well
        // it could is not known then.
        default: return CRYPTO_secure_malloc_initialized() == 1 ? .notLocked : .unavailable
        }
    }()

    package let count: Int
    private let start: UnsafeMutableRawPointer

    /// `count` bytes, all zero until `fill` has written them.
    ///
    /// Throws what `fill` throws, after clearing what it wrote.
    package init(
        count: Int,
        _ fill: (UnsafeMutableRawBufferPointer) throws(CryptoError) -> Void
    ) throws(CryptoError) {
        precondition(count >= 0)
        // Without the heap OpenSSL would silently hand out ordinary memory.
        guard Self.protection != .unavailable else { throw .secureMemoryUnavailable }
        guard let start = CRYPTO_secure_zalloc(max(count, 1), nil, 0) else {
            ERR_clear_error()
            throw .secureMemoryExhausted(wanted: count)
        }
        self.count = count
        self.start = start
        try fill(UnsafeMutableRawBufferPointer(start: start, count: count))
    }

    /// `count` bytes from the generator that OpenSSL keeps for secrets (RAND_priv_bytes).
    package convenience init(random count: Int) throws(CryptoError) {
        try self.init(count: count) { buffer throws(CryptoError) in
            guard RAND_priv_bytes(buffer.baseAddress, Int32(buffer.count)) == 1 else {
                ERR_clear_error()
                throw .randomUnavailable
            }
        }
    }

    /// A copy of `bytes`, which the caller clears.
    package convenience init(copying bytes: UnsafeRawBufferPointer) throws(CryptoError) {
        try self.init(count: bytes.count) { $0.copyMemory(from: bytes) }
    }

    /// A copy of `bytes`, for secrets that were in ordinary memory to begin with.
    package convenience init(copying bytes: [UInt8]) throws(CryptoError) {
        try self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    deinit {
        CRYPTO_secure_clear_free(start, max(count, 1), nil, 0)
    }

    /// Lends the bytes for the length of `body`, which must neither keep nor copy the pointer.
    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // Without this the optimiser may end the object's life before `body` is done.
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Whether both hold the same bytes, in a time that depends on their sizes alone.
    package func isEqual(to other: SecretBytes) -> Bool {
        withUnsafeBytes { left in other.withUnsafeBytes { constantTimeEqual(left, $0) } }
    }
}

/// Clears memory in a way that the optimiser keeps (OPENSSL_cleanse).
package func cleanse(_ memory: UnsafeMutableRawBufferPointer) {
    OPENSSL_cleanse(memory.baseAddress, memory.count)
}

/// Clears `bytes` in place; they stay as many zeros.
///
/// Reaches this array's storage alone: a copy that was made of it before keeps its contents.
package func cleanse(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { cleanse($0) }
}
