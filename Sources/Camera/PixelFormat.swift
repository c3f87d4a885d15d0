internal import CLinux

/// How a camera's bytes hold a picture: the V4L2 pixel formats the pipeline can take.
///
/// `Documentation/userspace-api/media/v4l/pixfmt-*.rst` has the layouts.
package enum PixelFormat: CaseIterable, Hashable, Sendable, CustomStringConvertible {
    /// A luma plane, then one of interleaved Cb and Cr at half width and height, both with the
    /// format's bytes per line (`V4L2_PIX_FMT_NV12`).
    case nv12
    /// Packed Y Cb Y Cr, two pixels in four bytes (`V4L2_PIX_FMT_YUYV`).
    case yuyv

    /// In the order of preference: what the encoder takes as it is comes first.
    package static let preferred: [PixelFormat] = [.nv12, .yuyv]

    package init?(fourCC: UInt32) {
        guard let found = Self.allCases.first(where: { $0.fourCC == fourCC }) else { return nil }
        self = found
    }

    /// The kernel's four-character code.
    package var fourCC: UInt32 {
        switch self {
        case .nv12: lenscap_V4L2_PIX_FMT_NV12()
        case .yuyv: lenscap_V4L2_PIX_FMT_YUYV()
        }
    }

    package var description: String { Self.name(ofFourCC: fourCC) }

    /// Bytes from one line of luma (or of packed pixels) to the next when nothing is padded.
    package func minimumBytesPerLine(width: Int) -> Int {
        switch self {
        case .nv12: width
        case .yuyv: width * 2
        }
    }

    /// Bytes of a whole picture.
    package func pictureSize(bytesPerLine: Int, height: Int) -> Int {
        switch self {
        case .nv12: bytesPerLine * (height + (height + 1) / 2)
        case .yuyv: bytesPerLine * height
        }
    }

    /// The four characters as V4L2 tools print them; others than printable ASCII become `?`.
    package static func name(ofFourCC code: UInt32) -> String {
        var text = ""
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
            let byte = UInt8(truncatingIfNeeded: code >> shift)
            text.unicodeScalars.append((0x20..<0x7f).contains(byte) ? UnicodeScalar(byte) : "?")
        }
        return text
    }
}
