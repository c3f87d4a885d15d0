internal import Glibc

/// A part of a file or device that appears in memory, shared with it; unmapped when the owner goes.
package struct MemoryMapping: ~Copyable {
    package let bytes: UnsafeMutableRawBufferPointer

    /// Maps `count` bytes from `offset` on for reading and writing (`mmap(2)`).
    package init(
        _ descriptor: borrowing Descriptor,
        offset: Int,
        count: Int
    )
        throws(SystemError)
    {
        let raw = descriptor.raw
        // MAP_FAILED is the address −1, the value by which `retrying` knows a failure.
        let address = try retrying("mmap") {
            Int(bitPattern: mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, raw, offset))
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
