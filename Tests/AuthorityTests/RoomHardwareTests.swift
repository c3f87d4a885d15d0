import Authority
import Consent
import DigitalInput
import Glibc
import LinuxSystem
import TestSupport
import Testing
import USBAuthorization

/// A loop and a `/sys` and `/dev` of plain files, for one test.
private final class HardwareBench {
    static let led = "red"
    static let button = "Stop button"
    static let key: UInt16 = 167

    let loop: EventLoop
    let queue: WorkQueue
    private let folder: AuthorityTests.TemporaryFolder
    var sysfs: String { folder.path + "/sys" }
    var devices: String { folder.path + "/dev" }

    init() throws {
        folder = try AuthorityTests.TemporaryFolder()
        loop = try EventLoop()
        queue = try WorkQueue("hardware", loop: loop)
        try write("none", "sys/class/leds/red/trigger")
        try write("0", "sys/class/leds/red/brightness")
        try write("255", "sys/class/leds/red/max_brightness")
        try write(HardwareBench.button, "sys/class/input/event0/device/name")
        _ = try Folder.make(path: "\(devices)/input")
        try #require(mkfifo("\(devices)/input/event0", 0o600) == 0)
    }

    func write(_ text: String, _ path: String) throws {
        let parts = path.split(separator: "/").map(String.init)
        let parent = ([folder.path] + parts.dropLast()).joined(separator: "/")
        try Folder.make(path: parent)
            .writeDurably(parts.last ?? "", Array("\(text)\n".utf8), replacing: true)
    }

    var brightness: String { get throws { try HardwareBench.brightness(below: sysfs) } }

    static func brightness(below sysfs: String) throws -> String {
        try Folder(path: "\(sysfs)/class/leds/red").attribute("brightness")
    }

    func key(_ value: UInt8) throws { try HardwareBench.key(value, below: devices) }

    /// `struct input_event` of a 64-bit machine: EV_KEY, up (0) or down (1).
    static func key(_ value: UInt8, below devices: String) throws {
        var event = [UInt8](repeating: 0, count: 24)
        (event[16], event[18], event[20]) = (1, UInt8(HardwareBench.key), value)
        let pipe = try Descriptor.open("\(devices)/input/event0", [.readWrite, .nonBlocking])
        // Written while somebody reads, so it stays when this end is closed.
        #expect(Glibc.write(pipe.raw, event, event.count) == event.count)
    }

    /// Runs the loop until `body`'s callback has been called.
    func result<Value>(_ body: (@escaping (Value) -> Void) -> Void) throws -> Value {
        var found: Value?
        var isLate = false
        body { found = $0 }
        let limit = loop.schedule(after: 60_000_000_000) { isLate = true }
        while found == nil && !isLate { try loop.turn() }
        loop.cancel(limit)
        return try #require(found, "nothing was called back")
    }

    func lamp(sense: InputSelector? = nil, isDemo: Bool = true) -> RoomLamp {
        RoomLamp(
            loop: loop,
            queue: queue,
            places: RoomLamp.Places(
                sysfs: sysfs,
                devices: devices,
                sense: sense,
                isDemo: isDemo
            )
        )
    }

    func stopInputs() -> RoomStopInputs {
        RoomStopInputs(
            loop: loop,
            queue: queue,
            sysfs: sysfs,
            devices: devices,
            acceptsPipe: true
        )
    }
}

private let driven = RoomRecord.Indicator(led: HardwareBench.led, isSensed: false)
private let sensed = RoomRecord.Indicator(led: HardwareBench.led, isSensed: true)
private let senseKey = InputSelector.key(device: HardwareBench.button, code: HardwareBench.key)
private let stopKey = RoomRecord.StopInput(
    kind: .key,
    device: HardwareBench.button,
    code: Int64(HardwareBench.key)
)

private func reason(_ error: AuthorityError?) -> String? {
    switch error {
    case .indicator(let reason, _), .device(_, let reason, _): reason
    default: nil
    }
}

@Suite struct RoomLampTests {
    @Test("A lamp is lit and read back, and dark when it is told so")
    func lightAndDarken() throws {
        let shop = try HardwareBench()
        let lamp = shop.lamp()
        #expect(lamp.state == .dark)
        let failure = try shop.result { lamp.light(driven, then: $0) }
        #expect(failure == nil)
        #expect(lamp.state == .driven)
        #expect(try shop.brightness == "255")
        let second = try shop.result { lamp.darken(driven, then: $0) }
        #expect(second == nil)
        #expect(lamp.state == .dark)
        #expect(try shop.brightness == "0")
    }

