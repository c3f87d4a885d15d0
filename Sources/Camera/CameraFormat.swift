/// The coefficients between Y′CbCr and R′G′B′.
package enum ColourMatrix: Hashable, Sendable {
    case bt601
    case bt709
}

/// The time of one picture as a fraction of a second, as V4L2 states it.
package struct FrameInterval: Hashable, Sendable, CustomStringConvertible {
    package let numerator: Int
    package let denominator: Int

    package init(numerator: Int, denominator: Int) {
        precondition(numerator > 0 && denominator > 0)
        self.numerator = numerator
        self.denominator = denominator
    }

    /// Rounded down.
    package var nanoseconds: Int64 {
        Int64(numerator) * 1_000_000_000 / Int64(denominator)
    }

    /// As a rate, for people: `15/s`, `30000/1001/s`.
    package var description: String {
        numerator == 1 ? "\(denominator)/s" : "\(denominator)/\(numerator)/s"
    }
}

/// What a camera delivers, as the driver granted it.
package struct CameraFormat: Hashable, Sendable {
    package let width: Int
    package let height: Int
    package let frameInterval: FrameInterval
    package let pixelFormat: PixelFormat
    /// From one line to the next; may exceed what the width needs.
    package let bytesPerLine: Int
    /// Luma 0…255 rather than 16…235.
    package let fullRange: Bool
    package let matrix: ColourMatrix
    /// The most bytes that one picture has.
    package let capacity: Int
    /// What H.264 has before each of its key frames, as ``H264/AnnexB`` gives it; else empty.
    package private(set) var header: [UInt8] = []

    /// `capacity` is what the driver says of compressed pictures; others have one size.
    package init(
        width: Int,
        height: Int,
        frameInterval: FrameInterval,
        pixelFormat: PixelFormat,
        bytesPerLine: Int,
        fullRange: Bool,
        matrix: ColourMatrix,
        capacity: Int = 0
    ) {
        self.width = width
        self.height = height
        self.frameInterval = frameInterval
        self.pixelFormat = pixelFormat
        self.bytesPerLine = bytesPerLine
        self.fullRange = fullRange
        self.matrix = matrix
        self.capacity = max(
            capacity,
            pixelFormat.pictureSize(bytesPerLine: bytesPerLine, height: height)
        )
    }

    /// Bytes of a whole picture, or the fewest of a compressed one; a shorter one is damaged.
    package var pictureSize: Int {
        pixelFormat.pictureSize(bytesPerLine: bytesPerLine, height: height)
    }

    func with(header: [UInt8]) -> CameraFormat {
        var format = self
        format.header = header
        return format
    }

    /// The same with compressed pictures of at most `capacity` bytes.
    func holding(_ capacity: Int) -> CameraFormat {
        CameraFormat(
            width: width,
            height: height,
            frameInterval: frameInterval,
            pixelFormat: pixelFormat,
            bytesPerLine: bytesPerLine,
            fullRange: fullRange,
            matrix: matrix,
            capacity: capacity
        )
    }
}
