internal import CYUV

/// Where a picture goes: two planes in NV12, such as an encoder's frame.
///
/// The memory is the caller's, must stay valid during the call and hold `lumaStride × height`
/// and `chromaStride × height / 2` bytes.
package struct NV12Planes {
    package let luma: UnsafeMutablePointer<UInt8>
    package let lumaStride: Int
    package let chroma: UnsafeMutablePointer<UInt8>
    package let chromaStride: Int

    package init(
        luma: UnsafeMutablePointer<UInt8>,
        lumaStride: Int,
        chroma: UnsafeMutablePointer<UInt8>,
        chromaStride: Int
    ) {
        self.luma = luma
        self.lumaStride = lumaStride
        self.chroma = chroma
        self.chromaStride = chromaStride
    }
}

/// A picture as a source delivers it.
package struct SourcePicture {
    package let bytes: UnsafeRawBufferPointer
    /// Bytes from one line to the next; may exceed what the width needs.
    package let bytesPerLine: Int
    /// In pixels, even.
    package let width: Int
    /// In pixels, even.
    package let height: Int

    package init(bytes: UnsafeRawBufferPointer, bytesPerLine: Int, width: Int, height: Int) {
        self.bytes = bytes
        self.bytesPerLine = bytesPerLine
        self.width = width
        self.height = height
    }

    /// The bytes, when there are enough of them and the sizes are ones that 4:2:0 can hold.
    func pixels(lineBytes: Int, lines: Int, into planes: NV12Planes) -> UnsafePointer<UInt8>? {
        // The last line need not be padded.
        guard width > 0, height > 0, width.isMultiple(of: 2), height.isMultiple(of: 2),
            bytesPerLine >= lineBytes, planes.lumaStride >= width, planes.chromaStride >= width,
            Int32(exactly: bytesPerLine) != nil, Int32(exactly: height) != nil,
            Int32(exactly: planes.lumaStride) != nil, Int32(exactly: planes.chromaStride) != nil,
            bytes.count >= bytesPerLine * (lines - 1) + lineBytes
        else { return nil }
        return bytes.assumingMemoryBound(to: UInt8.self).baseAddress
    }
}

/// How packed 4:2:2 puts two pixels into four bytes, by V4L2's names.
package enum PackedOrder: CaseIterable, Hashable, Sendable {
    /// Y Cb Y Cr.
    case yuyv
    /// Cb Y Cr Y.
    case uyvy
    /// Y Cr Y Cb.
    case yvyu
    /// Cr Y Cb Y.
    case vyuy

    fileprivate var isLumaFirst: Bool { self == .yuyv || self == .yvyu }
    fileprivate var isCbFirst: Bool { self == .yuyv || self == .uyvy }
}

/// Packed 4:2:2 to NV12; each chroma sample is the mean of two lines', rounded up (`YUY2ToNV12`).
///
/// Colour range and matrix pass unchanged. Reentrant and real-time safe. False, and nothing
/// written, when the source is too short or a size does not fit.
package func packedToNV12(
    _ source: SourcePicture,
    _ order: PackedOrder,
    into planes: NV12Planes
)
    -> Bool
{
    let lineBytes = source.width * 2
    guard let pixels = source.pixels(lineBytes: lineBytes, lines: source.height, into: planes)
    else { return false }
    // libyuv 1857 (Debian 12) spoils chroma in the last columns with AVX2 when more than 16 are
    // left over from blocks of 32, so those that are left over are not given to it.
    let blocks = source.width / 32 * 32
    convertColumns(blocks..<source.width, source, pixels, order, planes)
    guard blocks > 0 else { return true }
    let convert = order.isLumaFirst ? YUY2ToNV12 : UYVYToNV12
    guard
        convert(
            pixels,
            Int32(source.bytesPerLine),
            planes.luma,
            Int32(planes.lumaStride),
            planes.chroma,
            Int32(planes.chromaStride),
            Int32(blocks),
            Int32(source.height)
        ) == 0
    else { return false }
    if !order.isCbFirst {
        SwapUVPlane(
            planes.chroma,
            Int32(planes.chromaStride),
            planes.chroma,
            Int32(planes.chromaStride),
            Int32(blocks / 2),
            Int32(source.height / 2)
        )
    }
    return true
}

/// The same for few columns, without vector registers.
private func convertColumns(
    _ columns: Range<Int>,
    _ source: SourcePicture,
    _ pixels: UnsafePointer<UInt8>,
    _ order: PackedOrder,
    _ planes: NV12Planes
) {
    let lumaOffset = order.isLumaFirst ? 0 : 1
    for line in stride(from: 0, to: source.height, by: 2) {
        let upper = pixels + line * source.bytesPerLine
        let lower = upper + source.bytesPerLine
        let luma = planes.luma + line * planes.lumaStride
        let chroma = planes.chroma + line / 2 * planes.chromaStride
        for column in columns {
            luma[column] = upper[column * 2 + lumaOffset]
            luma[planes.lumaStride + column] = lower[column * 2 + lumaOffset]
            // One chroma sample beside each luma sample, in turn, as they are in NV12.
            let offset = column * 2 + 1 - lumaOffset
            let mean = UInt8((UInt16(upper[offset]) + UInt16(lower[offset]) + 1) / 2)
            chroma[order.isCbFirst ? column : column ^ 1] = mean
        }
    }
}

/// NV12 as V4L2 lays it out in one buffer (chroma after luma, the same bytes per line) to planes
/// with strides of their own (`NV12Copy`).
///
/// Reentrant and real-time safe. False, and nothing written, when the source is too short or a
/// size does not fit.
package func nv12ToNV12(_ source: SourcePicture, into planes: NV12Planes) -> Bool {
    let lines = source.height + source.height / 2
    guard let pixels = source.pixels(lineBytes: source.width, lines: lines, into: planes)
    else { return false }
    return NV12Copy(
        pixels,
        Int32(source.bytesPerLine),
        pixels + source.bytesPerLine * source.height,
        Int32(source.bytesPerLine),
        planes.luma,
        Int32(planes.lumaStride),
        planes.chroma,
        Int32(planes.chromaStride),
        Int32(source.width),
        Int32(source.height)
    ) == 0
}

/// Planar 4:2:0 (luma, Cb, Cr) in one buffer to NV12 (`I420ToNV12`).
///
/// Lines of chroma have half the bytes of luma's. Reentrant and real-time safe. False, and nothing
/// written, when the source is too short or a size does not fit.
package func yu12ToNV12(_ source: SourcePicture, into planes: NV12Planes) -> Bool {
    let lines = source.height + source.height / 2
    // Two lines of chroma share one of luma's length, so here the last one has its padding.
    let lineBytes = max(source.width, source.bytesPerLine)
    guard source.bytesPerLine.isMultiple(of: 2),
        let pixels = source.pixels(lineBytes: lineBytes, lines: lines, into: planes)
    else { return false }
    let cb = pixels + source.bytesPerLine * source.height
    let chromaStride = Int32(source.bytesPerLine / 2)
    return I420ToNV12(
        pixels,
        Int32(source.bytesPerLine),
        cb,
        chromaStride,
        cb + source.bytesPerLine / 2 * (source.height / 2),
        chromaStride,
        planes.luma,
        Int32(planes.lumaStride),
        planes.chroma,
        Int32(planes.chromaStride),
        Int32(source.width),
        Int32(source.height)
    ) == 0
}
