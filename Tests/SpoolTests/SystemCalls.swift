internal import Glibc
internal import Synchronization

/// Stands between this test program and the C library for the calls that change files, so that a
/// test can see their order, end the process at any of them, or have one fail.
///
/// The names below take the place of the C library's for the whole test program; they pass
/// everything on, except on the one thread that asked otherwise.
enum SystemCalls {
    enum Plan {
        /// Only counts and notes.
        case trace
        /// Kills the process at this step: each call has one before and one after it, and a write
        /// one in its middle.
        case kill(step: Int)
        /// The call of this number among those of `name` answers −1; a write does half of its work.
        case fail(name: String, number: Int, error: Int32)
    }

    private static let owner = Atomic<UInt>(0)
    // These three belong to the owner's thread alone.
    nonisolated(unsafe) private static var plan = Plan.trace
    nonisolated(unsafe) private static var steps = 0
    nonisolated(unsafe) private static var calls: [String] = []

    /// Runs `body` under a plan; gives the number of steps, and what was called on which name.
    ///
    /// One at a time: the suites that use it are serialised.
    static func run(
        _ plan: Plan,
        _ body: () throws -> Void
    ) rethrows -> (
        steps: Int, calls: [String]
    ) {
        self.plan = plan
        steps = 0
        calls = []
        owner.store(UInt(pthread_self()), ordering: .sequentiallyConsistent)
        defer { owner.store(0, ordering: .sequentiallyConsistent) }
        try body()
        return (steps, calls)
    }

    fileprivate static func pass<Result: SignedInteger>(
        _ name: String,
        _ subject: @autoclosure () -> String,
        half: () -> Void = {},
        _ real: () -> Result
    ) -> Result {
        guard owner.load(ordering: .sequentiallyConsistent) == UInt(pthread_self()) else {
            return real()
        }
        calls.append(name + " " + subject())
        step()
        if case .fail(name, let number, let error) = plan,
            calls.count(where: { $0.hasPrefix(name + " ") }) == number
        {
            half()
            errno = error
            return -1
        }
        if name == "write", case .kill(steps + 1) = plan { half() }
        if name == "write" { step() }
        let result = real()
        let number = errno
        step()
        errno = number
        return result
    }

    private static func step() {
        steps += 1
        guard case .kill(steps) = plan else { return }
        kill(getpid(), SIGKILL)
        while true { pause() }
    }

    fileprivate static func real<Function>(_ name: String, _: Function.Type) -> Function {
        // RTLD_NEXT is a macro with a cast: the definition after this program's own.
        let next = UnsafeMutableRawPointer(bitPattern: -1)
        guard let symbol = dlsym(next, name) else { fatalError("no \(name) in the C library") }
        return unsafeBitCast(symbol, to: Function.self)
    }

    /// The last part of the path behind a descriptor.
    fileprivate static func name(_ descriptor: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/fd/\(descriptor)", &buffer, buffer.count)
        let path = buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
        return String(decoding: path.split(separator: UInt8(ascii: "/")).last ?? [], as: UTF8.self)
    }
}

private typealias OnDescriptor = @convention(c) (Int32) -> Int32
private typealias OnSize = @convention(c) (Int32, Int) -> Int32
private typealias OnMode = @convention(c) (Int32, UInt32) -> Int32
private typealias OnName = @convention(c) (Int32, UnsafePointer<CChar>?, Int32) -> Int32
private typealias OnNewName = @convention(c) (Int32, UnsafePointer<CChar>?, UInt32) -> Int32
private typealias OnBytes = @convention(c) (Int32, UnsafeRawPointer?, Int) -> Int

private let realSync = SystemCalls.real("fsync", OnDescriptor.self)
private let realTruncate = SystemCalls.real("ftruncate", OnSize.self)
private let realMode = SystemCalls.real("fchmod", OnMode.self)
private let realUnlink = SystemCalls.real("unlinkat", OnName.self)
private let realMakeFolder = SystemCalls.real("mkdirat", OnNewName.self)
private let realWrite = SystemCalls.real("write", OnBytes.self)

@_cdecl("fsync") func passSync(_ descriptor: Int32) -> Int32 {
    SystemCalls.pass("fsync", SystemCalls.name(descriptor)) { realSync(descriptor) }
}

@_cdecl("ftruncate") func passTruncate(_ descriptor: Int32, _ count: Int) -> Int32 {
    SystemCalls.pass("ftruncate", SystemCalls.name(descriptor)) { realTruncate(descriptor, count) }
}

@_cdecl("fchmod") func passMode(_ descriptor: Int32, _ mode: UInt32) -> Int32 {
    SystemCalls.pass("fchmod", SystemCalls.name(descriptor)) { realMode(descriptor, mode) }
}

@_cdecl("unlinkat")
func passUnlink(_ folder: Int32, _ name: UnsafePointer<CChar>?, _ flags: Int32) -> Int32 {
    SystemCalls.pass("unlink", name.map { String(cString: $0) } ?? "") {
        realUnlink(folder, name, flags)
    }
}

@_cdecl("mkdirat")
func passMakeFolder(_ folder: Int32, _ name: UnsafePointer<CChar>?, _ mode: UInt32) -> Int32 {
    SystemCalls.pass("mkdir", name.map { String(cString: $0) } ?? "") {
        realMakeFolder(folder, name, mode)
    }
}

@_cdecl("write")
func passWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    SystemCalls.pass(
        "write",
        SystemCalls.name(descriptor),
        half: { _ = realWrite(descriptor, bytes, count / 2) },
        { realWrite(descriptor, bytes, count) }
    )
}
