import CryptoPrimitives
import Testing
import TransparencyLog

/// The leaves, roots and proofs with which Certificate Transparency's own libraries test themselves.
enum CertificateTransparency {
    static let leaves = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ].map(hash)

    /// For 0 to 8 leaves.
    static let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ].map(hash)

    static let inclusion: [(index: Int, size: Int, path: [String])] = [
        (0, 1, []),
        (
            0, 8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        ),
        (
            5, 8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        ),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            1, 5,
            [
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]
        ),
    ]

    static let consistency: [(from: Int, to: Int, path: [String])] = [
        (1, 1, []),
        (
            1, 8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        ),
        (
            6, 8,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        ),
        (
            2, 5,
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]
        ),
        (
            3, 7,
            [
                "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
                "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                "837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e",
            ]
        ),
        (4, 8, ["6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
    ]

    static func hash(_ hex: String) -> [UInt8] {
        guard let bytes = Hex.decode(hex) else { preconditionFailure("no hexadecimal: \(hex)") }
        return bytes
    }
}

@Suite struct MerkleTreeTests {
    @Test("Both trees give the known roots of Certificate Transparency")
    func knownRoots() {
        var compact = CompactMerkleTree()
        var full = MerkleTree()
        #expect(compact.head == .empty && full.head == .empty)
        #expect(TreeHead.empty.root == CertificateTransparency.roots[0])
        for (index, leaf) in CertificateTransparency.leaves.enumerated() {
            compact.append(leaf)
            full.append(leaf)
            #expect(compact.size == index + 1 && full.size == index + 1)
            #expect(compact.head.root == CertificateTransparency.roots[index + 1])
            #expect(full.head == compact.head)
        }
        for (size, root) in CertificateTransparency.roots.enumerated() {
            #expect(full.head(atSize: size)?.root == root)
        }
        #expect(full.head(atSize: 9) == nil && full.head(atSize: -1) == nil)
    }

    @Test("Inclusion proofs are the known ones")
    func knownInclusionProofs() throws {
        let tree = MerkleTree(leaves: CertificateTransparency.leaves)
        for (index, size, path) in CertificateTransparency.inclusion {
            let proof = try tree.inclusionProof(of: index, inSize: size)
            #expect(proof.path == path.map(CertificateTransparency.hash), "\(index) in \(size)")
            try proof.verify(
                leafHash: MerkleHash.leaf(CertificateTransparency.leaves[index]),
                in: TreeHead(size: size, root: CertificateTransparency.roots[size])
            )
        }
    }

    @Test("Consistency proofs are the known ones")
    func knownConsistencyProofs() throws {
        let tree = MerkleTree(leaves: CertificateTransparency.leaves)
        for (from, to, path) in CertificateTransparency.consistency {
            let proof = try tree.consistencyProof(from: from, to: to)
            #expect(proof.path == path.map(CertificateTransparency.hash), "\(from) to \(to)")
            try proof.verify(
                from: TreeHead(size: from, root: CertificateTransparency.roots[from]),
                to: TreeHead(size: to, root: CertificateTransparency.roots[to])
            )
        }
    }

    @Test("The example tree of RFC 6962 section 2.1.3 has the proofs that are drawn there")
    func exampleOfTheRFC() throws {
        let data = leaves(7)
        let tree = MerkleTree(leaves: data)
        func node(_ range: Range<Int>) -> [UInt8] { Reference.root(data[range]) }
        let (a, b, c, d, f, j) = (
            node(0..<1), node(1..<2), node(2..<3), node(3..<4), node(5..<6), node(6..<7)
        )
        let (g, h, i, k) = (node(0..<2), node(2..<4), node(4..<6), node(0..<4))
        let l = node(4..<7)
        #expect(try tree.inclusionProof(of: 0, inSize: 7).path == [b, h, l])
        #expect(try tree.inclusionProof(of: 3, inSize: 7).path == [c, g, l])
        #expect(try tree.inclusionProof(of: 4, inSize: 7).path == [f, j, k])
        #expect(try tree.inclusionProof(of: 6, inSize: 7).path == [i, k])
        #expect(try tree.consistencyProof(from: 3, to: 7).path == [c, d, g, l])
        #expect(try tree.consistencyProof(from: 4, to: 7).path == [l])
        #expect(try tree.consistencyProof(from: 6, to: 7).path == [i, j, k])
        #expect(a == MerkleHash.leaf(data[0]))
    }

    @Test("Both trees follow the definition at every size up to 130 and at random larger ones")
    func treesFollowTheDefinition() {
        var numbers = RepeatableNumbers(state: 6962)
        let random = Set((0..<12).map { _ in Int.random(in: 131...3000, using: &numbers) })
        let data = leaves(3000)
        var compact = CompactMerkleTree()
        var full = MerkleTree()
        for (index, leaf) in data.enumerated() {
            compact.append(leaf)
            full.append(leaf)
            #expect(full.leafHash(at: index) == MerkleHash.leaf(leaf))
            if index + 1 <= 130 || random.contains(index + 1) {
                #expect(compact.head.size == index + 1)
                #expect(compact.head.root == Reference.root(data[...index]))
                #expect(full.head == compact.head)
            }
        }
        for size in random {
            #expect(full.head(atSize: size)?.root == Reference.root(data[..<size]))
        }
        #expect(full.leafHash(at: 3000) == nil && full.leafHash(at: -1) == nil)
    }

    @Test("Proofs are asked for within the tree only")
    func proofsOutOfRange() {
        let tree = MerkleTree(leaves: leaves(5))
        for (index, size) in [(0, 0), (5, 5), (0, 6), (-1, 5), (3, 3), (0, -1), (Int.max, Int.max)]
        {
            #expect(throws: TransparencyLogError.self) {
                try tree.inclusionProof(of: index, inSize: size)
            }
        }
        for (old, new) in [(-1, 5), (3, 2), (0, 6), (6, 6), (0, -1), (Int.min, Int.max)] {
            #expect(throws: TransparencyLogError.self) {
                try tree.consistencyProof(from: old, to: new)
            }
        }
    }
}
