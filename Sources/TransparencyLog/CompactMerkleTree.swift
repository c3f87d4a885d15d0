/// An append-only Merkle tree that knows its size and root and can prove nothing.
///
/// It keeps one hash for each bit set in its size, which is what the writer of a log needs.
package struct CompactMerkleTree: Sendable {
    /// The roots of the complete subtrees that the leaves divide into, the largest and leftmost
    /// first.
    private var subtrees: [[UInt8]] = []
    package private(set) var size = 0

    package init() {}

    /// Adds a leaf with these contents.
    package mutating func append(_ contents: some Sequence<UInt8>) {
        var hash = MerkleHash.leaf(contents)
        // Every bit set at the low end is a subtree as large as the one in hand: the two become one.
        for _ in 0..<(~size).trailingZeroBitCount {
            hash = MerkleHash.node(subtrees.removeLast(), hash)
        }
        subtrees.append(hash)
        size += 1
    }

    package var head: TreeHead {
        guard var root = subtrees.last else { return .empty }
        for left in subtrees.dropLast().reversed() {
            root = MerkleHash.node(left, root)
        }
        return TreeHead(unchecked: size, root)
    }
}
