internal import LinuxSystem

/// What kind of file stands for a device.
enum InputNode {
    /// Opens a character device for reading without waiting.
    static func open(_ path: String, for input: InputSelector) throws(InputError) -> Descriptor {
        let node = try openAny(path, .read, for: input)
        guard try status(node, for: input).isCharacterDevice else {
            throw .notAnInput(path: path, reason: "it is no character device")
        }
        return node
    }

    /// Whether a FIFO stands there.
    static func isPipe(_ path: String, for input: InputSelector) throws(InputError) -> Bool {
        try status(try openAny(path, .read, for: input), for: input).isPipe
    }

    /// Opens a FIFO so that it outlives its writers.
    static func openPipe(_ path: String, for input: InputSelector) throws(InputError) -> Descriptor
    {
        // Linux lets one process hold both ends, and then no end of file comes (fifo(7)).
        try openAny(path, .readWrite, for: input)
    }

    private static func openAny(
        _ path: String,
        _ access: FileAccess,
        for input: InputSelector
    )
        throws(InputError) -> Descriptor
    {
        do throws(SystemError) { return try Descriptor.open(path, [access, .nonBlocking]) } catch {
            if error.isPermission { throw .notPermitted(path: path) }
            if error.isNotFound { throw .notAnInput(path: path, reason: "there is nothing") }
            throw InputError(calling: input, error)
        }
    }

    private static func status(
        _ node: borrowing Descriptor,
        for input: InputSelector
    )
        throws(InputError) -> FileStatus
    {
        do throws(SystemError) { return try node.status() } catch {
            throw .driverCallFailed(input, error)
        }
    }
}

extension InputError {
    init(calling input: InputSelector, _ error: SystemError) {
        self =
            if error.isDeviceGone || error.isNotFound {
                .gone(input)
            } else if error.isBusy {
                .inUse(input)
            } else {
                .driverCallFailed(input, error)
            }
    }
}

extension InputError {
    /// The same error, or that the node is not of the kind that the first request to it is for.
    func orWrongKind(_ path: String, _ kind: String) -> InputError {
        guard case .driverCallFailed(_, let error) = self, error.isUnknownRequest else {
            return self
        }
        return .notAnInput(path: path, reason: "it is no \(kind)")
    }
}

extension Descriptor {
    /// Hands `argument` to the driver (`ioctl(2)`).
    borrowing func call<Argument>(
        _ request: UInt,
        _ argument: inout Argument,
        _ name: String,
        for input: InputSelector
    ) throws(InputError) {
        do throws(SystemError) {
            try withUnsafeMutablePointer(to: &argument) { pointer throws(SystemError) in
                try control(request, pointer, name: name)
            }
        } catch { throw InputError(calling: input, error) }
    }

    /// Lets the driver fill `bytes` (`ioctl(2)`).
    borrowing func fill(
        _ bytes: inout [UInt8],
        _ request: UInt,
        _ name: String,
        for input: InputSelector
    ) throws(InputError) {
        do throws(SystemError) {
            var span = bytes.mutableSpan
            try span.withUnsafeMutableBytes { (buffer) throws(SystemError) in
                try control(request, buffer.baseAddress, name: name)
            }
        } catch { throw InputError(calling: input, error) }
    }
}
