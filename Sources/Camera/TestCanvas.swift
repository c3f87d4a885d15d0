/// A picture in memory to draw rectangles on, in any uncompressed pixel format; thread-bound.
struct TestCanvas: ~Copyable {
    /// One colour, in studio range.
    struct Colour {
        let luma: UInt8
        let cb: UInt8
        let cr: UInt8

        static let white = Colour(luma: 235, cb: 128, cr: 128)
        static let black = Colour(luma: 16, cb: 128, cr: 128)
        static let orange = Colour(luma: 160, cb: 64, cr: 176)
    }

    /// A part of the picture; all four numbers are even.
    struct Area {
        let left: Int
        let top: Int
        let width: Int
        let height: Int
    }

    let format: CameraFormat
    private let memory: UnsafeMutableBufferPointer<UInt8>

    /// The picture is black.
    init(_ format: CameraFormat) {
        self.format = format
        memory = .allocate(capacity: format.pictureSize)
        memory.initialize(repeating: 0)
        fill(Area(left: 0, top: 0, width: format.width, height: format.height), .black)
    }

    deinit {
        memory.deallocate()
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(memory) }

    func fill(_ area: Area, _ colour: Colour) {
        switch format.pixelFormat {
        case .nv12:
            fillLuma(area, colour)
            for line in area.top / 2..<(area.top + area.height) / 2 {
                let start = chromaStart + line * format.bytesPerLine + area.left
                for column in stride(from: start, to: start + area.width, by: 2) {
                    memory[column] = colour.cb
                    memory[column + 1] = colour.cr
                }
            }
        case .yu12:
            fillLuma(area, colour)
            for plane in 0..<2 {
                let value = plane == 0 ? colour.cb : colour.cr
                for line in area.top / 2..<(area.top + area.height) / 2 {
                    let start = yu12ChromaLine(line, plane) + area.left / 2
                    memory[start..<start + area.width / 2].update(repeating: value)
                }
            }
        case .yuyv: fillPacked(area, (colour.luma, colour.cb, colour.luma, colour.cr))
        case .uyvy: fillPacked(area, (colour.cb, colour.luma, colour.cr, colour.luma))
        case .yvyu: fillPacked(area, (colour.luma, colour.cr, colour.luma, colour.cb))
        case .vyuy: fillPacked(area, (colour.cr, colour.luma, colour.cb, colour.luma))
        case .mjpeg, .h264: preconditionFailure("nothing is drawn on a compressed picture")
        }
    }

    /// Copies the same area of a picture of the same format.
    func copy(_ area: Area, from other: borrowing TestCanvas) {
        let lines = area.top..<area.top + area.height
        let chromaLines = area.top / 2..<(area.top + area.height) / 2
        switch format.pixelFormat {
        case .nv12:
            copyLines(lines, area.left, area.width, from: other, 0)
            copyLines(chromaLines, area.left, area.width, from: other, chromaStart)
        case .yu12:
            copyLines(lines, area.left, area.width, from: other, 0)
            for plane in 0..<2 {
                for line in chromaLines {
                    let start = yu12ChromaLine(line, plane) + area.left / 2
                    copyBytes(start..<start + area.width / 2, from: other)
                }
            }
        case .yuyv, .uyvy, .yvyu, .vyuy:
            copyLines(lines, area.left * 2, area.width * 2, from: other, 0)
        case .mjpeg, .h264: preconditionFailure("nothing is drawn on a compressed picture")
        }
    }

    private func fillLuma(_ area: Area, _ colour: Colour) {
        for line in area.top..<area.top + area.height {
            let start = line * format.bytesPerLine + area.left
            memory[start..<start + area.width].update(repeating: colour.luma)
        }
    }

    private func fillPacked(_ area: Area, _ pair: (UInt8, UInt8, UInt8, UInt8)) {
        for line in area.top..<area.top + area.height {
            let start = line * format.bytesPerLine + area.left * 2
            for column in stride(from: start, to: start + area.width * 2, by: 4) {
                memory[column] = pair.0
                memory[column + 1] = pair.1
                memory[column + 2] = pair.2
                memory[column + 3] = pair.3
            }
        }
    }

    private var chromaStart: Int { format.bytesPerLine * format.height }

    private func yu12ChromaLine(_ line: Int, _ plane: Int) -> Int {
        chromaStart + (plane * (format.height / 2) + line) * (format.bytesPerLine / 2)
    }

    private func copyLines(
        _ lines: Range<Int>,
        _ left: Int,
        _ count: Int,
        from other: borrowing TestCanvas,
        _ planeStart: Int
    ) {
        for line in lines {
            let start = planeStart + line * format.bytesPerLine + left
            copyBytes(start..<start + count, from: other)
        }
    }

    private func copyBytes(_ range: Range<Int>, from other: borrowing TestCanvas) {
        let source = UnsafeBufferPointer(rebasing: other.memory[range])
        _ = UnsafeMutableBufferPointer(rebasing: memory[range]).update(fromContentsOf: source)
    }
}
