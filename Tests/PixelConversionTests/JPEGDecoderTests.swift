import LinuxSystem
import PixelConversion
import TestSupport
import Testing

@Suite struct JPEGDecoderTests {
    @Test(
        "A JPEG picture becomes the NV12 that its own samples make, whatever its sampling",
        arguments: ["yuvj422p", "yuvj420p", "yuvj444p", "gray"],
        [(320, 180), (214, 120), (34, 18)]
    )
    func decodes(sampling: String, size: (Int, Int)) throws {
        let pictures = try Pictures(sampling, width: size.0, height: size.1)
        let target = Target(width: size.0, height: size.1, padding: 10)
        #expect(decode(pictures.jpeg, into: target))
        let reference = pictures.raw
        var luma = Difference()
        for y in 0..<size.1 {
            for x in 0..<size.0 { luma.note(target.luma(x, y), Double(reference.luma(x, y))) }
        }
        var chroma = Difference()
        for y in 0..<size.1 / 2 {
            for x in 0..<size.0 {
                let plane = x % 2
                chroma.note(target.chroma(x, y), reference.meanOfChroma(x / 2, y, plane))
            }
        }
        // Two decoders round differently, and averaging rounds once more.
        #expect(luma.greatest <= 3 && luma.mean < 0.3)
        #expect(chroma.greatest <= 4 && chroma.mean < 0.8)
        #expect(target.isPaddingUntouched)
    }

    @Test("Full range is kept: black is 0 and white is 255")
    func range() throws {
        for (colour, value) in [("black", 0), ("white", 255)] {
            let source = "color=\(colour):s=64x32,format=yuvj422p"
            let jpeg = try Pictures.jpeg("-f lavfi -i '\(source)' -frames:v 1")
            let target = Target(width: 64, height: 32, padding: 0)
            #expect(decode(jpeg, into: target))
            #expect(target.luma(32, 16) == value)
            #expect(target.chroma(32, 8) == 128)
        }
    }

    @Test("Motion JPEG without Huffman tables decodes like the one with them")
    func withoutTables() throws {
        let jpeg = try Pictures("yuvj422p", width: 64, height: 48).jpeg
        let plain = Target(width: 64, height: 48, padding: 0)
        let isPlain = decode(jpeg, into: plain)
        #expect(isPlain)
        let bare = withoutSegments(jpeg, marker: 0xC4)
        #expect(bare.count < jpeg.count)
        let target = Target(width: 64, height: 48, padding: 0)
        let isDone = decode(bare, into: target)
        #expect(isDone)
        let isSame =
            target.lumaPlane == plain.lumaPlane && target.chromaPlane == plain.chromaPlane
        #expect(isSame)
    }

    @Test("Bytes after the picture, or between its pixels and its end, do no harm")
    func padded() throws {
        let jpeg = try Pictures("yuvj422p", width: 64, height: 48).jpeg
        let target = Target(width: 64, height: 48, padding: 0)
        #expect(decode(jpeg + [0, 0, 0, 0], into: target))
        #expect(decode(Array(jpeg.dropLast(2)) + [0, 0, 0, 0xFF, 0xD9], into: target))
    }

    @Test("A picture that was cut short is damaged, wherever it was cut")
    func truncated() throws {
        let jpeg = try Pictures("yuvj422p", width: 64, height: 48).jpeg
        let target = Target(width: 64, height: 48, padding: 0)
        for count in 0..<jpeg.count - 2 {
            guard !decode(Array(jpeg.prefix(count)), into: target) else {
                Issue.record("\(count) of \(jpeg.count) bytes were taken for a picture")
                return
            }
        }
    }

    @Test("Changed bytes never crash, and the next whole picture decodes")
    func changed() throws {
        let jpeg = try Pictures("yuvj422p", width: 64, height: 48).jpeg
        let target = Target(width: 64, height: 48, padding: 16)
        let random = noise(4 * jpeg.count)
        var refused = 0
        guard var decoder = JPEGDecoder(width: 64, height: 48) else { throw NoMemory() }
        for round in 0..<jpeg.count {
            var spoilt = jpeg
            spoilt[round] = random[round]
            spoilt[Int(random[round + jpeg.count]) * jpeg.count / 256] ^= random[round * 2]
            if !target.decode(spoilt, with: &decoder) { refused += 1 }
            guard round % 50 == 0 else { continue }
            let isDone = target.decode(jpeg, with: &decoder)
            #expect(isDone)
        }
        #expect(refused > 0)
        #expect(target.isPaddingUntouched)
    }