    @Test("A lit lamp that goes out is a fault, said once")
    func goesOut() throws {
        let shop = try HardwareBench()
        let lamp = shop.lamp()
        _ = try shop.result { lamp.light(driven, then: $0) }
        try shop.write("0", "sys/class/leds/red/brightness")
        let fault: AuthorityError = try shop.result { lamp.onFault = $0 }
        #expect(reason(fault) == "lamp")
        #expect(lamp.state == .failed)
    }

    @Test("A driver that does not answer hides the lamp: that is a fault too")
    func silent() throws {
        let shop = try HardwareBench()
        let lamp = shop.lamp()
        _ = try shop.result { lamp.light(driven, then: $0) }
        // A call that hangs, as the lamp's thread sees it.
        shop.queue.perform {
            Clock.monotonic.sleep(until: Clock.monotonic.now() + 5_000_000_000)
        } then: {
        }
        let fault: AuthorityError = try shop.result { lamp.onFault = $0 }
        #expect(reason(fault) == "silent")
    }

    @Test("A darkened lamp is watched no more")
    func noFaultWhenDark() throws {
        let shop = try HardwareBench()
        let lamp = shop.lamp()
        var faults = 0
        lamp.onFault = { _ in faults += 1 }
        _ = try shop.result { lamp.light(driven, then: $0) }
        _ = try shop.result { lamp.darken(driven, then: $0) }
        try shop.result { (done: @escaping (Int) -> Void) in
            _ = shop.loop.schedule(after: 300_000_000) { done(0) }
        }
        #expect(faults == 0)
    }

    @Test("A record without a lamp is for the demo alone")
    func none() throws {
        let shop = try HardwareBench()
        let box = shop.lamp(isDemo: false)
        let refusal = try shop.result { box.light(.none, then: $0) }
        #expect(reason(refusal) == "none")
        let demo = shop.lamp()
        let failure = try shop.result { demo.light(.none, then: $0) }
        #expect(failure == nil)
        #expect(demo.state == LampState.none)
    }

    @Test("A sensed lamp without an input that senses it is not lit")
    func noSense() throws {
        let shop = try HardwareBench()
        let lamp = shop.lamp()
        let failure = try shop.result { lamp.light(sensed, then: $0) }
        #expect(reason(failure) == "not-sensed")
        #expect(try shop.brightness == "0")
    }

    @Test("A lamp that its input does not see is not lit, whatever its driver says")
    func notSeen() throws {
        let shop = try HardwareBench()
        let lamp = shop.lamp(sense: senseKey)
        let failure = try shop.result { lamp.light(sensed, then: $0) }
        #expect(reason(failure) == "not-lit")
        #expect(lamp.state == .failed)
    }

    @Test("A lamp that its input sees is sensed, and a fault when it is seen no more")
    func seen() throws {
        let shop = try HardwareBench()
        let lamp = shop.lamp(sense: senseKey)
        // The input answers once the driver has lit the lamp.
        let (sysfs, devices) = (shop.sysfs, shop.devices)
        let answer = try NamedThread("sense") {
            while (try? HardwareBench.brightness(below: sysfs)) != "255" {
                Clock.monotonic.sleep(until: Clock.monotonic.now() + 1_000_000)
            }
            try? HardwareBench.key(1, below: devices)
        }
        let failure = try shop.result { lamp.light(sensed, then: $0) }
        answer.join()
        #expect(failure == nil)
        #expect(lamp.state == .sensed)
        try shop.key(0)
        let fault: AuthorityError = try shop.result { lamp.onFault = $0 }
        #expect(reason(fault) == "not-lit")
    }
}

@Suite struct RoomStopInputsTests {
    @Test("A press of the key stops, once, for its own reason")
    func press() throws {
        let shop = try HardwareBench()
        let inputs = shop.stopInputs()
        let failure = try shop.result { inputs.arm([stopKey], then: $0) }
        #expect(failure == nil)
        try shop.key(1)
        let cause: StopCause = try shop.result { done in
            inputs.onStop = { cause, _ in done(cause) }
        }
        #expect(cause == .key)
        var again = 0
        inputs.onStop = { _, _ in again += 1 }
        try shop.key(1)
        try shop.result { (done: @escaping (Int) -> Void) in
            _ = shop.loop.schedule(after: 200_000_000) { done(0) }
        }
        #expect(again == 0)
    }

