import PixelConversion

func noise(_ count: Int) -> [UInt8] {
    var state: UInt64 = 0x2545_F491_4F6C_DD1D
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state >> 32)
    }
}

/// Planes with a known byte in their padding.
final class Target {
    static let mark: UInt8 = 0xA5
    let width: Int
    let height: Int
    let stride: Int
    var lumaPlane: [UInt8]
    var chromaPlane: [UInt8]

    init(width: Int, height: Int, padding: Int) {
        self.width = width
        self.height = height
        stride = width + padding
        lumaPlane = Array(repeating: Self.mark, count: stride * height)
        chromaPlane = Array(repeating: Self.mark, count: stride * height / 2)
    }

    func luma(_ x: Int, _ y: Int) -> UInt8 { lumaPlane[y * stride + x] }
    func chroma(_ x: Int, _ y: Int) -> UInt8 { chromaPlane[y * stride + x] }

    var isPaddingUntouched: Bool {
        [lumaPlane, chromaPlane].allSatisfy { plane in
            plane.indices.allSatisfy { $0 % stride < width || plane[$0] == Self.mark }
        }
    }

    var isUntouched: Bool {
        (lumaPlane + chromaPlane).allSatisfy { $0 == Self.mark }
    }

    func convert(
        _ bytes: [UInt8],
        bytesPerLine: Int,
        width: Int? = nil,
        height: Int? = nil,
        _ convert: (SourcePicture, NV12Planes) -> Bool
    ) -> Bool {
        let stride = stride
        let size = (width ?? self.width, height ?? self.height)
        return bytes.withUnsafeBytes { source in
            lumaPlane.withUnsafeMutableBufferPointer { luma in
                chromaPlane.withUnsafeMutableBufferPointer { chroma in
                    guard let lumaBase = luma.baseAddress, let chromaBase = chroma.baseAddress
                    else { return false }
                    return convert(
                        SourcePicture(
                            bytes: source,
                            bytesPerLine: bytesPerLine,
                            width: size.0,
                            height: size.1
                        ),
                        NV12Planes(
                            luma: lumaBase,
                            lumaStride: stride,
                            chroma: chromaBase,
                            chromaStride: stride
                        )
                    )
                }
            }
        }
    }

    func decode(_ jpeg: [UInt8], with decoder: inout JPEGDecoder) -> Bool {
        let stride = stride
        return jpeg.withUnsafeBytes { source in
            lumaPlane.withUnsafeMutableBufferPointer { luma in
                chromaPlane.withUnsafeMutableBufferPointer { chroma in
                    guard let lumaBase = luma.baseAddress, let chromaBase = chroma.baseAddress
                    else { return false }
                    let planes = NV12Planes(
                        luma: lumaBase,
                        lumaStride: stride,
                        chroma: chromaBase,
                        chromaStride: stride
                    )
                    return decoder.decode(source, into: planes)
                }
            }
        }
    }
}