    @Test("Another size, other colours and other bytes are refused")
    func refused() throws {
        let target = Target(width: 64, height: 48, padding: 0)
        #expect(!decode(try Pictures("yuvj422p", width: 66, height: 48).jpeg, into: target))
        #expect(!decode(try Pictures("yuvj422p", width: 64, height: 50).jpeg, into: target))
        #expect(!decode([], into: target))
        #expect(!decode(noise(4096), into: target))
        #expect(target.isUntouched)
    }

    private func decode(_ jpeg: [UInt8], into target: Target) -> Bool {
        guard var decoder = JPEGDecoder(width: target.width, height: target.height) else {
            return false
        }
        return target.decode(jpeg, with: &decoder)
    }
}

private struct NoMemory: Error {}

private struct Difference {
    var greatest = 0.0
    private var sum = 0.0
    private var count = 0.0

    var mean: Double { sum / count }

    mutating func note(_ value: UInt8, _ expected: Double) {
        let step = abs(Double(value) - expected)
        greatest = max(greatest, step)
        sum += step
        count += 1
    }
}

/// One picture as JPEG and as another decoder gives it.
private struct Pictures {
    let jpeg: [UInt8]
    let raw: Raw

    struct Raw {
        let bytes: [UInt8]
        let width: Int
        let height: Int
        /// Of a chroma plane; 0 for grey.
        let columns: Int
        let lines: Int

        func luma(_ x: Int, _ y: Int) -> UInt8 { bytes[y * width + x] }

        /// The mean of the samples that one chroma sample of 4:2:0 stands for.
        func meanOfChroma(_ x: Int, _ y: Int, _ plane: Int) -> Double {
            guard columns > 0 else { return 128 }
            let across = columns / (width / 2)
            let down = lines / (height / 2)
            let start = width * height + plane * columns * lines
            var sum = 0
            for line in y * down..<(y + 1) * down {
                for column in x * across..<(x + 1) * across {
                    sum += Int(bytes[start + line * columns + column])
                }
            }
            return Double(sum) / Double(across * down)
        }
    }

    init(_ sampling: String, width: Int, height: Int) throws {
        let source = "testsrc2=s=\(width)x\(height),noise=alls=12:all_seed=7,format=\(sampling)"
        let folder = TemporaryFolder()
        let file = "\(folder.path)/picture"
        let made = tool(
            "ffmpeg -v error -f lavfi -i '\(source)' -frames:v 1 -q:v 4 -strict unofficial "
                + "-huffman default -c:v mjpeg -f mjpeg \(file).jpg && ffmpeg -v error -f mjpeg -i \(file).jpg "
                + "-pix_fmt \(sampling) -f rawvideo \(file).raw 2>&1"
        )
        guard made.succeeded else { throw Unmade(reason: made.output) }
        jpeg = try Descriptor.open("\(file).jpg").readAll(limit: 1 << 24)
        let columns = ["yuvj422p": width / 2, "yuvj420p": width / 2, "gray": 0][sampling] ?? width
        let lines = sampling == "yuvj420p" ? height / 2 : height
        raw = Raw(
            bytes: try Descriptor.open("\(file).raw").readAll(limit: 1 << 24),
            width: width,
            height: height,
            columns: columns,
            lines: lines
        )
    }

    static func jpeg(_ input: String) throws -> [UInt8] {
        let folder = TemporaryFolder()
        let made = tool(
            "ffmpeg -v error \(input) -q:v 2 -c:v mjpeg -f mjpeg \(folder.path)/one.jpg"
        )
        guard made.succeeded else { throw Unmade(reason: made.output) }
        return try Descriptor.open("\(folder.path)/one.jpg").readAll(limit: 1 << 24)
    }

    struct Unmade: Error {
        let reason: String
    }
}

/// The picture without the marker segments of one kind.
private func withoutSegments(_ jpeg: [UInt8], marker: UInt8) -> [UInt8] {
    var result = Array(jpeg.prefix(2))
    var position = 2
    while position + 4 <= jpeg.count, jpeg[position] == 0xFF, jpeg[position + 1] != 0xDA {
        let length = 2 + Int(jpeg[position + 2]) << 8 + Int(jpeg[position + 3])
        if jpeg[position + 1] != marker { result += jpeg[position..<position + length] }
        position += length
    }
    return result + jpeg[position...]
}
