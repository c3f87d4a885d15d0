internal import COpenSSL

/// What may be said of an Ed25519 public key's 32 bytes without using it (RFC 8032 section 5.1).
///
/// libcrypto takes any 32 bytes and notices at most when a signature is checked, and it takes the
/// points of low order, under which one signature can fit any message.
enum Ed25519Point {
    /// Nil for the canonical encoding of a point of the curve that is not of low order.
    ///
    /// A point with a low-order part beside one of the large prime order passes, as it does
    /// elsewhere.
    static func problem(with encoding: [UInt8]) throws(CryptoError) -> CryptoError.KeyProblem? {
        guard encoding.count == 32 else { return .malformed }
        var y = encoding
        y[31] &= 0x7F  // the top bit is the sign of x
        // Before canonicity: the spellings y = p and y = p + 1 of low-order points are both.
        if lowOrderY.contains(where: { constantTimeEqual($0, y) }) { return .lowOrder }
        guard isLess(y, fieldPrime) else { return .nonCanonical }
        return try isOnCurve(y: y) ? nil : .offCurve
    }

    /// 2^255 − 19, least significant byte first like everything in Ed25519.
    private static let fieldPrime = [0xED] + [UInt8](repeating: 0xFF, count: 30) + [0x7F]

    /// The y-coordinates of the eight points of order 1, 2, 4 and 8, and the two values from p
    /// upwards that mean the same as one of them.
    ///
    /// Every sign bit goes with them.
    private static let lowOrderY: [[UInt8]] = {
        var coordinates = [
            [UInt8](repeating: 0, count: 32),  // order 4
            [1] + [UInt8](repeating: 0, count: 31),  // the neutral element
            [0xEC] + fieldPrime.dropFirst(),  // p − 1, order 2
            fieldPrime,  // p, the same as 0
            [0xEE] + fieldPrime.dropFirst(),  // p + 1, the same as 1
        ]
        let orderEight = [
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        ]
        coordinates += orderEight.compactMap { Hex.decode($0) }
        return coordinates
    }()

    private static func isLess(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.reversed().lexicographicallyPrecedes(right.reversed())
    }

    /// Whether −x² + y² = 1 + d·x²·y² has an x, that is whether (y² − 1)·(d·y² + 1) is a square
    /// modulo p.
    ///
    /// `d` is −121665/121666.
    private static func isOnCurve(y: [UInt8]) throws(CryptoError) -> Bool {
        guard let scratch = BN_CTX_new() else { throw .fromLibrary("Ed25519 point") }
        defer { BN_CTX_free(scratch) }
        BN_CTX_start(scratch)
        defer { BN_CTX_end(scratch) }
        let p = BN_CTX_get(scratch)
        let d = BN_CTX_get(scratch)
        let ySquared = BN_CTX_get(scratch)
        let u = BN_CTX_get(scratch)
        // BN_CTX_get fails for good once it failed, so that the last one answers for all.
        guard let v = BN_CTX_get(scratch) else { throw .fromLibrary("Ed25519 point") }
        let computed =
            BN_lebin2bn(fieldPrime, Int32(fieldPrime.count), p) != nil
            && BN_set_word(d, 121_666) == 1
            && BN_mod_inverse(d, d, p, scratch) != nil
            && BN_mul_word(d, 121_665) == 1
            && BN_sub(d, p, d) == 1  // negated; the next line brings it back into 0..<p
            && BN_nnmod(d, d, p, scratch) == 1
            && BN_lebin2bn(y, Int32(y.count), ySquared) != nil
            && BN_mod_sqr(ySquared, ySquared, p, scratch) == 1
            && BN_mod_sub(u, ySquared, BN_value_one(), p, scratch) == 1
            && BN_mod_mul(v, ySquared, d, p, scratch) == 1
            && BN_mod_add(v, v, BN_value_one(), p, scratch) == 1
            && BN_mod_mul(u, u, v, p, scratch) == 1
        guard computed else { throw .fromLibrary("Ed25519 point") }
        return BN_kronecker(u, p, scratch) >= 0
    }
}
