internal import CInput
internal import LinuxSystem
internal import Synchronization

/// A key of an evdev device (Documentation/input/event-codes.rst).
final class EvdevKey: Sendable {
    private let selector: InputSelector
    private let code: UInt16
    private let events: Descriptor
    /// A descriptor for EVIOCGKEY alone, because that request throws away the events that wait at
    /// its own; nil for a FIFO, whose levels are known from its events only.
    private let levels: Descriptor?
    private let seen = Mutex(Seen())

    /// What the events told.
    private struct Seen: Sendable {
        var isDown = false
        /// Until somebody takes it.
        var wasPressed = false
    }

    init(
        _ selector: InputSelector,
        device: String,
        code: UInt16,
        node: String,
        acceptsPipe: Bool
    ) throws(InputError) {
        self.selector = selector
        self.code = code
        let isPipe = try InputNode.isPipe(node, for: selector)
        if acceptsPipe && isPipe {
            events = try InputNode.openPipe(node, for: selector)
            levels = nil
            return
        }
        events = try Self.open(node, device, for: selector)
        levels = try Self.open(node, device, for: selector)
        let keys = try Self.keys(events, lenscap_EVIOCGBIT_KEY, "EVIOCGBIT", for: selector)
        guard keys.contains(code) else { throw .noSuchKey(selector) }
    }

    var raw: Int32 { events.raw }

    func isDown() throws(InputError) -> Bool {
        switch levels {
        case .some(let levels):
            return try Self.keys(levels, lenscap_EVIOCGKEY, "EVIOCGKEY", for: selector)
                .contains(code)
        case .none:
            try drain()
            return seen.withLock { $0.isDown }
        }
    }

    func takePress() throws(InputError) -> Bool {
        try drain()
        return seen.withLock { seen in
            defer { seen.wasPressed = false }
            return seen.wasPressed
        }
    }

    /// Takes every event that waits.
    private func drain() throws(InputError) {
        let size = MemoryLayout<input_event>.size
        var buffer = [UInt8](repeating: 0, count: 64 * size)
        while true {
            let count = try read(into: &buffer)
            if count == 0 { return }
            seen.withLock { seen in
                for offset in stride(from: 0, through: count - size, by: size) {
                    let event = buffer.withUnsafeBytes { bytes in
                        bytes.loadUnaligned(fromByteOffset: offset, as: input_event.self)
                    }
                    note(event, &seen)
                }
                // A driver gives whole events; of what else comes down a FIFO nothing is known.
                if count % size != 0 { seen.wasPressed = true }
            }
        }
    }

    private func note(_ event: input_event, _ seen: inout Seen) {
        if event.type == UInt16(EV_KEY) && event.code == code {
            seen.isDown = event.value != 0
            if seen.isDown { seen.wasPressed = true }
        } else if event.type == UInt16(EV_SYN) && event.code == UInt16(SYN_DROPPED) {
            // The kernel's queue ran over: the press may have been among what was lost.
            seen.wasPressed = true
        }
    }

    /// Bytes read, 0 when nothing waits.
    private func read(into buffer: inout [UInt8]) throws(InputError) -> Int {
        do throws(SystemError) {
            var span = buffer.mutableSpan
            return try span.withUnsafeMutableBytes { (bytes) throws(SystemError) in
                try events.read(into: bytes)
            }
        } catch {
            if error.isWouldBlock { return 0 }
            throw InputError(calling: selector, error)
        }
    }

    /// Opens the node and makes sure that it is the device's: numbers are given anew on a replug.
    private static func open(
        _ node: String,
        _ device: String,
        for selector: InputSelector
    )
        throws(InputError) -> Descriptor
    {
        let opened = try InputNode.open(node, for: selector)
        var name = [UInt8](repeating: 0, count: 1024)
        do throws(InputError) {
            try opened.fill(&name, lenscap_EVIOCGNAME(1024), "EVIOCGNAME", for: selector)
        } catch { throw error.orWrongKind(node, "evdev device") }
        guard String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) == device else {
            throw .gone(selector)
        }
        return opened
    }

    /// The key codes in the bit field that `request` answers.
    private static func keys(
        _ descriptor: borrowing Descriptor,
        _ request: (UInt32) -> UInt,
        _ name: String,
        for selector: InputSelector
    ) throws(InputError) -> KeySet {
        var bits = [UInt8](repeating: 0, count: Int(KEY_MAX) / 8 + 1)
        try descriptor.fill(&bits, request(UInt32(bits.count)), name, for: selector)
        return KeySet(bits: bits)
    }
}

/// A bit for each key code; the kernel numbers them within words of the machine.
private struct KeySet {
    let bits: [UInt8]

    func contains(_ code: UInt16) -> Bool {
        let byte = Int(code) / 8
        return byte < bits.count && bits[byte] & (1 << (code % 8)) != 0
    }
}
