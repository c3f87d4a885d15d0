/// That a log only grew between two of its states: the hashes from which both roots follow (RFC 6962
/// section 2.1.2).
package struct ConsistencyProof: Sendable, Hashable {
    /// 32 bytes each, the deepest first.
    package let path: [[UInt8]]

    /// Nothing is checked before ``verify(from:to:)``.
    package init(path: [[UInt8]]) {
        self.path = path
    }

    /// Returns when the log with the `new` head begins with all leaves of the `old` one, and throws
    /// `.proofRefused` otherwise (RFC 9162 section 2.1.4.2, which RFC 6962 leaves to the reader).
    ///
    /// Between equal sizes, and from the empty log, the path must be empty. Both heads must be ones
    /// that the log signed.
    package func verify(from old: TreeHead, to new: TreeHead) throws(TransparencyLogError) {
        guard old.size <= new.size else { throw .proofRefused(.size) }
        guard path.allSatisfy({ $0.count == MerkleHash.byteCount }) else {
            throw .proofRefused(.hashLength)
        }
        guard old.size > 0, old.size < new.size else {
            guard path.isEmpty else { throw .proofRefused(.pathLength) }
            guard old.size == 0 || old.root == new.root else { throw .proofRefused(.root) }
            return
        }
        // The deepest hash is that of the largest complete subtree at the old tree's right edge:
        // for an old tree that is complete it is the old root, which the path leaves out.
        let isComplete = old.size & (old.size - 1) == 0
        guard let deepest = isComplete ? old.root : path.first else {
            throw .proofRefused(.pathLength)
        }
        var oldHash = deepest
        var newHash = deepest
        // The place of that subtree on its level, and the place of the new tree's last node there.
        let depth = old.size.trailingZeroBitCount
        var place = (old.size - 1) >> depth
        var last = (new.size - 1) >> depth
        for neighbour in path.dropFirst(isComplete ? 0 : 1) {
            guard last > 0 else { throw .proofRefused(.pathLength) }
            if place & 1 == 1 || place == last {
                oldHash = MerkleHash.node(neighbour, oldHash)
                newHash = MerkleHash.node(neighbour, newHash)
                let rise = place.trailingZeroBitCount
                place >>= rise
                last >>= rise
            } else {
                newHash = MerkleHash.node(newHash, neighbour)
            }
            place >>= 1
            last >>= 1
        }
        guard last == 0 else { throw .proofRefused(.pathLength) }
        guard oldHash == old.root, newHash == new.root else { throw .proofRefused(.root) }
    }
}