    @Test("Every input must be there")
    func missing() throws {
        let shop = try HardwareBench()
        let inputs = shop.stopInputs()
        let line = RoomRecord.StopInput(kind: .line, device: "no such chip", code: 1)
        let failure = try shop.result { inputs.arm([stopKey, line], then: $0) }
        #expect(reason(failure) == "stop-input")
    }

    @Test("Without any there is nothing to arm")
    func none() throws {
        let shop = try HardwareBench()
        let inputs = shop.stopInputs()
        let failure = try shop.result { inputs.arm([], then: $0) }
        #expect(failure == nil)
    }
}

@Suite struct RoomGateTests {
    private let identity = RoomRecord.USBDevice(
        port: "pci-0000:00:14.0-usb-0:2",
        vendor: "0c45",
        product: "6366",
        serial: "A1"
    )

    private func source(path: String = "test:") -> GatedSource {
        GatedSource(
            source: RoomRecord.Source(name: "front", kind: .camera, device: identity),
            path: path
        )
    }

    private func gate(_ shop: HardwareBench, _ tree: USBTree) -> RoomGate {
        RoomGate(loop: shop.loop, queue: shop.queue, sysfs: tree.sysfs, isDemo: true)
    }

    @Test("Exactly the source's device is authorised, and withdrawn at the end")
    func openAndClose() throws {
        let (shop, tree) = (try HardwareBench(), try USBTree())
        try tree.plug("1-2", serial: "A1")
        try tree.plug("1-3", serial: "A1")
        let gate = gate(shop, tree)
        let failure = try shop.result { gate.open(for: [source()], then: $0) }
        #expect(failure == nil)
        #expect(try tree.read("authorized", of: "1-2") == "1")
        #expect(try tree.read("authorized", of: "1-3") == "0")
        let problem = try shop.result { gate.close(then: $0) }
        #expect(problem == nil)
        #expect(try tree.read("authorized", of: "1-2") == "0")
    }

    @Test("A device that comes back in a session is authorised again, a stranger is reported")
    func replug() throws {
        let (shop, tree) = (try HardwareBench(), try USBTree())
        try tree.plug("1-2", serial: "A1")
        let gate = gate(shop, tree)
        _ = try shop.result { gate.open(for: [source()], then: $0) }
        tree.pull("1-2")
        try tree.plug("1-2", serial: "B2")
        let problem: AuthorityError = try shop.result { gate.onProblem = $0 }
        #expect(reason(problem) == "stranger")
        #expect(try tree.read("authorized", of: "1-2") == "0")
        tree.pull("1-2")
        try tree.plug("1-2", serial: "A1")
        try shop.result { (done: @escaping (Int) -> Void) in
            func look() {
                if (try? tree.read("authorized", of: "1-2")) == "1" { return done(0) }
                _ = shop.loop.schedule(after: 20_000_000) { look() }
            }
            look()
        }
        _ = try shop.result { gate.close(then: $0) }
    }

    @Test("A node that is no device's of the record is not opened")
    func foreignNode() throws {
        let (shop, tree) = (try HardwareBench(), try USBTree())
        try tree.plug("1-2", serial: "A1")
        let gate = gate(shop, tree)
        let failure = try shop.result { gate.open(for: [source(path: "/dev/null")], then: $0) }
        #expect(reason(failure) == "no-node" || reason(failure) == "stranger")
        _ = try shop.result { gate.close(then: $0) }
        #expect(try tree.read("authorized", of: "1-2") == "0")
    }

    @Test("A source without a USB device needs no gate")
    func unbound() throws {
        let (shop, tree) = (try HardwareBench(), try USBTree())
        try tree.plug("1-2", serial: "A1")
        let gate = gate(shop, tree)
        let unbound = GatedSource(
            source: RoomRecord.Source(name: "front", kind: .camera),
            path: "/dev/lenscap/front"
        )
        let failure = try shop.result { gate.open(for: [unbound], then: $0) }
        #expect(failure == nil)
        #expect(try tree.read("authorized", of: "1-2") == "0")
    }
}
