internal import LinuxSystem

/// A lamp that the kernel drives as an LED-class device (Documentation/leds/leds-class.rst).
///
/// What reads back is what the driver was told, or what the chip says where it can: a lamp that is
/// *driven*, not one that is *sensed*. Every call asks the driver: for worker threads.
package struct LED: Hashable, Sendable {
    package let name: String
    /// The LED's folder, for messages.
    package let path: String

    /// How long a driver may take, in nanoseconds, until what it was asked for reads back.
    ///
    /// Drivers of chips behind a slow bus hand the change to a kernel thread.
    private static let settling: Int64 = 250_000_000

    private static let noTrigger = "none"
    private static let trigger = "trigger"
    private static let brightness = "brightness"

    /// Finds the LED `name`; changes nothing.
    package init(named name: String, sysfs: String = "/sys") throws(LEDError) {
        guard Folder.isEntryName(name) else { throw .nameInvalid(name) }
        self.name = name
        path = "\(sysfs)/class/leds/\(name)"
        _ = try folder()
    }

    /// Takes the LED from any trigger, sets it to its greatest brightness, and reads both back.
    package func light() throws(LEDError) {
        let folder = try folder()
        try set(Self.trigger, to: Self.noTrigger, in: folder)
        try set(Self.brightness, to: "\(try maximum(folder))", in: folder)
        try expect(Self.trigger, Self.noTrigger, in: folder)
    }

    /// Takes the LED from any trigger, sets it to 0, and reads both back.
    package func darken() throws(LEDError) {
        let folder = try folder()
        try set(Self.trigger, to: Self.noTrigger, in: folder)
        try set(Self.brightness, to: "0", in: folder)
        try expect(Self.trigger, Self.noTrigger, in: folder)
    }

    /// Throws unless the LED still is as ``light()`` left it.
    package func check() throws(LEDError) {
        let folder = try folder()
        try expect(Self.trigger, Self.noTrigger, in: folder)
        try expect(Self.brightness, "\(try maximum(folder))", in: folder)
    }

    private func folder() throws(LEDError) -> Folder {
        do throws(SystemError) { return try Folder(path: path) } catch {
            throw LEDError(calling: path, error)
        }
    }

    /// Between 1 and 255 for most drivers, more for some.
    private func maximum(_ folder: borrowing Folder) throws(LEDError) -> Int {
        let text = try value("max_brightness", in: folder)
        guard let maximum = Int(text), maximum > 0 else {
            throw .brightnessUnknown(led: name, read: text)
        }
        return maximum
    }

    private func set(
        _ attribute: String,
        to value: String,
        in folder: borrowing Folder
    )
        throws(LEDError)
    {
        do throws(SystemError) { try folder.setAttribute(attribute, value) } catch {
            throw LEDError(calling: "\(path)/\(attribute)", error)
        }
        let deadline = Clock.monotonic.now() + Self.settling
        while try self.value(attribute, in: folder) != value {
            let now = Clock.monotonic.now()
            if now >= deadline { return try expect(attribute, value, in: folder) }
            Clock.monotonic.sleep(until: now + 2_000_000)
        }
    }

    private func expect(
        _ attribute: String,
        _ asked: String,
        in folder: borrowing Folder
    )
        throws(LEDError)
    {
        let read = try value(attribute, in: folder)
        guard read == asked else {
            throw .notAsAsked(led: name, attribute: attribute, asked: asked, read: read)
        }
    }

    /// The attribute's text; of a list of choices the one in brackets, which is in force.
    private func value(
        _ attribute: String,
        in folder: borrowing Folder
    )
        throws(LEDError) -> String
    {
        let text: String
        do throws(SystemError) { text = try folder.attribute(attribute) } catch {
            throw LEDError(calling: "\(path)/\(attribute)", error)
        }
        let chosen = text.split(separator: " ").first { $0.hasPrefix("[") && $0.hasSuffix("]") }
        return chosen.map { String($0.dropFirst().dropLast()) } ?? text
    }
}

extension LEDError {
    fileprivate init(calling path: String, _ error: SystemError) {
        self =
            if error.isNotFound || error.isDeviceGone {
                .missing(path: path)
            } else if error.isPermission {
                .notPermitted(path: path)
            } else {
                .driverCallFailed(error)
            }
    }
}
