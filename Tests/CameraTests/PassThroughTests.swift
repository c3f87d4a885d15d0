import LinuxSystem
import TestSupport
import Testing

@testable import Camera

/// A camera that sends H.264, as libx264 makes it.
private struct Film {
    let folder = TemporaryFolder()

    init(_ options: String) throws {
        let made = tool(
            "ffmpeg -v error -f lavfi -i testsrc2=s=320x240:r=30 -frames:v 90 -c:v libx264 "
                + "-preset ultrafast \(options) -f h264 \(folder.path)/film 2>&1"
        )
        try #require(made.succeeded, "\(made.output)")
    }

    func request(bitRate: Int = 20_000_000, interval: Int64 = 1_000_000_000) -> CameraRequest {
        var request = CameraRequest(
            path: "test:clip?file=\(folder.path)/film&format=h264",
            width: 320,
            height: 240,
            frameRate: 30
        )
        request.passThrough = PassThroughLimits(bitRate: bitRate, keyFrameInterval: interval)
        return request
    }
}

@Suite("Cameras that encode by themselves", .serialized)
struct PassThroughTests {
    @Test("H.264 that fits is taken as it comes, with its parameter sets")
    func fits() throws {
        let film = try Film("-bf 0 -g 15 -keyint_min 15 -sc_threshold 0")
        let camera = try openCamera(film.request())
        defer { camera.close() }
        #expect(camera.format.pixelFormat == .h264)
        #expect(camera.format.header.starts(with: [0, 0, 0, 1, 0x67]))
        var count = 0
        let outcome = try camera.next(deadline: Clock.monotonic.now() + 5_000_000_000) { bytes, _ in
            count = bytes.count
        }
        #expect(outcome == .picture(lost: 0))
        #expect(count > 0 && count <= camera.format.capacity)
    }

    @Test(
        "H.264 that does not fit gives way to the camera's next format",
        arguments: [
            ("-bf 2 -b_strategy 0 -g 15", 20_000_000), ("-bf 0 -g 80 -sc_threshold 0", 20_000_000),
            ("-bf 0 -g 15 -qp 5", 500_000),
        ]
    )
    func doesNotFit(options: String, bitRate: Int) throws {
        let film = try Film(options)
        let camera = try openCamera(film.request(bitRate: bitRate))
        defer { camera.close() }
        #expect(camera.format.pixelFormat == .nv12)
    }

    @Test("H.264 that nobody wants is not asked for")
    func unwanted() throws {
        var request = try Film("-bf 0 -g 15").request()
        request.passThrough = nil
        let camera = try openCamera(request)
        defer { camera.close() }
        #expect(camera.format.pixelFormat == .nv12)
    }

    @Test("The look at a stream ends as soon as nobody waits for it")
    func stopped() throws {
        let film = try Film("-bf 0 -g 80 -sc_threshold 0")
        var looks = 0
        let camera = try openCamera(film.request(interval: 3_600_000_000_000)) {
            looks += 1
            return looks > 3
        }
        defer { camera.close() }
        #expect(camera.format.pixelFormat == .h264 && camera.format.header.isEmpty)
    }
}
