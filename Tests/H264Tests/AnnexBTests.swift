import H264
import TestSupport
import Testing

@Suite("H.264 byte streams")
struct AnnexBTests {
    private static func stream(_ options: String) throws -> [UInt8] {
        let folder = TemporaryFolder()
        let made = tool(
            "ffmpeg -v error -f lavfi -i testsrc2=s=160x120:r=30 -frames:v 60 -c:v libx264 "
                + "-threads 1 -g 15 \(options) -f h264 \(folder.path)/film 2>&1"
        )
        try #require(made.succeeded, "\(made.output)")
        let text = tool("od -An -v -tx1 \(folder.path)/film").output
        return text.split(whereSeparator: \.isWhitespace).compactMap { UInt8($0, radix: 16) }
    }

    private static func pictures(_ bytes: [UInt8]) -> [(AnnexB.Picture, header: [UInt8]?)] {
        bytes.withUnsafeBytes { bytes in
            let bounds = AnnexB.accessUnits(of: bytes)
            return zip(bounds, bounds.dropFirst()).map { start, end in
                let unit = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
                return (AnnexB.picture(in: unit), AnnexB.header(of: unit))
            }
        }
    }

    @Test(
        "A stream is taken apart into its pictures, each as it is",
        arguments: [
            "-bf 0", "-bf 0 -x264-params slices=4", "-bf 0 -bsf:v h264_metadata=aud=insert",
        ]
    )
    func inOrder(options: String) throws {
        let pictures = Self.pictures(try Self.stream(options))
        #expect(pictures.count == 60)
        #expect(pictures.allSatisfy { $0.0.isWhole && !$0.0.looksAhead })
        let keys = pictures.indices.filter { pictures[$0].0.isKeyFrame }
        #expect(keys.starts(with: [0, 15, 30, 45]))
        let headers = Set(keys.map { pictures[$0].header })
        #expect(headers.count == 1 && headers.first??.isEmpty == false)
        #expect(pictures[1].header == nil)
    }

    @Test("Pictures that need later ones are known")
    func outOfOrder() throws {
        let pictures = Self.pictures(try Self.stream("-bf 2 -preset fast"))
        #expect(pictures.count == 60)
        #expect(pictures.contains { $0.0.looksAhead })
        #expect(!pictures[0].0.looksAhead)
    }

    @Test(
        "What is no stream has no pictures, and nothing is read beyond its end",
        arguments: [
            [], [0], [0, 0, 1], [0, 0, 1, 0x65], [0, 0, 1, 0x41, 0, 0, 0, 0, 0, 1], [9, 9],
        ] as [[UInt8]]
    )
    func short(bytes: [UInt8]) {
        bytes.withUnsafeBytes { bytes in
            _ = AnnexB.accessUnits(of: bytes)
            #expect(!AnnexB.picture(in: bytes).looksAhead)
            #expect(AnnexB.header(of: bytes) == nil)
        }
    }
}
