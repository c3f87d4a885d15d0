internal import CryptoPrimitives

/// The hashes of a Merkle tree (RFC 6962 section 2.1): SHA-256, with leaves and nodes told apart by
/// their first byte, so that no node passes for a leaf.
///
/// Every hash has 32 bytes.
package enum MerkleHash {
    package static let byteCount = SHA256.byteCount

    /// The root of a tree without leaves: the hash of nothing.
    package static let empty = SHA256.hash([UInt8]())

    /// The hash of a leaf with these contents.
    package static func leaf(_ contents: some Sequence<UInt8>) -> [UInt8] {
        SHA256.hash([0x00] + contents)
    }

    /// The hash of the node above these two.
    static func node(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> [UInt8] {
        SHA256.hash([0x01] + left + right)
    }
}
