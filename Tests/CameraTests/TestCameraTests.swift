import Camera
import Glibc
import LinuxSystem
import TestSupport
import Testing

@Suite struct TestCameraTests {
    @Test("Pictures are one frame interval apart, and none comes before its time")
    func pace() throws {
        let camera = try open("test:", rate: 30)
        defer { camera.close() }
        let pictures = try take(20, from: camera)
        try #require(pictures.count == 20)
        for (earlier, later) in zip(pictures, pictures.dropFirst()) {
            let step = (later.timestamp - earlier.timestamp) - Int64(later.lost) * 33_333_333
            #expect((33_333_333...33_333_344).contains(step))
            #expect(later.timestamp <= later.seen)
        }
    }

    @Test(
        "The first picture at or after each whole second is white, and no other",
        arguments: [0, 900]
    )
    func flash(ppm: Int) throws {
        let camera = try open("test:picture?ppm=\(ppm)", rate: 25)
        defer { camera.close() }
        let pictures = try take(55, from: camera)
        let white = pictures.filter(\.isWhite)
        // In 2.2 s come two or three, of which a busy machine may lose one.
        #expect(!white.isEmpty)
        let interval = Int64(40_000_000.0 / (1 + Double(ppm) / 1_000_000))
        for picture in pictures {
            // Exactly on the second at 0 ppm.
            let phase = picture.timestamp % 1_000_000_000
            #expect(picture.isWhite == (ppm == 0 ? phase == 0 : phase < interval))
        }
    }

