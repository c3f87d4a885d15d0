internal import LinuxSystem

/// One open on-off input: a key of an evdev device or a GPIO line.
///
/// Thread-safe. A driver may block in any call: for worker threads.
package final class DigitalInput: Sendable {
    package let selector: InputSelector
    private let source: Source

    /// Where the input comes from.
    private enum Source: Sendable {
        case key(EvdevKey)
        case line(GPIOLine)
    }

    /// Finds the input and opens it.
    ///
    /// With `acceptsPipe` the node of an evdev device may be a FIFO that carries
    /// `struct input_event`, for machines without input devices.
    package init(
        _ selector: InputSelector,
        sysfs: String = "/sys",
        devices: String = "/dev",
        acceptsPipe: Bool = false
    ) throws(InputError) {
        self.selector = selector
        switch selector {
        case .key(let device, let code):
            let node = try EvdevDevices.node(
                of: device,
                sysfs: sysfs,
                devices: devices,
                for: selector
            )
            source = .key(
                try EvdevKey(
                    selector,
                    device: device,
                    code: code,
                    node: node,
                    acceptsPipe: acceptsPipe
                )
            )
        case .line(let chip, let offset, let isActiveLow):
            source = .line(
                try GPIOLine(
                    selector,
                    chip: chip,
                    offset: offset,
                    isActiveLow: isActiveLow,
                    devices: devices
                )
            )
        }
    }

    /// A key's descriptor, for a ``PollEntry`` that waits for ``PollEvents/readable``.
    ///
    /// Ready too when the device goes, which ``takePress()`` then says. Nil for a line, which is to
    /// be read on a timer: many chips behind a bus have no interrupts.
    package var raw: Int32? {
        switch source {
        case .key(let key): key.raw
        case .line: nil
        }
    }

    /// Whether the key is down, or the line is active, at this moment.
    ///
    /// Of a key it also tells where another program has grabbed the device (EVIOCGRAB), so that no
    /// events arrive.
    package func isActive() throws(InputError) -> Bool {
        switch source {
        case .key(let key): try key.isDown()
        case .line(let line): try line.isActive()
        }
    }

    /// Whether the key went down since the last call, or since it was opened; never waits.
    ///
    /// Repeats count, and so does a loss of events: in doubt it was pressed. A line has no memory:
    /// there it is ``isActive()``.
    package func takePress() throws(InputError) -> Bool {
        switch source {
        case .key(let key): try key.takePress()
        case .line(let line): try line.isActive()
        }
    }
}
