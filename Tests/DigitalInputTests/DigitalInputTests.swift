internal import DigitalInput
internal import LinuxSystem
internal import TestSupport
internal import Testing

@Suite struct DigitalInputTests {
    private static let button = "Stop Button"
    private static let key = InputSelector.key(device: button, code: 148)
    private static let line = InputSelector.line(chip: "relay", offset: 3, isActiveLow: true)

    private let inputs: FakeInputs

    init() throws {
        inputs = try FakeInputs()
        try inputs.add("event0", named: "Power Button")
        try inputs.add("event3", named: Self.button)
    }

    private func opened() throws(InputError) -> DigitalInput {
        try DigitalInput(
            Self.key,
            sysfs: inputs.sysfs,
            devices: inputs.devices,
            acceptsPipe: true
        )
    }

    @Test("A press is told once, and the level follows the key")
    func press() throws {
        let pipe = try inputs.pipe("event3")
        let input = try opened()
        #expect(try !input.isActive())
        #expect(try !input.takePress())
        try pipe.send(type: 1, code: 148, value: 1)
        try pipe.send(type: 0, code: 0, value: 0)
        #expect(try input.takePress())
        #expect(try !input.takePress())
        #expect(try input.isActive())
        try pipe.send(type: 1, code: 148, value: 0)
        #expect(try !input.takePress())
        #expect(try !input.isActive())
    }

    @Test("A tap between two looks is a press, whichever look comes first")
    func tap() throws {
        let pipe = try inputs.pipe("event3")
        let input = try opened()
        try pipe.send(type: 1, code: 148, value: 1)
        try pipe.send(type: 1, code: 148, value: 0)
        #expect(try !input.isActive())
        #expect(try input.takePress())
    }

    @Test("Repeats, lost events and half events count as presses", arguments: [0, 1, 2])
    func doubt(_ kind: Int) throws {
        let pipe = try inputs.pipe("event3")
        let input = try opened()
        switch kind {
        case 0: try pipe.send(type: 1, code: 148, value: 2)
        case 1: try pipe.send(type: 0, code: 3, value: 0)
        default: try pipe.send([1, 2, 3])
        }
        #expect(try input.takePress())
        #expect(try !input.takePress())
    }

    @Test("Other keys, other kinds of events and releases are no presses")
    func others() throws {
        let pipe = try inputs.pipe("event3")
        let input = try opened()
        try pipe.send(type: 1, code: 149, value: 1)
        try pipe.send(type: 2, code: 148, value: 1)
        try pipe.send(type: 0, code: 0, value: 0)
        try pipe.send(type: 1, code: 148, value: 0)
        #expect(try !input.takePress())
        #expect(try !input.isActive())
    }

    @Test("More events than one read takes are all seen")
    func many() throws {
        let pipe = try inputs.pipe("event3")
        let input = try opened()
        for _ in 0..<200 { try pipe.send(type: 1, code: 30, value: 1) }
        try pipe.send(type: 1, code: 148, value: 1)
        #expect(try input.takePress())
        #expect(try input.isActive())
    }

    @Test("The descriptor wakes who waits, and writers may come and go")
    func waiting() throws {
        let input = try opened(after: try inputs.pipe("event3"))
        let raw = try #require(input.raw)
        for _ in 0..<2 {
            var entries = [PollEntry(raw, .readable)]
            #expect(try entries.poll(deadline: Clock.monotonic.now()) == 0)
            try FakeInputs.Pipe(path: "\(inputs.devices)/input/event3")
                .send(type: 1, code: 148, value: 1)
            #expect(try entries.poll(deadline: Clock.monotonic.now() + 30_000_000_000) == 1)
            #expect(entries[0].returned == .readable)
            #expect(try input.takePress())
        }
    }

    private func opened(after _: consuming FakeInputs.Pipe) throws(InputError) -> DigitalInput {
        try opened()
    }

