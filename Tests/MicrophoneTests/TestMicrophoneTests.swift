import Camera
import Glibc
import LinuxSystem
import Microphone
import TestSupport
import Testing

@Suite struct TestMicrophoneTests {
    @Test("Blocks of 20 ms follow each other without a seam, and none comes before its time")
    func pace() throws {
        let microphone = try open("test:")
        defer { microphone.close() }
        let blocks = try take(10, from: microphone)
        for (earlier, later) in zip(blocks, blocks.dropFirst()) {
            #expect(earlier.samples.count == 960)
            #expect(later.timestamp - earlier.timestamp == 20_000_000)
            #expect(later.timestamp + 20_000_000 <= later.seen)
        }
    }

    @Test("The beep begins with each whole second, lasts 100 ms and is 1 kHz", arguments: [0, 300])
    func beep(ppm: Int) throws {
        let microphone = try open("test:sound?ppm=\(ppm)")
        defer { microphone.close() }
        let loud = Loud(try take(110, from: microphone), ppm: ppm)
        let begins = try #require(loud.begins.first)
        #expect(loud.begins.count >= 1)
        // The sine is louder than the bed from its second sample on.
        #expect(begins % 1_000_000_000 < 60_000)
        if let end = loud.ends.first(where: { $0 > begins }) {
            #expect(abs(end - begins - 100_000_000) < 200_000)
        }
        #expect(loud.periods.allSatisfy { abs($0 - 1_000_000) < 25_000 })
        #expect(loud.periods.count > 50)
    }

    @Test("The beep begins in the picture that flashes")
    func together() throws {
        let request = CameraRequest(path: "test:", width: 320, height: 240, frameRate: 30)
        let camera = try openCamera(request)
        defer { camera.close() }
        let microphone = try open("test:")
        defer { microphone.close() }
        let flash = FlashFinder()
        let watcher = try NamedThread("watcher") { flash.watch(camera) }
        defer {
            camera.stop()
            watcher.join()
        }
        // A busy machine may have lost the very picture, but not each time.
        var compared = 0
        for _ in 0..<10 where compared == 0 {
            let loud = Loud(try take(110, from: microphone), ppm: 0)
            for begin in loud.begins where flash.seconds.contains(begin / 1_000_000_000) {
                #expect(begin % 1_000_000_000 < 60_000)
                compared += 1
            }
        }
        #expect(compared > 0)
    }

    @Test("Both channels carry the sound")
    func stereo() throws {
        let microphone = try open("test:", channels: 2)
        defer { microphone.close() }
        #expect(microphone.format == MicrophoneFormat(sampleRate: 48_000, channels: 2))
        let block = try take(1, from: microphone, channels: 2)[0]
        #expect(block.samples.count == 1920)
        let isSame = stride(from: 0, to: 1920, by: 2)
            .allSatisfy { block.samples[$0] == block.samples[$0 + 1] }
        #expect(isSame)
        #expect(block.samples.contains { $0 != 0 })
    }

    @Test("Muted is zero throughout, and without bed between the beeps")
    func silence() throws {
        let mute = try open("test:sound?mute=0")
        defer { mute.close() }
        #expect(try take(5, from: mute).allSatisfy { $0.samples.allSatisfy { $0 == 0 } })
        let bare = try open("test:sound?bed=0")
        defer { bare.close() }
        for block in try take(15, from: bare) {
            let phase = block.timestamp % 1_000_000_000
            guard (100_000_000..<980_000_000).contains(phase) else { continue }
            #expect(block.samples.allSatisfy { $0 == 0 })
        }
    }

    @Test("A fast clock delivers its samples in less time")
    func ppm() throws {
        let microphone = try open("test:sound?ppm=10000")
        defer { microphone.close() }
        let blocks = try take(11, from: microphone)
        let span = blocks[10].timestamp - blocks[0].timestamp
        #expect(abs(span - 10 * 960 * 1_000_000_000 / 48_480) <= 1)
    }

    @Test("A short buffer gets what fits, and the rest comes next")
    func shortBuffer() throws {
        let microphone = try open("test:")
        defer { microphone.close() }
        var samples = [Int16](repeating: 0, count: 100)
        var times: [Int64] = []
        for _ in 0..<3 {
            let outcome = try samples.withUnsafeMutableBufferPointer {
                try microphone.next(deadline: .max, into: $0)
            }
            guard case .samples(100, let time) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            times.append(time)
        }
        #expect(abs(times[2] - times[0] - 200 * 1_000_000_000 / 48_000) <= 1)
    }

