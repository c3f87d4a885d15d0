internal import COpenSSL

/// `count` bytes from the system's random number generator (RAND_bytes).
package func randomBytes(_ count: Int) throws(CryptoError) -> [UInt8] {
    precondition(count >= 0 && count <= Int(Int32.max))
    var done: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { output, filled in
        done = count == 0 ? 1 : RAND_bytes(output.baseAddress, Int32(count))
        filled = done == 1 ? count : 0
    }
    guard done == 1 else {
        ERR_clear_error()
        throw .randomUnavailable
    }
    return bytes
}

/// Whether both have the same bytes, in a time that depends on their lengths alone (CRYPTO_memcmp).
package func constantTimeEqual(
    _ left: UnsafeRawBufferPointer,
    _ right: UnsafeRawBufferPointer
)
    -> Bool
{
    guard left.count == right.count else { return false }
    return left.isEmpty || CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
}

/// Whether both have the same bytes, in a time that depends on their lengths alone (CRYPTO_memcmp).
package func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.withUnsafeBytes { left in right.withUnsafeBytes { constantTimeEqual(left, $0) } }
}
