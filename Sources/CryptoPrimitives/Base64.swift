/// base64url without padding (RFC 4648 section 5), in its one canonical spelling.
package enum Base64URL {
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        Base64Codec.url.encode(bytes)
    }

    /// The bytes that `text` stands for, or nil when `text` is not exactly what ``encode(_:)``
    /// gives for them: padding, white space, `+`, `/`, an impossible length and trailing bits that
    /// are not zero are all refused.
    package static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        Base64Codec.url.decode(text)
    }

    package static func decode(_ text: String) -> [UInt8]? {
        Base64Codec.url.decode(text.utf8)
    }
}

/// base64 with the standard alphabet (RFC 4648 section 4), without padding, in its one canonical
/// spelling, as age v1 and signed notes' key material use it.
package enum Base64 {
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        Base64Codec.standard.encode(bytes)
    }

    /// The bytes that `text` stands for, or nil when `text` is not exactly what ``encode(_:)``
    /// gives for them.
    package static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        Base64Codec.standard.decode(text)
    }

    package static func decode(_ text: String) -> [UInt8]? {
        Base64Codec.standard.decode(text.utf8)
    }

    /// With `=` padding to a multiple of four, as signed notes (C2SP) write it.
    package static func encodePadded(_ bytes: some Sequence<UInt8>) -> String {
        let text = Base64Codec.standard.encode(bytes)
        return text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    }

    /// The bytes that `text` stands for, or nil when `text` is not exactly what
    /// ``encodePadded(_:)`` gives for them.
    package static func decodePadded(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var digits = Array(text)
        guard digits.count.isMultiple(of: 4) else { return nil }
        for _ in 0..<2 where digits.last == UInt8(ascii: "=") {
            digits.removeLast()
        }
        return Base64Codec.standard.decode(digits)
    }

    package static func decodePadded(_ text: String) -> [UInt8]? {
        decodePadded(text.utf8)
    }
}

private struct Base64Codec {
    static let standard = Base64Codec(UInt8(ascii: "+"), UInt8(ascii: "/"))
    static let url = Base64Codec(UInt8(ascii: "-"), UInt8(ascii: "_"))

    private static let noDigit: UInt8 = 0xFF
    private let digits: [UInt8]
    private let values: [UInt8]

    private init(_ digit62: UInt8, _ digit63: UInt8) {
        var digits = Array(UInt8(ascii: "A")...UInt8(ascii: "Z"))
        digits += UInt8(ascii: "a")...UInt8(ascii: "z")
        digits += UInt8(ascii: "0")...UInt8(ascii: "9")
        digits += [digit62, digit63]
        var values = [UInt8](repeating: Self.noDigit, count: 256)
        for (value, digit) in digits.enumerated() {
            values[Int(digit)] = UInt8(value)
        }
        self.digits = digits
        self.values = values
    }

    func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.underestimatedCount * 4 + 2) / 3)
        var pending: UInt32 = 0
        var pendingBits = 0
        for byte in bytes {
            pending = pending << 8 | UInt32(byte)
            pendingBits += 8
            while pendingBits >= 6 {
                pendingBits -= 6
                text.append(digits[Int(pending >> UInt32(pendingBits) & 0x3F)])
            }
        }
        if pendingBits > 0 {
            text.append(digits[Int(pending << UInt32(6 - pendingBits) & 0x3F)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.underestimatedCount * 3 / 4)
        var pending: UInt32 = 0
        var pendingBits = 0
        for digit in text {
            let value = values[Int(digit)]
            guard value != Self.noDigit else { return nil }
            pending = pending << 6 | UInt32(value)
            pendingBits += 6
            if pendingBits >= 8 {
                pendingBits -= 8
                bytes.append(UInt8(truncatingIfNeeded: pending >> UInt32(pendingBits)))
            }
        }
        // Six left-over bits are a lone digit, which stands for no byte at all.
        let leftOver = pending & (1 << UInt32(pendingBits) - 1)
        guard pendingBits < 6, leftOver == 0 else { return nil }
        return bytes
    }
}
