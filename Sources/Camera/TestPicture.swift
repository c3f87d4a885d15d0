/// Draws the test picture: a gradient, a block that moves, the time and number in digits, the
/// time code, and white all over when it flashes.
///
/// Only what changes is drawn, so that a picture costs little. Thread-bound; drawing allocates
/// nothing.
struct TestPicture: ~Copyable {
    private let background: TestCanvas
    private let moving: TestCanvas
    private let flash: TestCanvas
    private var block: TestCanvas.Area

    init(_ format: CameraFormat) {
        background = TestCanvas(format)
        moving = TestCanvas(format)
        flash = TestCanvas(format)
        let whole = TestCanvas.Area(left: 0, top: 0, width: format.width, height: format.height)
        for left in stride(from: 0, to: format.width, by: 2) {
            let share = left * 160 / format.width
            let colour = TestCanvas.Colour(
                luma: UInt8(32 + share),
                cb: UInt8(208 - share),
                cr: UInt8(96 + share / 2)
            )
            let column = TestCanvas.Area(left: left, top: 0, width: 2, height: format.height)
            background.fill(column, colour)
        }
        moving.copy(whole, from: background)
        flash.fill(whole, .white)
        block = TestCanvas.Area(left: 0, top: 0, width: 0, height: 0)
    }

    /// Draws picture `number`, taken at `time` (ns), and lends its bytes to `body`.
    mutating func draw(
        number: UInt32,
        time: Int64,
        flashes: Bool,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        if flashes {
            Self.label(flash, number, time)
            return body(flash.bytes)
        }
        moving.copy(block, from: background)
        block = Self.block(at: number, in: background.format)
        moving.fill(block, .orange)
        Self.label(moving, number, time)
        body(moving.bytes)
    }

    /// An eighth of the width, crossing the middle from left to right in 120 pictures.
    private static func block(at number: UInt32, in format: CameraFormat) -> TestCanvas.Area {
        let side = min(format.width, format.height) / 16 * 2
        let way = format.width - side
        return TestCanvas.Area(
            left: way * Int(number % 120) / 120 / 2 * 2,
            top: (format.height - side) / 4 * 2,
            width: side,
            height: side
        )
    }

    private static func label(_ canvas: borrowing TestCanvas, _ number: UInt32, _ time: Int64) {
        let format = canvas.format
        let cell = TestTimeCode.cell(width: format.width)
        let top = TestTimeCode.top(width: format.width, height: format.height)
        let milliseconds = UInt32(truncatingIfNeeded: time / 1_000_000)
        drawRow(canvas, of: number, cell: cell, top: top)
        drawRow(canvas, of: milliseconds, cell: cell, top: top + cell)

        let dot = max(2, cell / 8 * 2)
        drawTime(canvas, time / 1_000_000, dot: dot)
        drawNumber(canvas, Int(number), dot: dot, top: (TestDigits.rows + 2) * dot)
    }

    private static func drawRow(
        _ canvas: borrowing TestCanvas,
        of value: UInt32,
        cell: Int,
        top: Int
    ) {
        for position in 0..<TestTimeCode.cellsPerRow {
            let area = TestCanvas.Area(left: position * cell, top: top, width: cell, height: cell)
            let isWhite = TestTimeCode.isWhite(cell: position, of: value)
            canvas.fill(area, isWhite ? .white : .black)
        }
    }

    /// `HH:MM:SS.mmm` since boot.
    private static func drawTime(
        _ canvas: borrowing TestCanvas,
        _ milliseconds: Int64,
        dot: Int
    ) {
        let seconds = Int(milliseconds / 1000)
        let fraction = Int(milliseconds % 1000)
        for position in 0..<12 {
            let symbol =
                switch position {
                case 0: seconds / 36_000 % 10
                case 1: seconds / 3_600 % 10
                case 3: seconds / 600 % 6
                case 4: seconds / 60 % 10
                case 6: seconds / 10 % 6
                case 7: seconds % 10
                case 9: fraction / 100
                case 10: fraction / 10 % 10
                case 11: fraction % 10
                case 8: TestDigits.point
                default: TestDigits.colon
                }
            drawSymbol(canvas, symbol, position: position, dot: dot, top: 0)
        }
    }

    /// Eight digits.
    private static func drawNumber(
        _ canvas: borrowing TestCanvas,
        _ number: Int,
        dot: Int,
        top: Int
    ) {
        var rest = number
        for position in stride(from: 7, through: 0, by: -1) {
            drawSymbol(canvas, rest % 10, position: position, dot: dot, top: top)
            rest /= 10
        }
    }

    private static func drawSymbol(
        _ canvas: borrowing TestCanvas,
        _ symbol: Int,
        position: Int,
        dot: Int,
        top: Int
    ) {
        let left = position * (TestDigits.columns + 1) * dot
        let width = (TestDigits.columns + 1) * dot
        let height = (TestDigits.rows + 2) * dot
        canvas.fill(.init(left: left, top: top, width: width, height: height), .black)
        for row in 0..<TestDigits.rows {
            for column in 0..<TestDigits.columns
            where TestDigits.isLit(symbol, column: column, row: row) {
                let area = TestCanvas.Area(
                    left: left + column * dot,
                    top: top + (row + 1) * dot,
                    width: dot,
                    height: dot
                )
                canvas.fill(area, .white)
            }
        }
    }
}
