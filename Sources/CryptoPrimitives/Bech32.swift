/// Bech32 (BIP 173) without its limit of 90 characters, as age writes keys.
///
/// The text of a private key is as secret as the key, so that both directions can go from memory of
/// the caller to memory of the caller without a copy in between.
package enum Bech32 {
    private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
    private static let checksumCount = 6

    /// Characters in the text for `byteCount` bytes under `prefix`.
    package static func textCount(prefix: String, byteCount: Int) -> Int {
        prefix.utf8.count + 1 + (byteCount * 8 + 4) / 5 + checksumCount
    }

    /// The text for `bytes` under the human-readable `prefix`, in lower case.
    ///
    /// `prefix` is the program's own: 1…83 characters from `!` to `~`, none in upper case.
    package static func encode(prefix: String, _ bytes: [UInt8]) -> String {
        var text = [UInt8](repeating: 0, count: textCount(prefix: prefix, byteCount: bytes.count))
        text.withUnsafeMutableBytes { text in
            bytes.withUnsafeBytes { encode(prefix: prefix, $0, into: text) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The same, written into `text`, which has exactly ``textCount(prefix:byteCount:)`` bytes.
    package static func encode(
        prefix: String,
        _ bytes: UnsafeRawBufferPointer,
        into text: UnsafeMutableRawBufferPointer
    ) {
        precondition(text.count == textCount(prefix: prefix, byteCount: bytes.count))
        precondition(isPrefix(prefix.utf8) && !prefix.utf8.contains(where: isUpperCase))
        var writer = Writer(text: text, checksum: Checksum(prefix: prefix.utf8))
        for character in prefix.utf8 { writer.put(character) }
        writer.put(UInt8(ascii: "1"))
        var pending: UInt32 = 0
        var pendingBits: UInt32 = 0
        for byte in bytes {
            pending = (pending << 8 | UInt32(byte)) & 0xFFF
            pendingBits += 8
            while pendingBits >= 5 {
                pendingBits -= 5
                writer.putDigit(pending >> pendingBits & 0x1F)
            }
        }
        if pendingBits > 0 { writer.putDigit(pending << (5 - pendingBits) & 0x1F) }
        writer.putChecksum()
    }

    /// The bytes in `text`, or nil when it is not Bech32 under exactly this `prefix` (lower case).
    package static func decode(_ text: String, prefix: String) -> [UInt8]? {
        let text = Array(text.utf8)
        var bytes = [UInt8](repeating: 0, count: text.count)
        let count = text.withUnsafeBytes { text in
            bytes.withUnsafeMutableBytes { decode(text, prefix: prefix, into: $0) }
        }
        guard let count else { return nil }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Writes the bytes in `text` to the start of `output` and gives their number, or nil when
    /// `text` is not Bech32 under exactly this `prefix` or `output` is too small.
    ///
    /// The text may be all lower or all upper case. Left-over bits must be fewer than 5 and zero.
    /// After a refusal `output` may hold some of the bytes.
    package static func decode(
        _ text: UnsafeRawBufferPointer,
        prefix: String,
        into output: UnsafeMutableRawBufferPointer
    ) -> Int? {
        guard !(text.contains(where: isUpperCase) && text.contains(where: isLowerCase)),
            let separator = text.lastIndex(of: UInt8(ascii: "1")),
            text.count - separator - 1 >= checksumCount,
            isPrefix(text[..<separator]),
            text[..<separator].lazy.map(lowerCased).elementsEqual(prefix.utf8)
        else { return nil }
        var checksum = Checksum(prefix: prefix.utf8)
        var pending: UInt32 = 0
        var pendingBits: UInt32 = 0
        var count = 0
        let endOfData = text.count - checksumCount
        for index in (separator + 1)..<text.count {
            guard let digit = alphabet.firstIndex(of: lowerCased(text[index])) else { return nil }
            checksum.add(UInt32(digit))
            guard index < endOfData else { continue }
            pending = (pending << 5 | UInt32(digit)) & 0xFFF
            pendingBits += 5
            if pendingBits >= 8 {
                pendingBits -= 8
                guard count < output.count else { return nil }
                output[count] = UInt8(truncatingIfNeeded: pending >> pendingBits)
                count += 1
            }
        }
        let leftOver = pending & (1 << pendingBits - 1)
        guard checksum.isValid, pendingBits < 5, leftOver == 0 else { return nil }
        return count
    }

    private static func isPrefix(_ prefix: some Sequence<UInt8>) -> Bool {
        var count = 0
        for character in prefix {
            guard (0x21...0x7E).contains(character) else { return false }
            count += 1
        }
        return (1...83).contains(count)
    }

    private static func isUpperCase(_ character: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(character)
    }

    private static func isLowerCase(_ character: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(character)
    }

    private static func lowerCased(_ character: UInt8) -> UInt8 {
        isUpperCase(character) ? character | 0x20 : character
    }

    /// The BCH code of BIP 173 over digits of five bits.
    private struct Checksum {
        private static let generator: [UInt32] = [
            0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3,
        ]
        private var remainder: UInt32 = 1

        init(prefix: some Sequence<UInt8>) {
            let characters = Array(prefix)
            for character in characters { add(UInt32(character >> 5)) }
            add(0)
            for character in characters { add(UInt32(character & 0x1F)) }
        }

        var isValid: Bool { remainder == 1 }

        mutating func add(_ digit: UInt32) {
            let top = remainder >> 25
            remainder = (remainder & 0x01FF_FFFF) << 5 ^ digit
            for (bit, term) in Self.generator.enumerated() where top >> UInt32(bit) & 1 == 1 {
                remainder ^= term
            }
        }

        /// The digits that make what was added so far valid.
        func digits() -> [UInt32] {
            var padded = self
            for _ in 0..<checksumCount { padded.add(0) }
            let value = padded.remainder ^ 1
            return (0..<UInt32(checksumCount)).map { value >> (5 * (5 - $0)) & 0x1F }
        }
    }

    private struct Writer {
        let text: UnsafeMutableRawBufferPointer
        var checksum: Checksum
        var position = 0

        mutating func put(_ character: UInt8) {
            text[position] = character
            position += 1
        }

        mutating func putDigit(_ digit: UInt32) {
            checksum.add(digit)
            put(alphabet[Int(digit)])
        }

        mutating func putChecksum() {
            for digit in checksum.digits() { put(alphabet[Int(digit)]) }
        }
    }
}
