internal import H264
internal import PixelConversion

extension FuzzTarget {
    /// An H.264 byte stream: it is cut into access units without a byte between them.
    static let h264 = FuzzTarget(
        name: "h264",
        longest: 4096,
        run: { input in
            input.withUnsafeBytes { stream in
                let bounds = AnnexB.accessUnits(of: stream)
                expect(
                    bounds.isEmpty || bounds.last == stream.count,
                    "the last one ends the stream"
                )
                for (start, end) in zip(bounds, bounds.dropFirst()) {
                    expect(start < end, "an access unit has bytes")
                    let unit = UnsafeRawBufferPointer(rebasing: stream[start..<end])
                    expect(AnnexB.accessUnits(of: unit).count == 2, "one is one")
                    let picture = AnnexB.picture(in: unit)
                    expect(picture.isWhole || !picture.isKeyFrame, "a key frame is a picture")
                    _ = AnnexB.header(of: unit)
                }
                guard let header = AnnexB.header(of: stream) else { return }
                let again = header.withUnsafeBytes { AnnexB.header(of: $0) }
                expect(again == header, "parameter sets are their own header")
            }
        },
        seeds: {
            let header: [UInt8] = [0, 0, 0, 1, 0x67, 0x42, 0, 30, 0, 0, 0, 1, 0x68, 0xCE]
            let key: [UInt8] = [0, 0, 0, 1, 0x65, 0x88, 0x84]
            let next: [UInt8] = [0, 0, 1, 0x41, 0x9A, 0x24]
            return [header + key + next + next, key, header, [0, 0, 1, 9, 0xF0] + key, [0, 0, 1]]
        }
    )

    /// A JPEG picture from a camera: whatever it is, the decoder goes on with the next one.
    static let jpeg = FuzzTarget(
        name: "jpeg",
        longest: 4096,
        run: { input in
            let (width, height) = (32, 16)
            guard var decoder = JPEGDecoder(width: width, height: height) else { return }
            var luma = [UInt8](repeating: 0, count: width * height)
            var chroma = [UInt8](repeating: 0, count: width * height / 2)
            for _ in 0..<2 {
                luma.withUnsafeMutableBufferPointer { luma in
                    chroma.withUnsafeMutableBufferPointer { chroma in
                        guard let y = luma.baseAddress, let uv = chroma.baseAddress else { return }
                        let planes = NV12Planes(
                            luma: y,
                            lumaStride: width,
                            chroma: uv,
                            chromaStride: width
                        )
                        _ = input.withUnsafeBytes { decoder.decode($0, into: planes) }
                    }
                }
            }
        },
        seeds: { [grey, [0xFF, 0xD8, 0xFF, 0xD9], Array(grey.dropLast(20))] }
    )

    /// 32 × 16 pixels of grey with the standard's tables left out, as cameras do.
    private static let grey: [UInt8] =
        [0xFF, 0xD8, 0xFF, 0xDB, 0, 0x43, 0] + [UInt8](repeating: 16, count: 64)
        + [0xFF, 0xC0, 0, 0x11, 8, 0, 16, 0, 32, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]
        + [0xFF, 0xDA, 0, 0x0C, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 0x3F, 0]
        + [0x28, 0xA2, 0x8A, 0x28, 0xA2, 0x8A, 0x28, 0xA2, 0x8A, 0x28, 0xFF, 0xD9]
}
