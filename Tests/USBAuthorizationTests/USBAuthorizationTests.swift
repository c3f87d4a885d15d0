internal import LinuxSystem
internal import TestSupport
internal import Testing

@testable internal import USBAuthorization

private let pci = "pci-0000:00:14.0-usb-0:"

@Suite struct USBAuthorizationTests {
    private let tree: USBTree
    private let gate: USBGate

    init() throws {
        tree = try USBTree()
        gate = USBGate(sysfs: tree.sysfs)
    }

    private func camera(_ port: String = pci + "3.2", serial: String = "A1") -> USBIdentity {
        USBIdentity(port: port, vendor: "0c45", product: "6366", serial: serial)
    }

    private func isOpen(_ name: String) throws -> Bool {
        try tree.read("authorized", of: name) == "1"
    }

    /// A hub in port 3 of the PCI controller with the camera in its port 2.
    private func plugCamera() throws {
        try tree.plug("1-3", "05e3:0610", isHub: true, isAuthorized: true)
        try tree.plug("1-3.2", serial: "A1")
    }

    @Test("Devices are listed with hubs, without root hubs and interfaces")
    func list() throws {
        try plugCamera()
        try tree.plug("2-3", "05e3:0620", isHub: true, isAuthorized: true)
        try tree.plug("3-1", "1234:5678")
        let devices = try gate.devices()
        #expect(devices.map(\.name) == ["1-3", "1-3.2", "2-3", "3-1"])
        #expect(devices.map(\.isHub) == [true, false, true, false])
        #expect(devices.map(\.isAuthorized) == [true, false, true, false])
        #expect(devices[1].identity == camera())
        #expect(devices[3].identity.serial == "")
    }

    @Test(
        "A port is what udev's path_id says",
        arguments: [
            ("1-3.2", "pci-0000:00:14.0-usb-0:3.2"), ("2-3.2", "pci-0000:00:14.0-usb-0:3.2"),
            ("3-1", "platform-vhci_hcd.0-usb-0:1"), ("4-1.4.2", "platform-vhci_hcd.0-usb-0:1.4.2"),
            ("5-1", "platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1"),
        ]
    )
    func ports(_ name: String, _ port: String) throws {
        try tree.plug(name)
        #expect(try gate.devices().map(\.identity.port) == [port])
    }

    @Test("Below a controller of no known subsystem there is no stable port, and no way in")
    func noPort() throws {
        try tree.plug("3-1", serial: "A1")
        _ = tool("rm '\(tree.sysfs)/devices/platform/vhci_hcd.0/subsystem'")
        #expect(try gate.devices().map(\.identity.port) == [""])
        #expect(throws: USBError.absent(port: "")) { try gate.authorize(camera("")) }
        #expect(try !isOpen("3-1"))
    }

    @Test("A machine without USB has no devices")
    func noUSB() throws {
        let folder = TemporaryFolder()
        let gate = USBGate(sysfs: folder.path)
        #expect(try gate.devices() == [])
        #expect(gate.withdrawAll() == [])
        #expect(throws: USBError.absent(port: camera().port)) { try gate.authorize(camera()) }
    }

    @Test(
        "Exactly the device that is meant is let in, on whichever bus of its controller",
        arguments: ["1-3.2", "2-3.2"]
    )
    func authorize(_ name: String) throws {
        try tree.plug(name, serial: "A1")
        try tree.plug("1-4", serial: "A1")
        try tree.plug("3-3.2", serial: "A1")
        #expect(try !gate.isAuthorized(camera()))
        try gate.authorize(camera())
        #expect(try isOpen(name))
        #expect(try gate.isAuthorized(camera()))
        #expect(try !isOpen("1-4"))
        #expect(try !isOpen("3-3.2"))
    }

    @Test("Nothing at the port is absent")
    func absent() throws {
        try tree.plug("1-4", serial: "A1")
        #expect(throws: USBError.absent(port: camera().port)) { try gate.authorize(camera()) }
        #expect(try !isOpen("1-4"))
    }

