/// The strip of black and white cells at the bottom of the test picture, for machines to read.
///
/// Two rows of 34 square cells from the left edge, each `cell` pixels wide and high: a white
/// cell, a black cell, then 32 bits, the highest first, white for 1. The upper row is the number
/// of the picture since the camera was opened, the lower one the time of capture in milliseconds
/// of CLOCK_MONOTONIC, modulo 2³². Cells are at least 4 pixels wide, so that the strip can be read
/// after encoding and scaling back.
package struct TestTimeCode: Hashable, Sendable {
    package let pictureNumber: UInt32
    package let milliseconds: UInt32

    package init(pictureNumber: UInt32, milliseconds: UInt32) {
        self.pictureNumber = pictureNumber
        self.milliseconds = milliseconds
    }

    package static let cellsPerRow = 34

    /// Width and height of a cell, even.
    package static func cell(width: Int) -> Int { width / 80 * 2 }

    /// The upper edge of the strip, even.
    package static func top(width: Int, height: Int) -> Int {
        (height - 2 * cell(width: width)) / 2 * 2
    }

    /// Whether the cell of a row that encodes `value` is white.
    static func isWhite(cell: Int, of value: UInt32) -> Bool {
        switch cell {
        case 0: true
        case 1: false
        default: value >> UInt32(33 - cell) & 1 == 1
        }
    }

    /// Reads the strip out of a luma plane; nil when there is none.
    package static func read(
        luma: UnsafeRawBufferPointer,
        bytesPerLine: Int,
        bytesPerPixel: Int = 1,
        width: Int,
        height: Int
    ) -> TestTimeCode? {
        let cell = cell(width: width)
        let top = top(width: width, height: height)
        func row(_ index: Int) -> UInt32? {
            var value: UInt32 = 0
            for position in 0..<cellsPerRow {
                let line = top + index * cell + cell / 2
                let column = position * cell + cell / 2
                let isWhite = luma[line * bytesPerLine + column * bytesPerPixel] >= 128
                if position < 2, isWhite != (position == 0) { return nil }
                if position >= 2 { value = value << 1 | (isWhite ? 1 : 0) }
            }
            return value
        }
        guard let number = row(0), let milliseconds = row(1) else { return nil }
        return TestTimeCode(pictureNumber: number, milliseconds: milliseconds)
    }
}
