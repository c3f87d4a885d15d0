/// An append-only Merkle tree that proves what is in it, and what it was before (RFC 6962 section
/// 2.1).
///
/// It keeps every complete subtree's hash, 64 bytes a leaf.
package struct MerkleTree: Sendable {
    /// `levels[k]` holds, one after another, the roots of the complete subtrees of 2^k leaves.
    private var levels: [[UInt8]] = [[]]

    package init() {}

    package init(leaves: some Sequence<some Sequence<UInt8>>) {
        for leaf in leaves { append(leaf) }
    }

    package var size: Int { levels[0].count / MerkleHash.byteCount }

    /// Adds a leaf with these contents.
    package mutating func append(_ contents: some Sequence<UInt8>) {
        let merges = (~size).trailingZeroBitCount
        var hash = MerkleHash.leaf(contents)
        for level in 0..<merges {
            levels[level] += hash
            hash = MerkleHash.node(
                levels[level].suffix(2 * MerkleHash.byteCount).prefix(MerkleHash.byteCount),
                hash
            )
        }
        if merges == levels.count { levels.append([]) }
        levels[merges] += hash
    }

    package var head: TreeHead { TreeHead(unchecked: size, root(of: 0..<size)) }

    /// The head that the tree had when it had `size` leaves; nil for a size it never had.
    package func head(atSize size: Int) -> TreeHead? {
        guard 0...self.size ~= size else { return nil }
        return TreeHead(unchecked: size, root(of: 0..<size))
    }

    /// The hash of the leaf at `index`, counted from 0; nil for a leaf it has not.
    package func leafHash(at index: Int) -> [UInt8]? {
        guard 0..<size ~= index else { return nil }
        return Array(subtree(level: 0, index: index))
    }

    /// That the leaf at `index` is among the first `size` leaves (RFC 6962 section 2.1.1).
    package func inclusionProof(
        of index: Int,
        inSize size: Int
    ) throws(TransparencyLogError) -> InclusionProof {
        guard 0...self.size ~= size, 0..<size ~= index else {
            throw .outOfRange(asked: max(index, size), size: self.size)
        }
        var path: [[UInt8]] = []
        var range = 0..<size
        while range.count > 1 {
            let (left, right) = Self.halves(of: range)
            path.append(root(of: left.contains(index) ? right : left))
            range = left.contains(index) ? left : right
        }
        return InclusionProof(index: index, path: path.reversed())
    }

    /// That the first `newSize` leaves begin with the first `oldSize` leaves (RFC 6962 section
    /// 2.1.2).
    ///
    /// The proof is empty when the sizes are the same and when `oldSize` is 0.
    package func consistencyProof(
        from oldSize: Int,
        to newSize: Int
    ) throws(TransparencyLogError) -> ConsistencyProof {
        guard 0...size ~= newSize, 0...newSize ~= oldSize else {
            throw .outOfRange(asked: max(oldSize, newSize), size: size)
        }
        guard oldSize > 0 else { return ConsistencyProof(path: []) }
        var path: [[UInt8]] = []
        var range = 0..<newSize
        while range.upperBound != oldSize {
            let (left, right) = Self.halves(of: range)
            let goesLeft = oldSize <= left.upperBound
            path.append(root(of: goesLeft ? right : left))
            range = goesLeft ? left : right
        }
        // What is left is the old tree itself, whose root the verifier has, or its right edge.
        if range.lowerBound > 0 { path.append(root(of: range)) }
        return ConsistencyProof(path: path.reversed())
    }

    /// The two subtrees below the root of `range`: the left one is the largest complete one that
    /// leaves anything to the right.
    private static func halves(of range: Range<Int>) -> (left: Range<Int>, right: Range<Int>) {
        let leftCount = 1 << (Int.bitWidth - 1 - (range.count - 1).leadingZeroBitCount)
        let split = range.lowerBound + leftCount
        return (range.lowerBound..<split, split..<range.upperBound)
    }

    /// The Merkle tree hash of the leaves in `range`, which begins where ``halves(of:)`` can make it
    /// begin: at a multiple of the largest power of two in its length.
    private func root(of range: Range<Int>) -> [UInt8] {
        var root: [UInt8]?
        var rest = range
        while !rest.isEmpty {
            let level = rest.count.trailingZeroBitCount
            let start = rest.upperBound - (1 << level)
            let complete = subtree(level: level, index: start >> level)
            root = root.map { MerkleHash.node(complete, $0) } ?? Array(complete)
            rest = rest.lowerBound..<start
        }
        return root ?? MerkleHash.empty
    }

    private func subtree(level: Int, index: Int) -> ArraySlice<UInt8> {
        levels[level][index * MerkleHash.byteCount..<(index + 1) * MerkleHash.byteCount]
    }
}
