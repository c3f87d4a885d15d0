internal import CTurboJPEG
internal import CYUV

/// Decodes the JPEG pictures of one camera into NV12 (libturbojpeg, libyuv).
///
/// The picture's own samples are kept: luma, range and matrix pass unchanged, and chroma is
/// averaged to half the width and height where the camera sends more of it. Huffman tables that
/// motion JPEG leaves out are the standard's. Thread-bound; allocates while it decodes.
package struct JPEGDecoder: ~Copyable {
    /// Nil after a damaged picture: what that leaves in a decoder can spoil the next ones.
    private var handle: tjhandle?
    private let width: Int
    private let height: Int
    /// Cb and Cr as they come, each at most as large as the luma plane.
    private let chroma: UnsafeMutablePointer<UInt8>
    /// Cb and Cr at half width: one line of each, or at half the height too, a plane of each.
    private let halves: UnsafeMutablePointer<UInt8>

    /// For pictures of `width` × `height` pixels, both even; nil when there is no memory.
    package init?(width: Int, height: Int) {
        precondition(width > 0 && height > 0 && width % 2 == 0 && height % 2 == 0)
        precondition(Int32(exactly: width) != nil && Int32(exactly: height) != nil)
        guard let handle = tjInitDecompress() else { return nil }
        self.handle = handle
        self.width = width
        self.height = height
        chroma = .allocate(capacity: 2 * width * height)
        halves = .allocate(capacity: width * height / 2)
    }

    deinit {
        if let handle { tjDestroy(handle) }
        chroma.deallocate()
        halves.deallocate()
    }

    /// Decodes one picture; false when it is damaged, of another size or of other components.
    ///
    /// Of a damaged picture anything may be left in `planes`.
    package mutating func decode(
        _ picture: UnsafeRawBufferPointer,
        into planes: NV12Planes
    )
        -> Bool
    {
        precondition(planes.lumaStride >= width && planes.chromaStride >= width)
        guard let handle = handle ?? tjInitDecompress() else { return false }
        guard let sampling = sampling(of: picture, handle),
            decompress(picture, sampling, planes, handle)
        else {
            tjDestroy(handle)
            self.handle = nil
            return false
        }
        self.handle = handle
        let (columns, lines) = chromaSize(sampling)
        switch sampling {
        case TJSAMP_GRAY: fillChroma(planes)
        case TJSAMP_420: merge(chroma, chroma + columns * lines, stride: columns, into: planes)
        case TJSAMP_422: averageLines(into: planes)
        default: scaleChroma(columns, lines, into: planes)
        }
        return true
    }

    /// How the picture's chroma is sampled; nil when it is not what this decoder is for.
    private func sampling(of picture: UnsafeRawBufferPointer, _ handle: tjhandle) -> TJSAMP? {
        var size: (width: Int32, height: Int32) = (0, 0)
        var found: (sampling: Int32, colours: Int32) = (0, 0)
        guard let bytes = picture.assumingMemoryBound(to: UInt8.self).baseAddress,
            tjDecompressHeader3(
                handle,
                bytes,
                UInt(picture.count),
                &size.width,
                &size.height,
                &found.sampling,
                &found.colours
            ) == 0, size == (Int32(width), Int32(height)), found.sampling >= 0,
            [TJCS_YCbCr.rawValue, TJCS_GRAY.rawValue].contains(UInt32(bitPattern: found.colours)),
            // The planes have no room for what would pad the last block of an odd size.
            tjPlaneWidth(0, Int32(width), found.sampling) == width,
            tjPlaneHeight(0, Int32(height), found.sampling) == height
        else { return nil }
        return TJSAMP(UInt32(bitPattern: found.sampling))
    }

    private func chromaSize(_ sampling: TJSAMP) -> (columns: Int, lines: Int) {
        guard sampling != TJSAMP_GRAY else { return (0, 0) }
        let number = Int32(bitPattern: sampling.rawValue)
        return (
            Int(tjPlaneWidth(1, Int32(width), number)), Int(tjPlaneHeight(1, Int32(height), number))
        )
    }

    private func decompress(
        _ picture: UnsafeRawBufferPointer,
        _ sampling: TJSAMP,
        _ target: NV12Planes,
        _ handle: tjhandle
    ) -> Bool {
        let (columns, lines) = chromaSize(sampling)
        guard let lumaStride = Int32(exactly: target.lumaStride) else { return false }
        var planes: (UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt8>?, _) = (
            target.luma, chroma, Optional(chroma + columns * lines)
        )
        var strides = (lumaStride, Int32(columns), Int32(columns))
        let bytes = picture.assumingMemoryBound(to: UInt8.self).baseAddress
        let result = withUnsafeMutablePointer(to: &planes) { planes in
            withUnsafeMutablePointer(to: &strides) { strides in
                tjDecompressToYUVPlanes(
                    handle,
                    bytes,
                    UInt(picture.count),
                    UnsafeMutableRawPointer(planes)
                        .assumingMemoryBound(to: UnsafeMutablePointer<UInt8>?.self),
                    0,
                    UnsafeMutableRawPointer(strides).assumingMemoryBound(to: Int32.self),
                    0,
                    TJFLAG_LIMITSCANS
                )
            }
        }
        return result == 0 || foundOnlyPadding(handle)
    }

    /// Whether all that is wrong are bytes between the pixels and the end, as some cameras put them.
    private func foundOnlyPadding(_ handle: tjhandle) -> Bool {
        tjGetErrorCode(handle) == Int32(TJERR_WARNING.rawValue)
            && String(cString: tjGetErrorStr2(handle))
                .hasSuffix("extraneous bytes before marker 0xd9")
    }

    private func fillChroma(_ planes: NV12Planes) {
        for line in 0..<height / 2 {
            (planes.chroma + line * planes.chromaStride).update(repeating: 128, count: width)
        }
    }

    /// 4:2:2: each chroma sample is the mean of two lines', line by line while they are in cache.
    private func averageLines(into planes: NV12Planes) {
        let columns = width / 2
        for line in 0..<height / 2 {
            for plane in 0..<2 {
                let upper = chroma + plane * columns * height + 2 * line * columns
                InterpolatePlane(
                    upper,
                    Int32(columns),
                    upper + columns,
                    Int32(columns),
                    halves + plane * columns,
                    Int32(columns),
                    Int32(columns),
                    1,
                    128
                )
            }
            MergeUVPlane(
                halves,
                Int32(columns),
                halves + columns,
                Int32(columns),
                planes.chroma + line * planes.chromaStride,
                Int32(planes.chromaStride),
                Int32(columns),
                1
            )
        }
    }

    /// Any other sampling: each chroma sample is the mean of those that it stands for.
    private func scaleChroma(_ columns: Int, _ lines: Int, into planes: NV12Planes) {
        let size = width / 2 * (height / 2)
        for plane in 0..<2 {
            ScalePlane(
                chroma + plane * columns * lines,
                Int32(columns),
                Int32(columns),
                Int32(lines),
                halves + plane * size,
                Int32(width / 2),
                Int32(width / 2),
                Int32(height / 2),
                kFilterBox
            )
        }
        merge(halves, halves + size, stride: width / 2, into: planes)
    }

    private func merge(
        _ cb: UnsafePointer<UInt8>,
        _ cr: UnsafePointer<UInt8>,
        stride: Int,
        into planes: NV12Planes
    ) {
        MergeUVPlane(
            cb,
            Int32(stride),
            cr,
            Int32(stride),
            planes.chroma,
            Int32(planes.chromaStride),
            Int32(width / 2),
            Int32(height / 2)
        )
    }
}
