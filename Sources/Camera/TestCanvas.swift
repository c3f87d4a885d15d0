/// A picture in memory to draw rectangles on, in either pixel format; thread-bound.
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
            for line in area.top..<area.top + area.height {
                let start = line * format.bytesPerLine + area.left
                memory[start..<start + area.width].update(repeating: colour.luma)
            }
            for line in area.top / 2..<(area.top + area.height) / 2 {
                let start = chromaStart + line * format.bytesPerLine + area.left
                for column in stride(from: start, to: start + area.width, by: 2) {
                    memory[column] = colour.cb
                    memory[column + 1] = colour.cr
                }
            }
        case .yuyv:
            for line in area.top..<area.top + area.height {
                let start = line * format.bytesPerLine + area.left * 2
                for column in stride(from: start, to: start + area.width * 2, by: 4) {
                    memory[column] = colour.luma
                    memory[column + 1] = colour.cb
                    memory[column + 2] = colour.luma
                    memory[column + 3] = colour.cr
                }
            }
        }
    }

    /// Copies the same area of a picture of the same format.
    func copy(_ area: Area, from other: borrowing TestCanvas) {
        switch format.pixelFormat {
        case .nv12:
            copyLines(area.top..<area.top + area.height, area.left, area.width, from: other, 0)
            let chromaLines = area.top / 2..<(area.top + area.height) / 2
            copyLines(chromaLines, area.left, area.width, from: other, chromaStart)
        case .yuyv:
            let lines = area.top..<area.top + area.height
            copyLines(lines, area.left * 2, area.width * 2, from: other, 0)
        }
    }

    private var chromaStart: Int { format.bytesPerLine * format.height }

    private func copyLines(
        _ lines: Range<Int>,
        _ left: Int,
        _ count: Int,
        from other: borrowing TestCanvas,
        _ planeStart: Int
    ) {
        for line in lines {
            let start = planeStart + line * format.bytesPerLine + left
            let source = UnsafeBufferPointer(rebasing: other.memory[start..<start + count])
            _ = UnsafeMutableBufferPointer(rebasing: memory[start..<start + count])
                .update(fromContentsOf: source)
        }
    }
}
