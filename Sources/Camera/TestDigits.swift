/// Digits, colon and point as bitmaps of 5 × 7 dots.
enum TestDigits {
    static let columns = 5
    static let rows = 7
    static let colon = 10
    static let point = 11

    /// 35 dots, row by row from the top left, the highest bit first.
    static func dots(_ symbol: Int) -> UInt64 {
        switch symbol {
        case 0: 0b01110_10001_10011_10101_11001_10001_01110
        case 1: 0b00100_01100_00100_00100_00100_00100_01110
        case 2: 0b01110_10001_00001_00010_00100_01000_11111
        case 3: 0b11111_00010_00100_00010_00001_10001_01110
        case 4: 0b00010_00110_01010_10010_11111_00010_00010
        case 5: 0b11111_10000_11110_00001_00001_10001_01110
        case 6: 0b00110_01000_10000_11110_10001_10001_01110
        case 7: 0b11111_00001_00010_00100_01000_01000_01000
        case 8: 0b01110_10001_10001_01110_10001_10001_01110
        case 9: 0b01110_10001_10001_01111_00001_00010_01100
        case colon: 0b00000_00100_00100_00000_00100_00100_00000
        default: 0b00000_00000_00000_00000_00000_01100_01100
        }
    }

    static func isLit(_ symbol: Int, column: Int, row: Int) -> Bool {
        dots(symbol) >> UInt64(rows * columns - 1 - row * columns - column) & 1 == 1
    }
}
