import CLinux
import Glibc
import Testing

@testable import Camera

/// Stands in for a camera's driver that has one format, as libv4lconvert asks it.
private enum OneFormat {
    nonisolated(unsafe) static var fourCC: UInt32 = 0

    nonisolated(unsafe) static let operations: UnsafePointer<libv4l_dev_ops> = {
        let operations = UnsafeMutablePointer<libv4l_dev_ops>.allocate(capacity: 1)
        operations.initialize(to: v4lconvert_get_default_dev_ops().pointee)
        operations.pointee.ioctl = { _, _, request, argument in
            switch request {
            case lenscap_VIDIOC_QUERYCAP():
                argument?.assumingMemoryBound(to: v4l2_capability.self).pointee = v4l2_capability()
                return 0
            case lenscap_VIDIOC_ENUM_FMT():
                let entry = argument?.assumingMemoryBound(to: v4l2_fmtdesc.self)
                if entry?.pointee.index == 0 {
                    entry?.pointee.pixelformat = OneFormat.fourCC
                    return 0
                }
            case lenscap_VIDIOC_TRY_FMT():
                argument?.assumingMemoryBound(to: v4l2_format.self).pointee.fmt.pix.pixelformat =
                    OneFormat.fourCC
                return 0
            default: break
            }
            errno = EINVAL
            return -1
        }
        return UnsafePointer(operations)
    }()
}

private func fourCC(_ text: String) -> UInt32 {
    text.utf8.reversed().reduce(0) { $0 << 8 | UInt32($1) }
}

@Suite("Pictures through libv4lconvert", .serialized)
struct PictureConverterTests {
    private static let width = 64
    private static let height = 48

    /// The middle of what becomes of a picture of `count` bytes; nil when nothing does.
    private func middle(
        _ format: String,
        bytesPerLine: Int,
        _ bytes: [UInt8]
    ) -> (y: UInt8, cb: UInt8, cr: UInt8)? {
        OneFormat.fourCC = fourCC(format)
        guard
            var converter = PictureConverter(
                PictureConverter.Device(descriptor: -1, operations: OneFormat.operations),
                width: Self.width,
                height: Self.height,
                frameRate: 30
            )
        else { return nil }
        var granted = converter.asked
        granted.fmt.pix.bytesperline = UInt32(bytesPerLine)
        granted.fmt.pix.sizeimage = UInt32(bytesPerLine * Self.height)
        guard converter.accept(granted) else { return nil }
        return bytes.withUnsafeBytes { bytes in
            guard let picture = converter.convert(bytes) else { return nil }
            let luma = Self.width * Self.height
            let centre = Self.height / 2 * Self.width + Self.width / 2
            let chroma = Self.height / 4 * Self.width / 2 + Self.width / 4
            return (picture[centre], picture[luma + chroma], picture[luma + luma / 4 + chroma])
        }
    }

    @Test("Red, green and blue become limited BT.601", arguments: ["RGB3", "BGR3"])
    func colours(format: String) throws {
        let pixel: [UInt8] = format == "RGB3" ? [255, 0, 0] : [0, 0, 255]
        let bytes = (0..<Self.width * Self.height).flatMap { _ in pixel }
        let found = try #require(
            middle(format, bytesPerLine: Self.width * pixel.count, bytes)
        )
        #expect(abs(Int(found.y) - 81) <= 4)
        #expect(abs(Int(found.cb) - 90) <= 4)
        #expect(abs(Int(found.cr) - 240) <= 4)
    }

    @Test("A sensor's raw pixels and grey ones are converted", arguments: ["BA81", "GREY"])
    func single(format: String) throws {
        let bytes = [UInt8](repeating: 128, count: Self.width * Self.height)
        let found = try #require(middle(format, bytesPerLine: Self.width, bytes))
        #expect(abs(Int(found.cb) - 128) <= 2 && abs(Int(found.cr) - 128) <= 2)
        #expect((120...130).contains(found.y))
    }

    @Test("Too short a picture is damaged, and a format that cannot be converted has no converter")
    func refused() {
        #expect(middle("RGB3", bytesPerLine: Self.width * 3, [1, 2, 3]) == nil)
        let bytes = [UInt8](repeating: 0, count: Self.width * Self.height * 4)
        #expect(middle("ZZZZ", bytesPerLine: Self.width, bytes) == nil)
        #expect(middle("RGBP", bytesPerLine: Self.width * 2, bytes) == nil)
    }
}
