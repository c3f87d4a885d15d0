/// The checksum of BIP 173 once more, to put it right in a changed text.
enum Bech32Checksum {
    private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)

    /// The text with the checksum that its characters ask for; nil when it has none to replace.
    static func mended(_ text: String) -> String? {
        let characters = Array(text.lowercased().utf8)
        guard let separator = characters.lastIndex(of: UInt8(ascii: "1")),
            characters.count - separator > 6, characters.allSatisfy({ $0 < 0x80 })
        else { return nil }
        let prefix = characters[..<separator]
        var digits: [UInt32] = []
        for character in characters[(separator + 1)...].dropLast(6) {
            guard let digit = alphabet.firstIndex(of: character) else { return nil }
            digits.append(UInt32(digit))
        }
        let expanded = prefix.map { UInt32($0 >> 5) } + [0] + prefix.map { UInt32($0 & 31) }
        let remainder = polymod(expanded + digits + [0, 0, 0, 0, 0, 0]) ^ 1
        let checksum = (0..<6).map { alphabet[Int(remainder >> UInt32(5 * (5 - $0)) & 31)] }
        let mended = String(decoding: characters.dropLast(6) + checksum, as: UTF8.self)
        return text == text.uppercased() ? mended.uppercased() : mended
    }

    private static func polymod(_ values: [UInt32]) -> UInt32 {
        var checksum: UInt32 = 1
        for value in values {
            let top = checksum >> 25
            checksum = (checksum & 0x1FF_FFFF) << 5 ^ value
            if top & 1 != 0 { checksum ^= 0x3B6A_57B2 }
            if top & 2 != 0 { checksum ^= 0x2650_8E6D }
            if top & 4 != 0 { checksum ^= 0x1EA1_19FA }
            if top & 8 != 0 { checksum ^= 0x3D42_33DD }
            if top & 16 != 0 { checksum ^= 0x2A14_62B3 }
        }
        return checksum
    }
}
