internal import Glibc

/// Bytes in memory with one owner, which grow as they are written and can be used again.
///
/// Holds plaintext media: the process keeps its memory out of swap and dumps.
package struct MediaBytes: ~Copyable, @unchecked Sendable {
    // Unchecked: the value is the only owner of its memory.
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    package private(set) var count = 0

    package init() {}

    deinit {
        free(base)
    }

    /// Lends the bytes.
    package borrowing func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: base, count: base == nil ? 0 : count))
    }

    /// Forgets the content and keeps the memory.
    package mutating func removeAll() {
        count = 0
    }

    /// Copies `length` bytes to the end; false when there is no memory for them.
    mutating func append(_ source: UnsafeRawPointer, _ length: Int) -> Bool {
        if capacity - count < length {
            let wanted = max(count + length, capacity * 2, 1 << 16)
            guard let grown = realloc(base, wanted) else { return false }
            base = grown
            capacity = wanted
        }
        guard let base else { return false }
        memcpy(base + count, source, length)
        count += length
        return true
    }
}