    @Test(
        "The time code says number and time of the picture",
        arguments: [(160, 120), (640, 360), (1280, 720), (1920, 1080)],
        ["nv12", "yuyv", "yu12", "yvyu", "nv12&pad=64", "yuyv&pad=6", "yu12&pad=64"]
    )
    func timeCode(_ size: (Int, Int), format: String) throws {
        let request = CameraRequest(
            path: "test:picture?format=\(format)",
            width: size.0,
            height: size.1,
            frameRate: 120
        )
        let camera = try openCamera(request)
        defer { camera.close() }
        let first = try take(1, from: camera)[0]
        let rest = try take(3, from: camera)
        var number: UInt32 = try #require(first.code).pictureNumber
        #expect(first.code?.milliseconds == milliseconds(first.timestamp))
        for picture in rest {
            number += 1 + picture.lost
            #expect(
                picture.code
                    == TestTimeCode(
                        pictureNumber: number,
                        milliseconds: milliseconds(picture.timestamp)
                    )
            )
        }
    }

    @Test("Consecutive pictures differ, so that an encoder has work")
    func motion() throws {
        let camera = try open("test:", rate: 60)
        defer { camera.close() }
        let pictures = try take(8, from: camera).filter { !$0.isWhite }
        #expect(Set(pictures.map(\.middle)).count > 1)
    }

    @Test("The format says what the bytes are")
    func format() throws {
        let camera = try open("test:picture?format=yuyv&pad=32", rate: 50)
        defer { camera.close() }
        #expect(camera.format.pixelFormat == .yuyv)
        #expect(camera.format.bytesPerLine == 640 * 2 + 32)
        #expect(camera.format.frameInterval == FrameInterval(numerator: 1, denominator: 50))
        #expect(camera.format.pictureSize == (640 * 2 + 32) * 360)
        #expect(try take(1, from: camera)[0].count == camera.format.pictureSize)
    }

    @Test("A stop from another thread ends a wait, and every later one")
    func stop() throws {
        let camera = try open("test:picture?hang=0", rate: 30)
        let stopper = try NamedThread("stopper") { camera.stop() }
        let outcome = try camera.next(deadline: .max) { _, _ in
            Issue.record("a camera that hangs delivered a picture")
        }
        stopper.join()
        #expect(outcome == .stopped)
        #expect(try camera.next(deadline: .max) { _, _ in } == .stopped)
        camera.close()
        camera.close()
        #expect(try camera.next(deadline: .max) { _, _ in } == .stopped)
    }

    @Test("Pictures from before the first look are not lost")
    func lateStart() throws {
        let camera = try open("test:", rate: 5)
        defer { camera.close() }
        let opened = Clock.monotonic.now()
        Clock.monotonic.sleep(until: opened + 300_000_000)
        let first = try take(1, from: camera)[0]
        #expect(first.lost == 0)
        #expect(first.code?.pictureNumber == 0)
        #expect(first.timestamp >= opened + 300_000_000)
    }

    @Test("A stop comes before a picture that is due")
    func stopFirst() throws {
        let camera = try open("test:", rate: 30)
        defer { camera.close() }
        _ = try take(1, from: camera)
        camera.stop()
        Clock.monotonic.sleep(until: Clock.monotonic.now() + 50_000_000)
        #expect(try camera.next(deadline: .max) { _, _ in } == .stopped)
    }

    @Test("Nothing until the deadline is a time-out, and the pictures go on after it")
    func deadline() throws {
        let camera = try open("test:picture?hang=2", rate: 60)
        defer { camera.close() }
        #expect(try take(2, from: camera).count == 2)
        let deadline = Clock.monotonic.now() + 40_000_000
        #expect(try camera.next(deadline: deadline) { _, _ in } == .timedOut)
        #expect(Clock.monotonic.now() >= deadline)

        let slow = try open("test:", rate: 2)
        defer { slow.close() }
        _ = try take(1, from: slow)
        #expect(try slow.next(deadline: Clock.monotonic.now()) { _, _ in } == .timedOut)
        #expect(try take(1, from: slow).count == 1)
    }

    @Test("Lost pictures are counted, damaged ones said")
    func losses() throws {
        let camera = try open("test:picture?lose=3&damage=4", rate: 100)
        defer { camera.close() }
        var outcomes: [CameraOutcome] = []
        for _ in 0..<9 { outcomes.append(try camera.next(deadline: .max) { _, _ in }) }
        // Of twelve: 3, 6, 9, 12 are lost, 4 and 8 damaged.
        let damaged = outcomes.filter { $0 == .damaged }.count
        #expect(damaged >= 1)
        let lost = outcomes.reduce(0) { sum, outcome in
            if case .picture(let lost) = outcome { sum + Int(lost) } else { sum }
        }
        #expect(lost >= 3)
    }

    @Test("A reader that is late loses the oldest pictures and is told how many")
    func lateReader() throws {
        let camera = try open("test:", rate: 50)
        defer { camera.close() }
        let before = try take(1, from: camera)[0]
        Clock.monotonic.sleep(until: before.timestamp + 400_000_000)
        let after = try take(1, from: camera)[0]
        #expect(after.lost >= 15)
        #expect(after.timestamp - before.timestamp == 20_000_000 * Int64(after.lost + 1))
    }

    @Test("An unplugged camera says so each time")
    func gone() throws {
        let camera = try open("test:picture?gone=3", rate: 60)
        defer { camera.close() }
        #expect(throws: CameraError.deviceGone) {
            for _ in 0..<4 { _ = try camera.next(deadline: .max) { _, _ in } }
        }
        #expect(throws: CameraError.deviceGone) {
            _ = try camera.next(deadline: .max) { _, _ in }
        }
    }

    @Test("A camera holds its node from opening to closing, and is gone when it is deleted")
    func hold() throws {
        let folder = TemporaryFolder()
        let path = try folder.file("video0", [])
        #expect(try holders(of: path) == 0)
        let camera = try open("test:picture?hold=\(path)", rate: 60)
        #expect(try holders(of: path) == 1)
        _ = try take(1, from: camera)
        camera.close()
        #expect(try holders(of: path) == 0)

        let unplugged = try open("test:picture?hold=\(path)", rate: 60)
        defer { unplugged.close() }
        _ = try take(1, from: unplugged)
        unlink(path)
        #expect(throws: CameraError.deviceGone) { _ = try take(8, from: unplugged) }
        #expect(throws: CameraError.missing(path: path)) {
            try open("test:?hold=\(path)", rate: 60).close()
        }
    }

    @Test("A clock that runs fast makes the interval shorter")
    func ppm() throws {
        let camera = try open("test:picture?ppm=50000", rate: 50)
        defer { camera.close() }
        let pictures = try take(11, from: camera)
        let lost = pictures.dropFirst().reduce(0) { $0 + Int64($1.lost) }
        let span = pictures[10].timestamp - pictures[0].timestamp
        #expect(abs(span - (10 + lost) * 20_000_000 * 100 / 105) <= 2)
    }

    @Test(
        "What an address does not mean is refused",
        arguments: [
            "test:sound", "test:picture?", "test:picture?speed=1", "test:picture?ppm",
            "test:picture?ppm=fast", "test:picture?ppm=1&ppm=2", "test:picture?format=mjpeg",
            "test:picture?pad=3", "test:picture?lose=1", "test:clip", "test:clip?format=yuyv",
            "test:picture?file=/dev/null", "test:clip?file=/dev/null&range=wide",
            "test:clip?file=/dev/null&matrix=2020",
        ]
    )
    func addresses(_ address: String) {
        // An empty list of options is a list.
        guard address != "test:picture?" else {
            #expect(throws: Never.self) { try open(address, rate: 30).close() }
            return
        }
        #expect(throws: CameraError.testAddressInvalid(address)) {
            try open(address, rate: 30).close()
        }
    }

    @Test("A clip's pictures come in order and over again, raw ones as large as they are")
    func rawClip() throws {
        let size = 320 * 240 * 3 / 2
        let pictures = (0..<3).map { [UInt8](repeating: UInt8($0), count: size) }
        // What is left over at the end is no picture.
        let file = try Clip(pictures.flatMap { $0 } + [1, 2, 3])
        try expect(pictures, file.open("nv12"), capacity: size)
    }

    @Test("A clip of JPEG pictures is divided where one ends and the next begins")
    func compressedClip() throws {
        let pictures: [[UInt8]] = [
            [0xFF, 0xD8, 0xFF, 0xE0, 1, 0xFF, 0, 0xFF, 0xD9],
            [0xFF, 0xD8, 0xFF, 0xDB, 7, 7, 7, 7, 7, 7, 0xFF, 0xD9], [0xFF, 0xD8, 0xFF, 0xD9],
        ]
        let file = try Clip(pictures.flatMap { $0 })
        let camera = try file.open("mjpeg")
        #expect(camera.format.fullRange && camera.format.matrix == .bt601)
        try expect(pictures, camera, capacity: 12)
    }

    private func expect(_ pictures: [[UInt8]], _ camera: any Camera, capacity: Int) throws {
        defer { camera.close() }
        #expect(camera.format.capacity == capacity)
        var number = 0
        for _ in 0..<2 * pictures.count + 1 {
            var seen: [UInt8] = []
            let outcome = try camera.next(deadline: .max) { bytes, _ in seen = Array(bytes) }
            guard case .picture(let lost) = outcome else {
                Issue.record("\(outcome) in place of a picture")
                return
            }
            number += Int(lost)
            let isSame = seen == pictures[number % pictures.count]
            #expect(isSame)
            number += 1
        }
    }

    @Test("A clip that holds no picture, or does not exist, is missing")
    func noClip() throws {
        let file = try Clip([1, 2, 3])
        for format in ["nv12", "mjpeg"] {
            #expect(throws: CameraError.missing(path: file.path)) { try file.open(format).close() }
        }
        #expect(throws: CameraError.missing(path: "/dev/no-such-clip")) {
            try open("test:clip?file=/dev/no-such-clip", rate: 30).close()
        }
    }

    @Test("Opening and closing leaves no descriptor behind")
    func descriptors() async {
        // In a process of its own, since other tests open descriptors too; and often, since even
        // an exit test's process opens and closes some of its own.
        await #expect(processExitsWith: .success) {
            func count() -> Int {
                (0..<1024).filter { fcntl($0, F_GETFD) != -1 }.count
            }
            let before = count()
            for path in ["test:", "test:picture?gone=0", "/dev/null", "/proc/self/status"] {
                for _ in 0..<20 {
                    let request = CameraRequest(path: path, width: 320, height: 240, frameRate: 60)
                    guard let camera = try? openCamera(request) else { continue }
                    _ = try? camera.next(deadline: 0) { _, _ in }
                    camera.close()
                }
                precondition(count() < before + 20, "\(path) left descriptors")
            }
        }
    }

    @Test("Two threads at once in one camera are a bug, and trap")
    func soleUser() async {
        await #expect(processExitsWith: .failure) {
            let request = CameraRequest(path: "test:", width: 320, height: 240, frameRate: 30)
            let camera = try openCamera(request)
            _ = try camera.next(deadline: .max) { _, _ in camera.close() }
        }
    }
}

