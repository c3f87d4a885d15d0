import PixelConversion
import Testing

/// Sizes around the widths of vector registers, and what cameras have.
private let sizes = [
    (2, 2), (14, 4), (16, 2), (34, 6), (54, 2), (62, 8), (66, 10), (854, 6), (1920, 8),
]

@Suite struct PixelConversionTests {
    @Test(
        "Packed 4:2:2 becomes NV12 as the plain arithmetic says",
        arguments: sizes,
        PackedOrder.allCases
    )
    func packed(_ size: (Int, Int), order: PackedOrder) {
        for padding in [0, 6] { packed(size, order, padding) }
    }

    private func packed(_ size: (Int, Int), _ order: PackedOrder, _ padding: Int) {
        let (width, height) = size
        let bytesPerLine = width * 2 + padding
        let source = noise(bytesPerLine * height)
        let target = Target(width: width, height: height, padding: padding)
        let isDone = target.convert(source, bytesPerLine: bytesPerLine) {
            packedToNV12($0, order, into: $1)
        }
        #expect(isDone)
        // Where in four bytes lie the first luma sample, Cb and Cr.
        let (luma, cb, cr) =
            switch order {
            case .yuyv: (0, 1, 3)
            case .uyvy: (1, 0, 2)
            case .yvyu: (0, 3, 1)
            case .vyuy: (1, 2, 0)
            }
        for y in 0..<height {
            for x in 0..<width {
                let expected = source[y * bytesPerLine + x * 2 + luma]
                guard target.luma(x, y) == expected else {
                    Issue.record("luma at \(x),\(y) is \(target.luma(x, y)), not \(expected)")
                    return
                }
            }
        }
        for y in 0..<height / 2 {
            for x in 0..<width {
                let place = x / 2 * 4 + (x.isMultiple(of: 2) ? cb : cr)
                let upper = Int(source[2 * y * bytesPerLine + place])
                let lower = Int(source[(2 * y + 1) * bytesPerLine + place])
                let expected = UInt8((upper + lower + 1) / 2)
                guard target.chroma(x, y) == expected else {
                    Issue.record("chroma at \(x),\(y) is \(target.chroma(x, y)), not \(expected)")
                    return
                }
            }
        }
        #expect(target.isPaddingUntouched)
    }

    @Test("YU12 in one buffer becomes the same samples", arguments: sizes, [0, 6])
    func yu12(_ size: (Int, Int), padding: Int) {
        let (width, height) = size
        let bytesPerLine = width + padding
        let source = noise(bytesPerLine * height * 3 / 2)
        let target = Target(width: width, height: height, padding: padding)
        #expect(target.convert(source, bytesPerLine: bytesPerLine, yu12ToNV12))
        let lumaIsSame = (0..<height).allSatisfy { y in
            (0..<width).allSatisfy { target.luma($0, y) == source[y * bytesPerLine + $0] }
        }
        let chromaIsSame = (0..<height / 2).allSatisfy { y in
            (0..<width).allSatisfy { x in
                let plane = bytesPerLine * height + x % 2 * (bytesPerLine / 2) * (height / 2)
                return target.chroma(x, y) == source[plane + y * (bytesPerLine / 2) + x / 2]
            }
        }
        #expect(lumaIsSame)
        #expect(chromaIsSame)
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
        let packed = noise(40 * 3 + 32)
        #expect(target.convert(packed, bytesPerLine: 40, yuyv))
        let nv12 = noise(20 * 5 + 16)
        #expect(target.convert(nv12, bytesPerLine: 20, nv12ToNV12))

        let untouched = Target(width: 16, height: 4, padding: 0)
        #expect(!untouched.convert(Array(packed.dropLast()), bytesPerLine: 40, yuyv))
        #expect(!untouched.convert(Array(nv12.dropLast()), bytesPerLine: 20, nv12ToNV12))
        #expect(!untouched.convert([], bytesPerLine: 40, yuyv))
        #expect(target.convert(noise(20 * 6), bytesPerLine: 20, yu12ToNV12))
        #expect(!untouched.convert(noise(20 * 6 - 1), bytesPerLine: 20, yu12ToNV12))
        #expect(untouched.isUntouched)
    }

    @Test(
        "Sizes that 4:2:0 cannot hold, and lines shorter than the width, are refused",
        arguments: [(15, 4, 64), (16, 3, 64), (0, 4, 64), (16, 0, 64), (16, 4, 15), (-16, 4, 64)]
    )
    func impossible(_ width: Int, _ height: Int, _ bytesPerLine: Int) {
        let target = Target(width: 16, height: 4, padding: 0)
        let bytes = noise(4096)
        for convert in [yuyv, nv12ToNV12, yu12ToNV12] {
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

private func yuyv(_ source: SourcePicture, into planes: NV12Planes) -> Bool {
    packedToNV12(source, .yuyv, into: planes)
}