    @Test(
        "What is not exactly the device stays out",
        arguments: [
            ("0c45:6366", "A2"), ("0c45:6366", ""), ("0c45:6367", "A1"), ("0c46:6366", "A1"),
        ]
    )
    func stranger(_ identifiers: String, _ serial: String) throws {
        try tree.plug("2-3.2", identifiers, serial: serial.isEmpty ? nil : serial)
        let found = try gate.devices()[0].identity
        #expect(throws: USBError.stranger(port: camera().port, found: found)) {
            try gate.authorize(camera())
        }
        #expect(try !isOpen("2-3.2"))
        #expect(try gate.strangers(at: [camera()]).map(\.name) == ["2-3.2"])
    }

    @Test("A device on the other bus at the same port stays out and is reported")
    func otherBus() throws {
        try plugCamera()
        try tree.plug("2-3.2", "dead:beef")
        try gate.authorize(camera())
        #expect(try isOpen("1-3.2"))
        #expect(try !isOpen("2-3.2"))
        #expect(try gate.strangers(at: [camera()]).map(\.name) == ["2-3.2"])
    }

    @Test("Two devices that claim to be the one stay out both")
    func twins() throws {
        try plugCamera()
        try tree.plug("2-3.2", serial: "A1")
        #expect(throws: USBError.stranger(port: camera().port, found: camera())) {
            try gate.authorize(camera())
        }
        #expect(try !isOpen("1-3.2"))
        #expect(try !isOpen("2-3.2"))
    }

    @Test("A bus whose default lets devices in is no gate", arguments: ["1", "2", "-1", ""])
    func busUngated(_ value: String) throws {
        try plugCamera()
        try tree.write(value, to: "authorized_default", of: "usb1")
        #expect(throws: USBError.ungated(port: camera().port)) { try gate.authorize(camera()) }
        #expect(try !isOpen("1-3.2"))
    }

    @Test("A device that drivers had already is not gated")
    func deviceUngated() throws {
        try tree.plug("1-3.2", serial: "A1", isAuthorized: true)
        #expect(throws: USBError.ungated(port: camera().port)) { try gate.authorize(camera()) }
    }

    @Test(
        "A device that is pulled while it is listed is left out",
        arguments: ["idVendor", "idProduct", "authorized"]
    )
    func pulledWhileListed(_ attribute: String) throws {
        try plugCamera()
        try tree.plug("1-4")
        try tree.remove(attribute, of: "1-3.2")
        #expect(try gate.devices().map(\.name) == ["1-3", "1-4"])
        #expect(throws: USBError.absent(port: camera().port)) { try gate.authorize(camera()) }
        #expect(gate.withdrawAll() == [])
    }

    @Test("A link without its device is left out")
    func dangling() throws {
        try plugCamera()
        _ = tool("rm -rf '\(tree.sysfs)/devices/pci0000:00/0000:00:14.0/usb1/1-3/1-3.2'")
        #expect(try gate.devices().map(\.name) == ["1-3"])
        #expect(gate.withdrawAll() == [])
    }

    @Test("An order does not reach what was plugged in after the look")
    func swapped() throws {
        try plugCamera()
        guard let held = try PluggedDevice.open("1-3.2", sysfs: tree.sysfs) else {
            Issue.record("the camera is not there")
            return
        }
        let facts = try held.facts()
        #expect(facts?.identity == camera())
        tree.pull("1-3.2")
        try tree.plug("1-3.2", "dead:beef", serial: "A1")
        let wasDone = try held.setAuthorized(true)
        #expect(!wasDone)
        #expect(try !isOpen("1-3.2"))
    }

    @Test("A port is emptied of whatever is there, and nothing else is touched")
    func withdraw() throws {
        try tree.plug("1-3.2", serial: "A1", isAuthorized: true)
        try tree.plug("2-3.2", "dead:beef", isAuthorized: true)
        try tree.plug("1-4", isAuthorized: true)
        #expect(gate.withdraw(camera()) == [])
        #expect(try !isOpen("1-3.2"))
        #expect(try !isOpen("2-3.2"))
        #expect(try isOpen("1-4"))
        #expect(gate.withdraw(camera()) == [])
    }

    @Test("The gate shuts every bus and every device but hubs")
    func withdrawAll() throws {
        try tree.plug("1-3", isHub: true, isAuthorized: true)
        try tree.plug("1-3.2", isAuthorized: true)
        try tree.plug("4-1", isAuthorized: true)
        try tree.write("1", to: "authorized_default", of: "usb1")
        try tree.write("2", to: "authorized_default", of: "usb4")
        #expect(gate.withdrawAll() == [])
        for bus in 1...5 { #expect(try tree.read("authorized_default", of: "usb\(bus)") == "0") }
        #expect(try isOpen("1-3"))
        #expect(try !isOpen("1-3.2"))
        #expect(try !isOpen("4-1"))
        #expect(try tree.read("authorized", of: "usb1") == "1")
    }

    @Test("One device's trouble keeps no other open")
    func oneFails() throws {
        for name in ["1-1", "1-2", "3-1"] { try tree.plug(name, isAuthorized: true) }
        try tree.write("1", to: "authorized_default", of: "usb1")
        try tree.write("1", to: "authorized_default", of: "usb2")
        // A folder in place of an attribute fails otherwise than by permission.
        for path in [
            tree.path(of: "authorized", of: "1-1"), tree.path(of: "authorized_default", of: "usb1"),
        ] { _ = tool("rm '\(path)'; mkdir '\(path)'") }
        let problems = gate.withdrawAll()
        #expect(problems.count == 2)
        #expect(try !isOpen("1-2"))
        #expect(try !isOpen("3-1"))
        #expect(try tree.read("authorized_default", of: "usb2") == "0")
        let identity = USBIdentity(port: pci + "1", vendor: "", product: "", serial: "")
        #expect(gate.withdraw(identity).count == 1)
    }

    @Test("What may not be written is not ours, unless it is asked for by name")
    func notPermitted() throws {
        try tree.plug("1-3.2", serial: "A1", isAuthorized: true)
        let path = try SymbolicLink.resolve(tree.path(of: "authorized", of: "1-3.2"))
        let wasTried = try withReadOnlyFile(path) { () throws in
            #expect(gate.withdrawAll() == [])
            #expect(try isOpen("1-3.2"))
            let problems = gate.withdraw(camera())
            guard case .notPermitted(let named) = problems.first else {
                Issue.record("\(problems)")
                return
            }
            #expect(named.hasSuffix("/1-3.2/authorized"))
        }
        if !wasTried { try Test.cancel("no file can be made read-only for this user here") }
        try tree.write("0", to: "authorized", of: "1-3.2")
        _ = withReadOnlyFile(path) {
            #expect(throws: USBError.self) { try gate.authorize(camera()) }
            #expect(gate.withdraw(camera()) == [])
        }
    }
}