    @Test("A FIFO is an input only where that is asked for")
    func pipeRefused() throws {
        _ = try inputs.pipe("event3")
        let path = "\(inputs.devices)/input/event3"
        #expect(throws: InputError.notAnInput(path: path, reason: "it is no character device")) {
            try DigitalInput(Self.key, sysfs: inputs.sysfs, devices: inputs.devices)
        }
    }

    @Test(
        "Files, folders and nothing are no inputs",
        arguments: ["file", "folder", "nothing"]
    )
    func noInput(_ kind: String) throws {
        let path = "\(inputs.devices)/input/event3"
        switch kind {
        case "file": _ = tool("touch '\(path)'")
        case "folder": _ = tool("mkdir '\(path)'")
        default: break
        }
        #expect(throws: InputError.self) { try opened() }
    }

    @Test("A name that no device has, or two, is an error; so is a part of a name")
    func names() throws {
        let missing = InputSelector.key(device: "Stop", code: 148)
        #expect(throws: InputError.missing(missing)) {
            try DigitalInput(missing, sysfs: inputs.sysfs, devices: inputs.devices)
        }
        try inputs.add("event7", named: Self.button)
        #expect(throws: InputError.ambiguous(Self.key, nodes: ["event3", "event7"])) {
            try opened()
        }
    }

    @Test("A machine without input devices or GPIO chips has none that is meant")
    func bare() throws {
        let folder = TemporaryFolder()
        for selector in [Self.key, Self.line] {
            #expect(throws: InputError.missing(selector)) {
                try DigitalInput(selector, sysfs: folder.path, devices: folder.path)
            }
        }
        #expect(throws: InputError.missing(Self.line)) {
            try DigitalInput(Self.line, devices: folder.path + "/none")
        }
    }

    @Test("What is no GPIO chip is said to be none", arguments: ["touch", "mkfifo", "mkdir"])
    func noChip(_ command: String) throws {
        let path = "\(inputs.devices)/gpiochip0"
        _ = tool("\(command) '\(path)'")
        #expect(throws: InputError.notAnInput(path: path, reason: "it is no character device")) {
            try DigitalInput(Self.line, devices: inputs.devices)
        }
        #expect(throws: InputError.self) {
            try DigitalInput(Self.line, devices: inputs.devices, acceptsPipe: true)
        }
    }

    @Test("A character device of another kind is said to be one")
    func otherDevice() throws {
        let chip = "\(inputs.devices)/gpiochip0"
        _ = tool("ln -s /dev/null '\(chip)'")
        #expect(throws: InputError.notAnInput(path: chip, reason: "it is no GPIO chip")) {
            try DigitalInput(Self.line, devices: inputs.devices)
        }
        let event = "\(inputs.devices)/input/event3"
        _ = tool("ln -s /dev/null '\(event)'")
        #expect(throws: InputError.notAnInput(path: event, reason: "it is no evdev device")) {
            try opened()
        }
    }

    @Test("Every error names the input or its node")
    func words() {
        let errors: [InputError] = [
            .missing(Self.key), .ambiguous(Self.key, nodes: ["event1"]), .noSuchKey(Self.key),
            .gone(Self.key), .inUse(Self.key),
        ]
        for error in errors { #expect(error.description.contains("key 148 of \"Stop Button\"")) }
        #expect(
            InputError.noSuchLine(Self.line, count: 2).description
                == "the chip does not have line 3 of \"relay\": it has 2 lines"
        )
    }
}

/// A `/sys/class/input` and a `/dev/input` of plain files, linked as the kernel links them.
private final class FakeInputs: Sendable {
    var sysfs: String { folder.path + "/sys" }
    var devices: String { folder.path + "/dev" }
    private let folder = TemporaryFolder()

    init() throws(SystemError) {
        _ = try Folder.make(path: "\(sysfs)/class/input")
        _ = try Folder.make(path: "\(devices)/input")
        // As on every machine: a folder of the class that is no event device.
        _ = try Folder.make(path: "\(sysfs)/class/input/mice")
    }

    func add(_ event: String, named name: String) throws(SystemError) {
        let input = "\(sysfs)/devices/input-of-\(event)"
        _ = try Folder.make(path: "\(input)/\(event)")
        try Folder(path: input).writeDurably("name", Array("\(name)\n".utf8))
        _ = tool(
            """
            ln -s .. '\(input)/\(event)/device'
            ln -s '../../devices/input-of-\(event)/\(event)' '\(sysfs)/class/input/\(event)'
            """
        )
    }

    /// Makes a FIFO in place of the node and opens it as somebody who writes events.
    func pipe(_ event: String) throws(SystemError) -> Pipe {
        let path = "\(devices)/input/\(event)"
        _ = tool("mkfifo '\(path)'")
        return try Pipe(path: path)
    }

    struct Pipe: ~Copyable {
        private let descriptor: Descriptor

        init(path: String) throws(SystemError) {
            descriptor = try .open(path, [.readWrite, .nonBlocking])
        }

        /// A `struct input_event` of a 64-bit machine.
        borrowing func send(type: UInt16, code: UInt16, value: Int32) throws(SystemError) {
            var bytes = [UInt8](repeating: 0, count: 16)
            withUnsafeBytes(of: type) { bytes += $0 }
            withUnsafeBytes(of: code) { bytes += $0 }
            withUnsafeBytes(of: value) { bytes += $0 }
            try send(bytes)
        }

        borrowing func send(_ bytes: [UInt8]) throws(SystemError) {
            try descriptor.writeAll(bytes)
        }
    }
}
