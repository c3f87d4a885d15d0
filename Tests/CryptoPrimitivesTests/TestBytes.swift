import CryptoPrimitives
import Testing

/// The bytes of a test vector in hexadecimal; white space is left out.
func bytes(_ hex: String) -> [UInt8] {
    guard let bytes = Hex.decode(hex.filter { !$0.isWhitespace }) else {
        preconditionFailure("a test vector is not hexadecimal: \(hex)")
    }
    return bytes
}

extension SecretBytes {
    var exposed: [UInt8] { withUnsafeBytes { Array($0) } }
}
