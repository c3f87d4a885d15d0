internal import CryptoPrimitives
package import LinuxSystem

/// SHA-256 of files, in constant memory.
package enum FileHash {
    private static let chunkSize = 1 << 20

    /// SHA-256 of a file from its start, 32 bytes.
    package static func sha256(of file: borrowing Descriptor) throws(SystemError) -> [UInt8] {
        try file.rewind()
        var hasher = SHA256Hasher()
        var buffer = [UInt8](repeating: 0, count: chunkSize)
        while true {
            var span = buffer.mutableSpan
            let count = try span.withUnsafeMutableBytes { (bytes) throws(SystemError) in
                try file.read(into: bytes)
            }
            if count == 0 { return hasher.finish() }
            buffer.span.withUnsafeBytes { bytes in
                hasher.update(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            }
        }
    }
}
