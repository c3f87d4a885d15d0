import Testing
import TransparencyLog

/// Proofs between every two states of one log, true and false.
@Suite struct ProofTests {
    private static let size = 64
    private static let data = leaves(size)
    private static let tree = MerkleTree(leaves: data)
    private static let heads = (0...size).compactMap { tree.head(atSize: $0) }

    private func holds(_ proof: InclusionProof, _ leafHash: [UInt8], _ head: TreeHead) -> Bool {
        (try? proof.verify(leafHash: leafHash, in: head)) != nil
    }

    private func holds(_ proof: ConsistencyProof, _ old: TreeHead, _ new: TreeHead) -> Bool {
        (try? proof.verify(from: old, to: new)) != nil
    }

    @Test("Every leaf up to size 64 has the one proof that the RFC defines, and it verifies")
    func everyInclusionProof() throws {
        for size in 1...Self.size {
            for index in 0..<size {
                let proof = try Self.tree.inclusionProof(of: index, inSize: size)
                #expect(proof.index == index)
                #expect(proof.path == Reference.path(index, Self.data[..<size]))
                try proof.verify(
                    leafHash: MerkleHash.leaf(Self.data[index]),
                    in: Self.heads[size]
                )
            }
        }
    }

    @Test("Every two states up to size 64 have the one proof that the RFC defines, and it verifies")
    func everyConsistencyProof() throws {
        for new in 0...Self.size {
            for old in 0...new {
                let proof = try Self.tree.consistencyProof(from: old, to: new)
                if old > 0 { #expect(proof.path == Reference.proof(old, Self.data[..<new])) }
                try proof.verify(from: Self.heads[old], to: Self.heads[new])
            }
        }
    }

    @Test("An inclusion proof holds for no other leaf, place or state of the log")
    func inclusionProofsHoldForOneOnly() throws {
        for size in 1...20 {
            for index in 0..<size {
                let proof = try Self.tree.inclusionProof(of: index, inSize: size)
                let leafHash = MerkleHash.leaf(Self.data[index])
                for other in 0...22 where other != size {
                    #expect(!holds(proof, leafHash, Self.heads[other]), "\(index) in \(other)")
                }
                for other in -1...22 where other != index {
                    let moved = InclusionProof(index: other, path: proof.path)
                    #expect(!holds(moved, leafHash, Self.heads[size]), "\(index) as \(other)")
                }
                for other in 0..<size where other != index {
                    #expect(!holds(proof, MerkleHash.leaf(Self.data[other]), Self.heads[size]))
                }
            }
        }
    }

    @Test("A consistency proof holds for no other two states of the log")
    func consistencyProofsHoldForOneOnly() throws {
        for new in 2...14 {
            for old in 1..<new {
                let proof = try Self.tree.consistencyProof(from: old, to: new)
                for otherNew in 0...16 {
                    for otherOld in 1...16 where (otherOld, otherNew) != (old, new) {
                        #expect(!holds(proof, Self.heads[otherOld], Self.heads[otherNew]))
                    }
                }
            }
        }
    }

    @Test("Any bit of a proof, root or leaf hash that flips is noticed")
    func everyBitCounts() throws {
        for size in 1...9 {
            let head = Self.heads[size]
            for index in 0..<size {
                let proof = try Self.tree.inclusionProof(of: index, inSize: size)
                let leafHash = MerkleHash.leaf(Self.data[index])
                for path in flips(proof.path) {
                    #expect(!holds(InclusionProof(index: index, path: path), leafHash, head))
                }
                for wrong in flips([leafHash]) { #expect(!holds(proof, wrong[0], head)) }
                for wrong in flips([head.root]) {
                    let other = try TreeHead(size: size, root: wrong[0])
                    #expect(!holds(proof, leafHash, other))
                }
            }
            for old in 1..<size {
                let proof = try Self.tree.consistencyProof(from: old, to: size)
                for path in flips(proof.path) {
                    #expect(!holds(ConsistencyProof(path: path), Self.heads[old], head))
                }
                for wrong in flips([Self.heads[old].root]) {
                    #expect(!holds(proof, try TreeHead(size: old, root: wrong[0]), head))
                }
                for wrong in flips([head.root]) {
                    let other = try TreeHead(size: size, root: wrong[0])
                    #expect(!holds(proof, Self.heads[old], other))
                }
            }
        }
    }

    @Test("Paths and hashes of any other length are refused")
    func hostileLengths() throws {
        let hash = MerkleHash.leaf([])
        for size in 1...17 {
            let head = Self.heads[size]
            for index in 0..<size {
                let path = try Self.tree.inclusionProof(of: index, inSize: size).path
                let leafHash = MerkleHash.leaf(Self.data[index])
                for wrong in otherLengths(of: path, filler: hash) {
                    #expect(throws: TransparencyLogError.proofRefused(wrong.problem)) {
                        let proof = InclusionProof(index: index, path: wrong.path)
                        try proof.verify(leafHash: leafHash, in: head)
                    }
                }
            }
            for old in 0...size {
                let path = try Self.tree.consistencyProof(from: old, to: size).path
                for wrong in otherLengths(of: path, filler: hash) {
                    #expect(throws: TransparencyLogError.proofRefused(wrong.problem)) {
                        let proof = ConsistencyProof(path: wrong.path)
                        try proof.verify(from: Self.heads[old], to: head)
                    }
                }
            }
        }
        let proof = try Self.tree.inclusionProof(of: 3, inSize: 8)
        for leafHash in [[], Array(hash.dropLast()), hash + [0]] {
            #expect(throws: TransparencyLogError.proofRefused(.hashLength)) {
                try proof.verify(leafHash: leafHash, in: Self.heads[8])
            }
        }
    }

    @Test("A log of the largest size makes no trouble")
    func largestSize() throws {
        let hash = MerkleHash.leaf([])
        let huge = try TreeHead(size: Int.max, root: hash)
        let path = [[UInt8]](repeating: hash, count: 63)
        for index in [0, 1, Int.max / 2, Int.max - 2] {
            #expect(throws: TransparencyLogError.proofRefused(.root)) {
                try InclusionProof(index: index, path: path).verify(leafHash: hash, in: huge)
            }
            #expect(throws: TransparencyLogError.proofRefused(.pathLength)) {
                try InclusionProof(index: index, path: path + path).verify(leafHash: hash, in: huge)
            }
        }
        // The last leaf of a tree that is not complete lies less deep.
        #expect(throws: TransparencyLogError.proofRefused(.root)) {
            let proof = InclusionProof(index: Int.max - 1, path: path.dropLast())
            try proof.verify(leafHash: hash, in: huge)
        }
        #expect(throws: TransparencyLogError.proofRefused(.size)) {
            try InclusionProof(index: Int.max, path: path).verify(leafHash: hash, in: huge)
        }
        for old in [1, 3, 1 << 62, Int.max - 1, Int.max / 3] {
            let head = try TreeHead(size: old, root: hash)
            for count in 0...130 {
                let path = [[UInt8]](repeating: hash, count: count)
                #expect(!holds(ConsistencyProof(path: path), head, huge))
                #expect(!holds(ConsistencyProof(path: path), huge, head))
            }
        }
    }

    @Test("From the empty log and between equal sizes only an empty path holds")
    func trivialProofs() throws {
        let none = ConsistencyProof(path: [])
        for size in 0...8 {
            try none.verify(from: .empty, to: Self.heads[size])
            try none.verify(from: Self.heads[size], to: Self.heads[size])
        }
        let other = try TreeHead(size: 5, root: MerkleHash.leaf([]))
        #expect(throws: TransparencyLogError.proofRefused(.root)) {
            try none.verify(from: Self.heads[5], to: other)
        }
        #expect(throws: TransparencyLogError.proofRefused(.size)) {
            try none.verify(from: Self.heads[5], to: Self.heads[4])
        }
    }

    /// Every value of `hashes` with one bit the other way.
    private func flips(_ hashes: [[UInt8]]) -> [[[UInt8]]] {
        hashes.indices.flatMap { index in
            (0..<hashes[index].count * 8).map { bit in
                var changed = hashes
                changed[index][bit / 8] ^= 1 << UInt8(bit % 8)
                return changed
            }
        }
    }

    /// Paths with a hash too many or too few, and with one that is too long, too short or empty.
    private func otherLengths(
        of path: [[UInt8]],
        filler: [UInt8]
    ) -> [(path: [[UInt8]], problem: TransparencyLogError.ProofProblem)] {
        var others: [(path: [[UInt8]], problem: TransparencyLogError.ProofProblem)] = [
            (path + [filler], .pathLength), ([filler] + path, .pathLength),
            (path + path + [filler], .pathLength),
        ]
        for index in path.indices {
            var without = path
            without.remove(at: index)
            others.append((without, .pathLength))
            for hash in [[], Array(path[index].dropLast()), path[index] + [0]] {
                var changed = path
                changed[index] = hash
                others.append((changed, .hashLength))
            }
        }
        return others
    }
}