    @Test("A stop from another thread ends a wait, and every later one")
    func stop() throws {
        let microphone = try open("test:sound?hang=0")
        let stopper = try NamedThread("stopper") { microphone.stop() }
        #expect(try next(microphone) == .stopped)
        stopper.join()
        #expect(try next(microphone) == .stopped)
        microphone.close()
        microphone.close()
        #expect(try next(microphone) == .stopped)
    }

    @Test("A microphone that hangs times out, one that is unplugged says so each time")
    func faults() throws {
        let hanging = try open("test:sound?hang=40")
        defer { hanging.close() }
        #expect(try take(2, from: hanging).count == 2)
        let deadline = Clock.monotonic.now() + 50_000_000
        #expect(try next(hanging, deadline: deadline) == .timedOut)

        let gone = try open("test:sound?gone=20")
        defer { gone.close() }
        _ = try take(1, from: gone)
        for _ in 0..<2 {
            #expect(throws: MicrophoneError.deviceGone) { _ = try next(gone) }
        }
    }

    @Test("A microphone holds its node from opening to closing, and is gone when it is deleted")
    func hold() throws {
        let folder = TemporaryFolder()
        let path = try folder.file("pcmC0D0c", [])
        let microphone = try open("test:sound?hold=\(path)")
        #expect(try holders(of: path) == 1)
        _ = try take(1, from: microphone)
        microphone.close()
        #expect(try holders(of: path) == 0)

        let unplugged = try open("test:sound?hold=\(path)")
        defer { unplugged.close() }
        unlink(path)
        #expect(throws: MicrophoneError.deviceGone) { _ = try next(unplugged) }
        #expect(throws: MicrophoneError.missing(path: path)) {
            try open("test:?hold=\(path)").close()
        }
    }

    @Test("The sound begins when somebody listens, without an overrun before")
    func lateStart() throws {
        let microphone = try open("test:")
        defer { microphone.close() }
        let opened = Clock.monotonic.now()
        Clock.monotonic.sleep(until: opened + 400_000_000)
        guard case .samples(_, let time) = try next(microphone) else {
            Issue.record("there was no sound")
            return
        }
        #expect(time >= opened + 400_000_000)
    }

    @Test("An overrun is said, and the next timestamp shows what is missing")
    func overrun() throws {
        let asked = try open("test:sound?overrun=40")
        defer { asked.close() }
        let before = try take(2, from: asked)[1]
        #expect(try next(asked) == .overrun)
        let after = try take(1, from: asked)[0]
        #expect(after.timestamp - before.timestamp == 120_000_000)

        let late = try open("test:")
        defer { late.close() }
        let last = try take(1, from: late)[0]
        Clock.monotonic.sleep(until: last.timestamp + 500_000_000)
        #expect(try next(late) == .overrun)
        #expect(try take(1, from: late)[0].timestamp - last.timestamp > 400_000_000)
    }

    @Test(
        "What an address does not mean is refused",
        arguments: [
            "test:picture", "test:sound?loud=1", "test:sound?ppm=x", "test:sound?bed=2",
            "test:sound?gone=-1",
        ]
    )
    func addresses(_ address: String) {
        #expect(throws: MicrophoneError.testAddressInvalid(address)) { try open(address).close() }
    }

    @Test("A PCM that does not exist is missing, and nothing is printed about it")
    func missing() {
        for path in ["hw:nosuch", "nosuchpcm"] {
            #expect(throws: MicrophoneError.missing(path: path)) { try open(path).close() }
        }
    }

    @Test(
        "Impossible channels and rates are refused",
        arguments: [(48_000, 0), (48_000, 3), (0, 1), (4000, 1)]
    )
    func refused(_ rate: Int, _ channels: Int) {
        #expect {
            let request = MicrophoneRequest(path: "test:", sampleRate: rate, channels: channels)
            try openMicrophone(request).close()
        } throws: { error in
            guard case .formatRefused = error as? MicrophoneError else { return false }
            return true
        }
    }

    @Test("Opening and closing leaves no descriptor behind, and libasound is quiet")
    func descriptors() async {
        // In a process of its own, since other tests open descriptors too; and often, since even
        // an exit test's process opens and closes some of its own.
        let result = await #expect(
            processExitsWith: .success,
            observing: [\.standardErrorContent]
        ) {
            func count() -> Int {
                (0..<1024).filter { fcntl($0, F_GETFD) != -1 }.count
            }
            let before = count()
            for path in ["test:", "test:sound?gone=0", "hw:nosuch"] {
                for _ in 0..<20 {
                    try? openMicrophone(MicrophoneRequest(path: path)).close()
                }
                precondition(count() < before + 20, "\(path) left descriptors")
            }
        }
        let said = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        #expect(!said.contains("ALSA"))
    }
}
