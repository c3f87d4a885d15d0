internal import LEDClass
internal import LinuxSystem
internal import Synchronization
internal import TestSupport
internal import Testing

@Suite struct LEDClassTests {
    @Test("Light and darken take the trigger away, set the brightness and leave nothing old")
    func lightAndDarken() throws {
        let fake = try FakeLED()
        let led = try LED(named: fake.name, sysfs: fake.sysfs)
        try led.light()
        #expect(try fake.read("trigger") == "none")
        #expect(try fake.read("brightness") == "255")
        try led.check()
        try led.darken()
        #expect(try fake.read("trigger") == "none")
        #expect(try fake.read("brightness") == "0")
        #expect(
            throws: LEDError.notAsAsked(
                led: fake.name,
                attribute: "brightness",
                asked: "255",
                read: "0"
            )
        ) { try led.check() }
    }

    @Test("Of the kernel's list of triggers the one in brackets counts")
    func triggerList() throws {
        let fake = try FakeLED()
        let led = try LED(named: fake.name, sysfs: fake.sysfs)
        try led.light()
        try fake.write("[none] kbd-capslock heartbeat", to: "trigger")
        try led.check()
        try fake.write("none kbd-capslock [heartbeat]", to: "trigger")
        #expect(
            throws: LEDError.notAsAsked(
                led: fake.name,
                attribute: "trigger",
                asked: "none",
                read: "heartbeat"
            )
        ) { try led.check() }
    }

    @Test("A watcher sees one change for each order", arguments: ["brightness", "trigger"])
    func oneChange(_ attribute: String) throws {
        let fake = try FakeLED()
        let led = try LED(named: fake.name, sysfs: fake.sysfs)
        try led.light()
        let watch = try FolderWatch(paths: ["\(fake.path)/\(attribute)"])
        try led.darken()
        #expect(try watch.modifications() == 1)
        try led.light()
        #expect(try watch.modifications() == 1)
        try led.check()
        #expect(try watch.modifications() == 0)
    }

    @Test("A trigger that jumps back is not believed")
    func jumpsBack() throws {
        let fake = try FakeLED()
        let led = try LED(named: fake.name, sysfs: fake.sysfs)
        // A long attribute takes a while to read, in which the other has its turn.
        try fake.write("1" + String(repeating: "\n", count: 60_000), to: "brightness")
        let isOver = Atomic<Bool>(false)
        let path = fake.path
        let contender = try NamedThread("contender") {
            while !isOver.load(ordering: .relaxed) {
                try? Folder(path: path).setAttribute("trigger", "[heartbeat]")
            }
        }
        defer {
            isOver.store(true, ordering: .relaxed)
            contender.join()
        }
        var caught: LEDError?
        for _ in 0..<10_000 where caught == nil {
            do throws(LEDError) { try led.light() } catch { caught = error }
        }
        #expect(
            caught
                == .notAsAsked(
                    led: fake.name,
                    attribute: "trigger",
                    asked: "none",
                    read: "heartbeat"
                )
        )
    }

    @Test("An attribute that may not be written is named")
    func readOnly() throws {
        let fake = try FakeLED()
        let led = try LED(named: fake.name, sysfs: fake.sysfs)
        let path = "\(fake.path)/brightness"
        let wasTried = withReadOnlyFile(path) {
            #expect(throws: LEDError.notPermitted(path: path)) { try led.light() }
            #expect(throws: LEDError.notPermitted(path: path)) { try led.darken() }
        }
        if !wasTried { try Test.cancel("no file can be made read-only for this user here") }
    }

    @Test("Names are one component", arguments: ["", ".", "..", "a/b", "../leds/lamp", "/lamp"])
    func names(_ name: String) throws {
        let fake = try FakeLED()
        #expect(throws: LEDError.nameInvalid(name)) { try LED(named: name, sysfs: fake.sysfs) }
    }

    @Test("An LED that is not there, or is pulled, is missing")
    func missing() throws {
        let fake = try FakeLED()
        let other = "\(fake.sysfs)/class/leds/other"
        #expect(throws: LEDError.missing(path: other)) {
            try LED(named: "other", sysfs: fake.sysfs)
        }
        let led = try LED(named: fake.name, sysfs: fake.sysfs)
        fake.pull()
        #expect(throws: LEDError.missing(path: fake.path)) { try led.light() }
        #expect(throws: LEDError.missing(path: fake.path)) { try led.darken() }
        #expect(throws: LEDError.missing(path: fake.path)) { try led.check() }
    }

    @Test("A greatest brightness must be a number above 0", arguments: ["0", "", "-1", "bright"])
    func maximum(_ text: String) throws {
        let fake = try FakeLED()
        try fake.write(text, to: "max_brightness")
        let led = try LED(named: fake.name, sysfs: fake.sysfs)
        #expect(throws: LEDError.brightnessUnknown(led: fake.name, read: text)) { try led.light() }
    }

    @Test("A link in place of an attribute is not followed")
    func link() throws {
        let fake = try FakeLED()
        try fake.write("0", to: "elsewhere")
        _ = tool("ln -sf elsewhere '\(fake.path)/brightness'")
        let led = try LED(named: fake.name, sysfs: fake.sysfs)
        #expect(throws: LEDError.self) { try led.light() }
        #expect(try fake.read("elsewhere") == "0")
    }

    @Test("Every error says what to do and which LED it is")
    func words() {
        let errors: [LEDError] = [
            .nameInvalid("a/b"), .missing(path: "/sys/class/leds/a"),
            .notPermitted(path: "/sys/class/leds/a/trigger"),
            .notAsAsked(led: "a", attribute: "brightness", asked: "1", read: "0"),
            .brightnessUnknown(led: "a", read: "x"),
        ]
        for error in errors { #expect(error.description.contains("a")) }
        #expect(
            LEDError.notAsAsked(led: "lamp", attribute: "brightness", asked: "1", read: "0")
                .description == "the LED lamp was asked for brightness 1 and reads 0"
        )
    }
}

