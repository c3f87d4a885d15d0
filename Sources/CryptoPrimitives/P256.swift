internal import COpenSSL

/// Numbers and signature encodings of P-256 (SEC 2 section 2.4.2, RFC 7518 section 3.4).
enum P256 {
    /// The prime of the field, most significant byte first.
    static let fieldPrime: [UInt8] =
        [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1] + [UInt8](repeating: 0, count: 12)
        + [UInt8](repeating: 0xFF, count: 12)

    /// The order n of the group, most significant byte first.
    static let order: [UInt8] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63,
        0x25, 0x51,
    ]

    /// Whether `number` is less than `limit`; both are public and 32 bytes.
    static func isBelow(_ number: some Sequence<UInt8>, _ limit: [UInt8]) -> Bool {
        number.lexicographicallyPrecedes(limit)
    }

    /// The DER form, which EVP takes, of a signature r ‖ s, or nil when r or s is not in 1…n − 1.
    static func derSignature(_ signature: [UInt8]) -> [UInt8]? {
        let halves = [signature[..<32], signature[32...]]
        for half in halves {
            guard isBelow(half, order), half.contains(where: { $0 != 0 }) else { return nil }
        }
        let integers = halves.flatMap { derInteger($0) }
        // Two integers have 70 bytes at most, so that one length byte is always enough.
        let sequenceTag: UInt8 = 0x30
        return [sequenceTag, UInt8(integers.count)] + integers
    }

    private static func derInteger(_ number: ArraySlice<UInt8>) -> [UInt8] {
        var digits = Array(number.drop { $0 == 0 })
        if let first = digits.first, first >= 0x80 { digits.insert(0, at: 0) }
        let integerTag: UInt8 = 0x02
        return [integerTag, UInt8(digits.count)] + digits
    }

    /// r ‖ s of a DER signature that EVP made.
    static func rawSignature(der: [UInt8]) throws(CryptoError) -> [UInt8] {
        let parsed = der.withUnsafeBufferPointer { der in
            var next = der.baseAddress
            return d2i_ECDSA_SIG(nil, &next, der.count)
        }
        guard let parsed else { throw .fromLibrary("ES256 signature") }
        defer { ECDSA_SIG_free(parsed) }
        var raw: [UInt8] = []
        for number in [ECDSA_SIG_get0_r(parsed), ECDSA_SIG_get0_s(parsed)] {
            var half = [UInt8](repeating: 0, count: 32)
            guard BN_bn2binpad(number, &half, 32) == 32 else {
                throw .fromLibrary("ES256 signature")
            }
            raw += half
        }
        return raw
    }
}
