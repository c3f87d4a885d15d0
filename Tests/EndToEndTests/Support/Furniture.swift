import Glibc
import LinuxSystem

/// Plain files that stand in for a box's lamp, USB devices and stop button below a root.
struct Furniture {
    static let lamp = "lenscap:red:recording"
    static let button = "Stop button"
    static let port = "pci-0000:00:14.0-usb-0:3"
    static let serial = "A0001"

    private let room: Classroom

    private var lampFolder: String { "sys/class/leds/\(Furniture.lamp)" }
    private let controller = "sys/devices/pci0000:00/0000:00:14.0"
    private var device: String { "\(controller)/usb1/1-3" }

    /// A dark lamp, a gated camera that is plugged in, and a button that nobody presses.
    init(_ room: Classroom) throws {
        self.room = room
        try room.write("none\n", to: "\(lampFolder)/trigger")
        try room.write("0\n", to: "\(lampFolder)/brightness")
        try room.write("255\n", to: "\(lampFolder)/max_brightness")
        try room.write("\(Furniture.button)\n", to: "sys/class/input/event0/device/name")
        _ = try Folder.make(path: "\(room.root)/dev/input", permissions: 0o700)
        guard mkfifo("\(room.root)/dev/input/event0", 0o600) == 0 else {
            throw Failure("mkfifo: \(errno)")
        }
        try room.write("0\n", to: "\(controller)/usb1/authorized_default")
        _ = try Folder.make(path: "\(room.root)/sys/bus/pci", permissions: 0o700)
        _ = try Folder.make(path: "\(room.root)/sys/bus/usb/devices", permissions: 0o700)
        try link("\(controller)/subsystem", to: "sys/bus/pci")
        try link("\(controller)/usb1/subsystem", to: "sys/bus/usb")
        try link("sys/bus/usb/devices/usb1", to: "\(controller)/usb1")
        try plugIn(serial: Furniture.serial)
        try link("\(device)/subsystem", to: "sys/bus/usb")
        try link("sys/bus/usb/devices/1-3", to: device)
    }

    private func link(_ path: String, to target: String) throws {
        guard symlink("\(room.root)/\(target)", "\(room.root)/\(path)") == 0 else {
            throw Failure("symlink \(path): \(errno)")
        }
    }

    /// Puts a camera with this serial number into the socket.
    func plugIn(serial: String) throws {
        for (name, value) in [
            ("idVendor", "046d"), ("idProduct", "0825"), ("bDeviceClass", "ef"),
            ("serial", serial), ("authorized", "0"),
        ] { try room.write(value + "\n", to: "\(device)/\(name)") }
    }

    var isLit: Bool { value("\(lampFolder)/brightness") == "255" }
    var isAuthorized: Bool { value("\(device)/authorized") == "1" }

    func switchLampOff() throws { try room.write("0\n", to: "\(lampFolder)/brightness") }

    func breakLamp() throws { try room.write("rc-feedback\n", to: "\(lampFolder)/trigger") }

    func removeLamp() throws {
        try Tool.succeed("rm", ["-r", "\(room.root)/\(lampFolder)"])
    }

    /// EV_KEY, KEY_RECORD, down: `struct input_event` of a 64-bit machine.
    func pressButton(_ code: UInt16 = 167) throws {
        var event = [UInt8](repeating: 0, count: 24)
        event[16] = 1
        event[18] = UInt8(code & 0xFF)
        event[19] = UInt8(code >> 8)
        event[20] = 1
        let pipe = try Descriptor.open("\(room.root)/dev/input/event0", [.readWrite, .nonBlocking])
        _ = write(pipe.raw, event, event.count)
    }

    private func value(_ path: String) -> String? {
        (try? room.read(path)).map { text in String(text.prefix { $0 != "\n" }) }
    }
}
