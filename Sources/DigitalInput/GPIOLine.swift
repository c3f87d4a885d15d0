internal import CInput
internal import LinuxSystem

/// A line of a GPIO chip, requested as an input (Documentation/userspace-api/gpio/chardev.rst).
///
/// It is ours from the request until the descriptor closes; nobody else can turn it round.
final class GPIOLine: Sendable {
    private let selector: InputSelector
    private let line: Descriptor

    init(
        _ selector: InputSelector,
        chip label: String,
        offset: UInt32,
        isActiveLow: Bool,
        devices: String
    ) throws(InputError) {
        self.selector = selector
        let chip = try Self.chip(label, devices: devices, for: selector)
        guard offset < chip.lines else { throw .noSuchLine(selector, count: chip.lines) }

        var request = gpio_v2_line_request()
        request.offsets.0 = offset
        request.num_lines = 1
        request.config.flags = lenscap_GPIO_V2_LINE_FLAG_INPUT()
        if isActiveLow { request.config.flags |= lenscap_GPIO_V2_LINE_FLAG_ACTIVE_LOW() }
        withUnsafeMutableBytes(of: &request.consumer) { $0.copyBytes(from: "lenscap".utf8) }
        try chip.node.call(
            lenscap_GPIO_V2_GET_LINE(),
            &request,
            "GPIO_V2_GET_LINE",
            for: selector
        )
        line = Descriptor(adopting: request.fd)
    }

    func isActive() throws(InputError) -> Bool {
        var values = gpio_v2_line_values(bits: 0, mask: 1)
        try line.call(
            lenscap_GPIO_V2_LINE_GET_VALUES(),
            &values,
            "GPIO_V2_LINE_GET_VALUES",
            for: selector
        )
        return values.bits & 1 != 0
    }

    private struct Chip: ~Copyable {
        let node: Descriptor
        let label: String
        let lines: UInt32
    }

    /// The one chip with this label.
    private static func chip(
        _ label: String,
        devices: String,
        for selector: InputSelector
    )
        throws(InputError) -> Chip
    {
        var found: [String] = []
        var closed: InputError?
        for path in try nodes(in: devices, for: selector) {
            do throws(InputError) {
                let chip = try open(path, for: selector)
                if chip.label == label { found.append(path) }
            } catch {
                switch error {
                case .gone: continue
                // It may be the one that is meant: said if no other is.
                case .notPermitted: closed = error
                default: throw error
                }
            }
        }
        guard let path = found.first else { throw closed ?? .missing(selector) }
        guard found.count == 1 else { throw .ambiguous(selector, nodes: found) }
        let chip = try open(path, for: selector)
        guard chip.label == label else { throw .gone(selector) }
        return chip
    }

    private static func nodes(
        in devices: String,
        for selector: InputSelector
    )
        throws(InputError) -> [String]
    {
        do throws(SystemError) {
            return try Folder(path: devices).names()
                .filter { $0.hasPrefix("gpiochip") }
                .map { "\(devices)/\($0)" }
        } catch {
            if error.isNotFound { throw .missing(selector) }
            throw .driverCallFailed(selector, error)
        }
    }

    private static func open(
        _ path: String,
        for selector: InputSelector
    )
        throws(InputError) -> Chip
    {
        let node = try InputNode.open(path, for: selector)
        var answer = gpiochip_info()
        do throws(InputError) {
            try node.call(lenscap_GPIO_GET_CHIPINFO(), &answer, "GPIO_GET_CHIPINFO", for: selector)
        } catch { throw error.orWrongKind(path, "GPIO chip") }
        let label = withUnsafeBytes(of: &answer.label) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return Chip(node: node, label: label, lines: answer.lines)
    }
}