/// How many of this process's descriptors are for the file.
private func holders(of path: String) throws -> Int {
    try Folder(path: "/proc/self/fd").names().count { name in
        var target = [UInt8](repeating: 0, count: 256)
        let count = readlink("/proc/self/fd/\(name)", &target, target.count)
        return String(decoding: target.prefix(max(0, count)), as: UTF8.self) == path
    }
}

/// A file for a test camera, removed with its owner.
private final class Clip {
    let path: String

    init(_ bytes: [UInt8]) throws {
        path = "/tmp/lenscap-clip-\(getpid())-\(UInt64.random(in: .min ... .max))"
        try Descriptor.open(path, [.write, .create, .exclusive]).writeAll(bytes)
    }

    deinit {
        unlink(path)
    }

    func open(_ format: String) throws -> any Camera {
        try openCamera(
            CameraRequest(
                path: "test:clip?file=\(path)&format=\(format)",
                width: 320,
                height: 240,
                frameRate: 60
            )
        )
    }
}

private func milliseconds(_ time: Int64) -> UInt32 {
    UInt32(truncatingIfNeeded: time / 1_000_000)
}

private func open(_ path: String, rate: Int) throws -> any Camera {
    try openCamera(CameraRequest(path: path, width: 640, height: 360, frameRate: rate))
}

