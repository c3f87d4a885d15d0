/// H.264 as a byte stream (ITU-T H.264, Annex B): units behind start codes `00 00 01`.
package enum AnnexB {
    /// The kinds of unit that matter here (ITU-T H.264, table 7-1).
    private enum Kind {
        static let picture: UInt8 = 1
        static let pictureOfKeyFrame: UInt8 = 5
        static let supplement: UInt8 = 6
        static let sequenceParameters: UInt8 = 7
        static let pictureParameters: UInt8 = 8
        static let delimiter: UInt8 = 9
    }

    /// What an access unit is to the pictures around it.
    package struct Picture: Hashable, Sendable {
        /// It can be decoded without an earlier one.
        package var isKeyFrame = false
        /// It may need a later one (a B slice): such a stream's pictures come out of order.
        package var looksAhead = false
        /// Whether there is a picture in it at all.
        package var isWhole = false
    }

    /// The parameter sets of an access unit, each behind a start code; nil unless both kinds are
    /// there.
    package static func header(of bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        var header: [UInt8] = []
        var kinds: Set<UInt8> = []
        for unit in units(of: bytes) {
            let kind = bytes[unit.lowerBound] & 0x1F
            guard kind == Kind.sequenceParameters || kind == Kind.pictureParameters else {
                continue
            }
            kinds.insert(kind)
            header += [0, 0, 0, 1] + bytes[unit]
        }
        return kinds.count == 2 ? header : nil
    }

    /// What kind of picture the access unit holds.
    package static func picture(in bytes: UnsafeRawBufferPointer) -> Picture {
        var picture = Picture()
        for unit in units(of: bytes) {
            let kind = bytes[unit.lowerBound] & 0x1F
            guard kind == Kind.picture || kind == Kind.pictureOfKeyFrame else { continue }
            picture.isWhole = true
            if kind == Kind.pictureOfKeyFrame { picture.isKeyFrame = true }
            var slice = BitReader(bytes, unit.dropFirst())
            _ = slice.exponentialGolomb()
            // Slice types 1 and 6 are B (table 7-6).
            if let type = slice.exponentialGolomb(), type % 5 == 1 { picture.looksAhead = true }
        }
        return picture
    }

    /// Where each access unit of a stream begins, and where the last one ends (7.4.1.2.3).
    package static func accessUnits(of bytes: UnsafeRawBufferPointer) -> [Int] {
        var bounds: [Int] = []
        var hasPicture = true
        for unit in units(of: bytes) {
            let kind = bytes[unit.lowerBound] & 0x1F
            let isPicture = kind == Kind.picture || kind == Kind.pictureOfKeyFrame
            var slice = BitReader(bytes, unit.dropFirst())
            let isFirstOfPicture = isPicture && slice.exponentialGolomb() == 0
            let mayBegin = isFirstOfPicture || (Kind.supplement...Kind.delimiter).contains(kind)
            if hasPicture && mayBegin {
                bounds.append(startCode(before: unit.lowerBound, of: bytes))
                hasPicture = false
            }
            if isPicture { hasPicture = true }
        }
        return bounds.isEmpty ? [] : bounds + [bytes.count]
    }

    private static func startCode(before index: Int, of bytes: UnsafeRawBufferPointer) -> Int {
        index >= 4 && bytes[index - 4] == 0 ? index - 4 : index - 3
    }

    /// Where the units lie, without start codes and the zeros before them; none is empty.
    private static func units(of bytes: UnsafeRawBufferPointer) -> [Range<Int>] {
        var units: [Range<Int>] = []
        var start: Int?
        var index = 0
        while index + 2 < bytes.count {
            // A third byte above 1 ends no start code, nor can the two before it begin one.
            if bytes[index + 2] > 1 {
                index += 3
                continue
            }
            guard bytes[index] == 0, bytes[index + 1] == 0, bytes[index + 2] == 1 else {
                index += 1
                continue
            }
            if let start { append(start..<index, of: bytes, to: &units) }
            index += 3
            start = index
        }
        if let start { append(start..<bytes.count, of: bytes, to: &units) }
        return units
    }

    private static func append(
        _ range: Range<Int>,
        of bytes: UnsafeRawBufferPointer,
        to units: inout [Range<Int>]
    ) {
        var end = range.upperBound
        while end > range.lowerBound, bytes[end - 1] == 0 { end -= 1 }
        if end > range.lowerBound { units.append(range.lowerBound..<end) }
    }
}

/// Reads the first few bits of a unit, where no emulation prevention can stand yet.
private struct BitReader {
    private let bytes: UnsafeRawBufferPointer
    private let end: Int
    private var position: Int

    init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        self.bytes = bytes
        end = range.upperBound * 8
        position = range.lowerBound * 8
    }

    private mutating func bit() -> Int? {
        guard position < end else { return nil }
        defer { position += 1 }
        return Int(bytes[position / 8] >> UInt8(7 - position % 8) & 1)
    }

    /// An unsigned number as ue(v) (9.1).
    mutating func exponentialGolomb() -> Int? {
        var zeros = 0
        while let bit = bit(), bit == 0 { zeros += 1 }
        guard zeros < 32 else { return nil }
        var value = 1
        for _ in 0..<zeros {
            guard let bit = bit() else { return nil }
            value = value * 2 + bit
        }
        return value - 1
    }
}
