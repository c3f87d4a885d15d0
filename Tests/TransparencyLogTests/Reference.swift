import CryptoPrimitives

/// RFC 6962 section 2.1 as it is written there, from lists of leaves and without a tree.
enum Reference {
    /// MTH(D[n]).
    static func root(_ leaves: ArraySlice<[UInt8]>) -> [UInt8] {
        switch leaves.count {
        case 0: return SHA256.hash([UInt8]())
        case 1: return SHA256.hash([0] + leaves[leaves.startIndex])
        default:
            let (left, right) = halves(leaves)
            return SHA256.hash([1] + root(left) + root(right))
        }
    }

    /// PATH(m, D[n]).
    static func path(_ m: Int, _ leaves: ArraySlice<[UInt8]>) -> [[UInt8]] {
        if leaves.count == 1 { return [] }
        let (left, right) = halves(leaves)
        return m < left.count
            ? path(m, left) + [root(right)]
            : path(m - left.count, right) + [root(left)]
    }

    /// SUBPROOF(m, D[n], b); PROOF(m, D[n]) with `isKnown`.
    static func proof(_ m: Int, _ leaves: ArraySlice<[UInt8]>, isKnown: Bool = true) -> [[UInt8]] {
        if m == leaves.count { return isKnown ? [] : [root(leaves)] }
        let (left, right) = halves(leaves)
        return m <= left.count
            ? proof(m, left, isKnown: isKnown) + [root(right)]
            : proof(m - left.count, right, isKnown: false) + [root(left)]
    }

    private static func halves(
        _ leaves: ArraySlice<[UInt8]>
    ) -> (ArraySlice<[UInt8]>, ArraySlice<[UInt8]>) {
        var k = 1
        while k * 2 < leaves.count { k *= 2 }
        return (leaves.prefix(k), leaves.dropFirst(k))
    }
}

/// The same "random" numbers every time (SplitMix64).
struct RepeatableNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

/// Leaves that are all different.
func leaves(_ count: Int) -> [[UInt8]] {
    (0..<count).map { Array("leaf \($0)".utf8) }
}