/// What a test keeps of a picture.
private struct Picture {
    var lost: UInt32 = 0
    var timestamp: Int64 = 0
    var seen: Int64 = 0
    var count = 0
    var isWhite = false
    var code: TestTimeCode?
    /// Luma along the line through the middle.
    var middle: [UInt8] = []

    init(_ bytes: UnsafeRawBufferPointer, _ timestamp: Int64, _ format: CameraFormat) {
        let step = format.pixelFormat.minimumBytesPerLine(width: format.width) / format.width
        self.timestamp = timestamp
        seen = Clock.monotonic.now()
        count = bytes.count
        let line = format.height / 2 * format.bytesPerLine
        middle = (0..<format.width).map { bytes[line + $0 * step] }
        isWhite = middle.allSatisfy { $0 == 235 }
        code = TestTimeCode.read(
            luma: bytes,
            bytesPerLine: format.bytesPerLine,
            bytesPerPixel: step,
            width: format.width,
            height: format.height
        )
    }
}

private func take(_ count: Int, from camera: any Camera) throws -> [Picture] {
    var pictures: [Picture] = []
    while pictures.count < count {
        var picture: Picture?
        let deadline = Clock.monotonic.now() + 10_000_000_000
        let outcome = try camera.next(deadline: deadline) { bytes, timestamp in
            picture = Picture(bytes, timestamp, camera.format)
        }
        guard case .picture(let lost) = outcome, var picture else {
            Issue.record("\(outcome) in place of picture \(pictures.count)")
            break
        }
        picture.lost = lost
        pictures.append(picture)
    }
    return pictures
}
