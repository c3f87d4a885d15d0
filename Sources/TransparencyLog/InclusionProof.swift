/// That a log holds a leaf at a place: the hashes beside the way from the leaf to the root (RFC 6962
/// section 2.1.1).
package struct InclusionProof: Sendable, Hashable {
    /// The leaf's place, counted from 0.
    package let index: Int
    /// 32 bytes each, the leaf's own neighbour first.
    package let path: [[UInt8]]

    /// Nothing is checked before ``verify(leafHash:in:)``.
    package init(index: Int, path: [[UInt8]]) {
        self.index = index
        self.path = path
    }

    /// Returns when the log with this `head` holds the leaf with this hash at ``index``, and throws
    /// `.proofRefused` otherwise (RFC 9162 section 2.1.3.2, which RFC 6962 leaves to the reader).
    ///
    /// A proof does not say how large the tree is, so `head` must be one that the log signed.
    package func verify(
        leafHash: [UInt8],
        in head: TreeHead
    ) throws(TransparencyLogError) {
        guard 0..<head.size ~= index else { throw .proofRefused(.size) }
        guard leafHash.count == MerkleHash.byteCount,
            path.allSatisfy({ $0.count == MerkleHash.byteCount })
        else { throw .proofRefused(.hashLength) }
        var hash = leafHash
        // The place of `hash` on its level, and the place of the last node of that level.
        var place = index
        var last = head.size - 1
        for neighbour in path {
            guard last > 0 else { throw .proofRefused(.pathLength) }
            if place & 1 == 1 || place == last {
                hash = MerkleHash.node(neighbour, hash)
                // The last node of a level without a neighbour rises until it has one.
                let rise = place.trailingZeroBitCount
                place >>= rise
                last >>= rise
            } else {
                hash = MerkleHash.node(hash, neighbour)
            }
            place >>= 1
            last >>= 1
        }
        guard last == 0 else { throw .proofRefused(.pathLength) }
        guard hash == head.root else { throw .proofRefused(.root) }
    }
}
