import PixelConversion
import Testing

/// Sizes around the widths of vector registers, and what cameras have.
private let sizes = [
    (2, 2), (14, 4), (16, 2), (34, 6), (54, 2), (62, 8), (66, 10), (854, 6), (1920, 8),
]

@Suite struct PixelConversionTests {
    @Test("YUYV becomes NV12 as the plain arithmetic says", arguments: sizes, [0, 6])
    func yuyv(_ size: (Int, Int), padding: Int) {
        let (width, height) = size
        let bytesPerLine = width * 2 + padding
        let source = noise(bytesPerLine * height)
        let target = Target(width: width, height: height, padding: padding)
        #expect(target.convert(source, bytesPerLine: bytesPerLine, yuyvToNV12))
        for y in 0..<height {
            for x in 0..<width {
                let expected = source[y * bytesPerLine + x * 2]
                guard target.luma(x, y) == expected else {
                    Issue.record("luma at \(x),\(y) is \(target.luma(x, y)), not \(expected)")
                    return
                }
            }
        }
        for y in 0..<height / 2 {
            for x in 0..<width {
                // Cb and Cr alternate after each luma sample, as they do in NV12.
                let upper = Int(source[2 * y * bytesPerLine + x * 2 + 1])
                let lower = Int(source[(2 * y + 1) * bytesPerLine + x * 2 + 1])
                let expected = UInt8((upper + lower + 1) / 2)
                guard target.chroma(x, y) == expected else {
                    Issue.record("chroma at \(x),\(y) is \(target.chroma(x, y)), not \(expected)")
                    return
                }
            }
        }
        #expect(target.isPaddingUntouched)
    }

    @Test("NV12 in one buffer becomes the same planes", arguments: sizes, [0, 6])
    func nv12(_ size: (Int, Int), padding: Int) {
        let (width, height) = size
        let bytesPerLine = width + padding
        let source = noise(bytesPerLine * height * 3 / 2)
        let target = Target(width: width, height: height, padding: padding)
        #expect(target.convert(source, bytesPerLine: bytesPerLine, nv12ToNV12))
        let lumaIsSame = (0..<height).allSatisfy { y in
            (0..<width).allSatisfy { target.luma($0, y) == source[y * bytesPerLine + $0] }
        }
        let chromaIsSame = (0..<height / 2).allSatisfy { y in
            (0..<width).allSatisfy {
                target.chroma($0, y) == source[(height + y) * bytesPerLine + $0]
            }
        }
        #expect(lumaIsSame)
        #expect(chromaIsSame)
        #expect(target.isPaddingUntouched)
    }

    @Test("The last line need not be padded, and one byte less is refused")
    func shortest() {
        let target = Target(width: 16, height: 4, padding: 0)
        let yuyv = noise(40 * 3 + 32)
        #expect(target.convert(yuyv, bytesPerLine: 40, yuyvToNV12))
        let nv12 = noise(20 * 5 + 16)
        #expect(target.convert(nv12, bytesPerLine: 20, nv12ToNV12))

        let untouched = Target(width: 16, height: 4, padding: 0)
        #expect(!untouched.convert(Array(yuyv.dropLast()), bytesPerLine: 40, yuyvToNV12))
        #expect(!untouched.convert(Array(nv12.dropLast()), bytesPerLine: 20, nv12ToNV12))
        #expect(!untouched.convert([], bytesPerLine: 40, yuyvToNV12))
        #expect(untouched.isUntouched)
    }

    @Test(
        "Sizes that 4:2:0 cannot hold, and lines shorter than the width, are refused",
        arguments: [(15, 4, 64), (16, 3, 64), (0, 4, 64), (16, 0, 64), (16, 4, 15), (-16, 4, 64)]
    )
    func impossible(_ width: Int, _ height: Int, _ bytesPerLine: Int) {
        let target = Target(width: 16, height: 4, padding: 0)
        let bytes = noise(4096)
        for convert in [yuyvToNV12, nv12ToNV12] {
            let isDone = target.convert(
                bytes,
                bytesPerLine: bytesPerLine,
                width: width,
                height: height,
                convert
            )
            #expect(!isDone)
        }
        #expect(target.isUntouched)
    }
}

private func noise(_ count: Int) -> [UInt8] {
    var state: UInt64 = 0x2545_F491_4F6C_DD1D
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state >> 32)
    }
}

/// Planes with a known byte in their padding.
private final class Target {
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
}
