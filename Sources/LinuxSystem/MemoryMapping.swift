internal import Glibc

/// A part of a file or device that appears in memory, shared with it; unmapped when the owner goes.
package struct MemoryMapping: ~Copyable {
    package let bytes: UnsafeMutableRawBufferPointer

    /// Maps `count` bytes from `offset` on (`mmap(2)`).
    ///
    /// A mapping that is not writable must only be read: a write traps.
    package init(
        _ descriptor: borrowing Descriptor,
        offset: Int,
        count: Int,
        isWritable: Bool = true
    )
        throws(SystemError)
    {
        let raw = descriptor.raw
        let access = isWritable ? PROT_READ | PROT_WRITE : PROT_READ
        // MAP_FAILED is the address −1, the value by which `retrying` knows a failure.
        let address = try retrying("mmap") {
            Int(bitPattern: mmap(nil, count, access, MAP_SHARED, raw, offset))
        }
        bytes = UnsafeMutableRawBufferPointer(
            start: UnsafeMutableRawPointer(bitPattern: address),
            count: count
        )
    }

    deinit {
        munmap(bytes.baseAddress, bytes.count)
    }
}
