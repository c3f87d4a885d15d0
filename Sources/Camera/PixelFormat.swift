internal import CLinux

/// How a camera's bytes hold a picture: the V4L2 pixel formats the pipeline can take.
///
/// `Documentation/userspace-api/media/v4l/pixfmt-*.rst` has the layouts.
package enum PixelFormat: CaseIterable, Hashable, Sendable, CustomStringConvertible {
    /// One access unit of a byte stream after the other (`V4L2_PIX_FMT_H264`).
    case h264
    /// A luma plane, then one of interleaved Cb and Cr at half width and height, both with the
    /// format's bytes per line (`V4L2_PIX_FMT_NV12`).
    case nv12
    /// A luma plane, then Cb and Cr at half width and height with half the bytes per line
    /// (`V4L2_PIX_FMT_YUV420`).
    case yu12
    /// Packed Y Cb Y Cr, two pixels in four bytes (`V4L2_PIX_FMT_YUYV`).
    case yuyv
    /// Packed Cb Y Cr Y.
    case uyvy
    /// Packed Y Cr Y Cb.
    case yvyu
    /// Packed Cr Y Cb Y.
    case vyuy
    /// One JPEG picture after the other (`V4L2_PIX_FMT_MJPEG`).
    case mjpeg

    /// In the order of preference: what needs no encoder comes first, then what the encoder takes
    /// as it is, and what has to be decoded last.
    package static let preferred: [PixelFormat] = allCases

    package init?(fourCC: UInt32) {
        guard let found = Self.allCases.first(where: { $0.fourCC == fourCC }) else { return nil }
        self = found
    }

    /// The kernel's four-character code.
    package var fourCC: UInt32 {
        switch self {
        case .h264: lenscap_V4L2_PIX_FMT_H264()
        case .nv12: lenscap_V4L2_PIX_FMT_NV12()
        case .yu12: lenscap_V4L2_PIX_FMT_YUV420()
        case .yuyv: lenscap_V4L2_PIX_FMT_YUYV()
        case .uyvy: lenscap_V4L2_PIX_FMT_UYVY()
        case .yvyu: lenscap_V4L2_PIX_FMT_YVYU()
        case .vyuy: lenscap_V4L2_PIX_FMT_VYUY()
        case .mjpeg: lenscap_V4L2_PIX_FMT_MJPEG()
        }
    }

    package var description: String { Self.name(ofFourCC: fourCC) }

    /// Whether each picture has a size of its own.
    package var isCompressed: Bool { self == .mjpeg || self == .h264 }

    /// Bytes from one line of luma (or of packed pixels) to the next when nothing is padded; 0
    /// where there are no lines.
    package func minimumBytesPerLine(width: Int) -> Int {
        switch self {
        case .nv12, .yu12: width
        case .yuyv, .uyvy, .yvyu, .vyuy: width * 2
        case .mjpeg, .h264: 0
        }
    }

    /// Bytes of a whole picture; of a compressed one, the fewest that it can have.
    package func pictureSize(bytesPerLine: Int, height: Int) -> Int {
        switch self {
        case .nv12, .yu12: bytesPerLine * (height + (height + 1) / 2)
        case .yuyv, .uyvy, .yvyu, .vyuy: bytesPerLine * height
        case .mjpeg, .h264: 1
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
