import Camera
import Testing

@Suite struct FormatTests {
    @Test("Pixel formats have the kernel's four-character codes")
    func codes() {
        #expect(PixelFormat(fourCC: 0x3231_564E) == .nv12)
        #expect(PixelFormat(fourCC: 0x5659_5559) == .yuyv)
        #expect(PixelFormat(fourCC: 0x4750_4A4D) == .mjpeg)
        #expect(
            PixelFormat.preferred.map(\.description) == [
                "H264", "NV12", "YU12", "YUYV", "UYVY", "YVYU", "VYUY", "MJPG",
            ]
        )
        #expect(PixelFormat(fourCC: 0x4745_504A) == nil)
        #expect(PixelFormat.nv12.description == "NV12")
        #expect(PixelFormat.name(ofFourCC: 0x4745_504A) == "JPEG")
        #expect(PixelFormat.name(ofFourCC: 0x2000_0A41) == "A?? ")
    }

    @Test("A picture's size follows its bytes per line")
    func sizes() {
        #expect(PixelFormat.nv12.pictureSize(bytesPerLine: 640, height: 360) == 345_600)
        #expect(PixelFormat.nv12.pictureSize(bytesPerLine: 704, height: 3) == 704 * 5)
        #expect(PixelFormat.yuyv.pictureSize(bytesPerLine: 1280, height: 360) == 460_800)
        #expect(PixelFormat.yu12.pictureSize(bytesPerLine: 640, height: 360) == 345_600)
        #expect(PixelFormat.mjpeg.pictureSize(bytesPerLine: 0, height: 360) == 1)
    }

    @Test("A frame interval shows as a rate")
    func interval() {
        #expect(FrameInterval(numerator: 1, denominator: 15).description == "15/s")
        #expect(FrameInterval(numerator: 1001, denominator: 30_000).description == "30000/1001/s")
        #expect(FrameInterval(numerator: 1001, denominator: 30_000).nanoseconds == 33_366_666)
    }
}