/// An LED of plain files, linked from its class as the kernel links it.
private final class FakeLED: Sendable {
    let name = "input2::capslock"
    let sysfs: String
    private let folder = TemporaryFolder()

    init() throws(SystemError) {
        sysfs = folder.path
        _ = try Folder.make(path: "\(sysfs)/class/leds")
        _ = try Folder.make(path: "\(sysfs)/devices/input2/\(name)")
        _ = tool("ln -s '../../devices/input2/\(name)' '\(path)'")
        try write("none rc-feedback [kbd-capslock] heartbeat", to: "trigger")
        try write("1", to: "brightness")
        try write("255", to: "max_brightness")
    }

    var path: String { "\(sysfs)/class/leds/\(name)" }

    func read(_ attribute: String) throws(SystemError) -> String {
        try Folder(path: path).attribute(attribute)
    }

    func write(_ value: String, to attribute: String) throws(SystemError) {
        try Folder(path: path)
            .writeDurably(attribute, Array("\(value)\n".utf8), replacing: true)
    }

    func pull() { _ = tool("rm -rf '\(path)' '\(sysfs)/devices/input2'") }
}

extension FolderWatch {
    /// How many writes were reported since the last call (`inotify(7)`).
    fileprivate borrowing func modifications() throws(SystemError) -> Int {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count: Int
        do throws(SystemError) {
            var span = bytes.mutableSpan
            count = try span.withUnsafeMutableBytes { (buffer) throws(SystemError) in
                try descriptor.read(into: buffer)
            }
        } catch {
            if error.isWouldBlock { return 0 }
            throw error
        }
        var modifications = 0
        var offset = 0
        while offset < count {
            let (mask, length) = bytes.withUnsafeBytes { buffer in
                (
                    buffer.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self),
                    buffer.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self)
                )
            }
            // IN_MODIFY of sys/inotify.h.
            if mask & 2 != 0 { modifications += 1 }
            offset += 16 + Int(length)
        }
        return modifications
    }
}
