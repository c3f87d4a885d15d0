internal import CSystem
internal import Glibc

/// A file descriptor with one owner; it is closed when the owner goes.
package struct Descriptor: ~Copyable, Sendable {
    /// The number, for calls that borrow it.
    package let raw: Int32

    /// Takes ownership of an open descriptor.
    package init(adopting raw: Int32) {
        self.raw = raw
    }

    deinit {
        if let simulated = FileSystem.simulated { return simulated.close(raw) }
        _ = Glibc.close(raw)
    }

    /// Closes now (`close(2)`).
    ///
    /// Errors of `close` on Linux do not leave the descriptor open.
    package consuming func close() {}

    /// Gives up ownership; the caller must close the number.
    package consuming func release() -> Int32 {
        let number = raw
        discard self
        return number
    }

    /// A second descriptor for the same open file (`fcntl(F_DUPFD_CLOEXEC)`).
    package borrowing func duplicate() throws(SystemError) -> Descriptor {
        let raw = raw
        return Descriptor(adopting: try retrying("fcntl") { fcntl(raw, F_DUPFD_CLOEXEC, 3) })
    }

    /// A descriptor of one's own for a number that belongs to somebody else, such as 0, 1 and 2.
    package static func duplicate(of number: Int32) throws(SystemError) -> Descriptor {
        Descriptor(adopting: try retrying("fcntl") { fcntl(number, F_DUPFD_CLOEXEC, 3) })
    }

    /// Opens a path for reading (or as given) with `O_CLOEXEC` (`open(2)`).
    package static func open(
        _ path: String,
        _ access: FileAccess = .read,
        permissions: UInt32 = 0o644
    ) throws(SystemError) -> Descriptor {
        Descriptor(
            adopting: try retrying("open", path) {
                FileSystem.simulated?.open(path, in: nil, access, permissions: permissions)
                    ?? Glibc.open(path, access.flags, permissions)
            }
        )
    }

    /// Reads up to `buffer.count` bytes; 0 means the end (`read(2)`).
    package borrowing func read(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError)
        -> Int
    {
        let raw = raw
        return try retrying("read") {
            FileSystem.simulated?.read(raw, into: buffer)
                ?? Glibc.read(raw, buffer.baseAddress, buffer.count)
        }
    }

    /// Writes every byte, continuing after short writes (`write(2)`).
    package borrowing func writeAll(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        let raw = raw
        var rest = bytes
        while !rest.isEmpty {
            let chunk = rest
            let count = try retrying("write") {
                FileSystem.simulated?.write(raw, chunk)
                    ?? Glibc.write(raw, chunk.baseAddress, chunk.count)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    package borrowing func writeAll(_ bytes: [UInt8]) throws(SystemError) {
        try bytes.span.withUnsafeBytes { (buffer) throws(SystemError) in try writeAll(buffer) }
    }

    /// The whole rest of the file, refused when it is longer than `limit` bytes.
    package borrowing func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        var result: [UInt8] = []
        let chunkSize = 1 << 16
        while true {
            let start = result.count
            result.append(contentsOf: [UInt8](repeating: 0, count: chunkSize))
            var span = result.mutableSpan
            let count = try span.withUnsafeMutableBytes { (buffer) throws(SystemError) in
                try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[start...]))
            }
            result.removeLast(chunkSize - count)
            if count == 0 { return result }
            if result.count > limit {
                throw SystemError(call: "read", subject: "(limit \(limit) bytes)", number: EFBIG)
            }
        }
    }

    /// Makes the content durable (`fsync(2)`).
    ///
    /// After a failure the same file must not be synced again and believed: the kernel marks the
    /// failed pages clean.
    package borrowing func synchronize() throws(SystemError) {
        let raw = raw
        _ = try retrying("fsync") { FileSystem.simulated?.synchronize(raw) ?? fsync(raw) }
    }

    /// Cuts the file to `count` bytes (`ftruncate(2)`).
    package borrowing func truncate(to count: Int) throws(SystemError) {
        let raw = raw
        _ = try retrying("ftruncate") {
            FileSystem.simulated?.truncate(raw, to: count) ?? ftruncate(raw, count)
        }
    }

    /// Moves to the start of the file (`lseek(2)`).
    package borrowing func rewind() throws(SystemError) {
        let raw = raw
        _ = try retrying("lseek") { FileSystem.simulated?.rewind(raw) ?? lseek(raw, 0, SEEK_SET) }
    }

    package borrowing func setNonBlocking() throws(SystemError) {
        let raw = raw
        let flags = try retrying("fcntl") { fcntl(raw, F_GETFL) }
        _ = try retrying("fcntl") { fcntl(raw, F_SETFL, flags | O_NONBLOCK) }
    }

    /// What kind of file it is, how long, and who owns it (`fstat(2)`).
    package borrowing func status() throws(SystemError) -> FileStatus {
        let raw = raw
        if let simulated = FileSystem.simulated {
            guard let status = simulated.status(raw) else { throw .last("fstat") }
            return status
        }
        var value = stat()
        _ = try retrying("fstat") { fstat(raw, &value) }
        return FileStatus(value)
    }

    /// Takes the advisory lock without waiting; false when somebody else holds it (`flock(2)`).
    package borrowing func tryLock() throws(SystemError) -> Bool {
        let raw = raw
        do throws(SystemError) {
            _ = try retrying("flock") { flock(raw, LOCK_EX | LOCK_NB) }
            return true
        } catch {
            if error.isWouldBlock { return false }
            throw error
        }
    }

    /// Asks the device `request` with a pointer to its argument (`ioctl(2)`).
    package borrowing func control(
        _ request: UInt,
        _ argument: UnsafeMutableRawPointer?,
        name: String
    ) throws(SystemError) {
        let raw = raw
        _ = try retrying("ioctl", name) { lenscap_ioctl(raw, request, argument) }
    }
}

/// How a file is opened (`open(2)`); `O_CLOEXEC` always.
package struct FileAccess: OptionSet, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let read = FileAccess(rawValue: O_RDONLY)
    package static let write = FileAccess(rawValue: O_WRONLY)
    package static let readWrite = FileAccess(rawValue: O_RDWR)
    package static let create = FileAccess(rawValue: O_CREAT)
    /// With ``create``: fails when the name exists.
    package static let exclusive = FileAccess(rawValue: O_EXCL)
    package static let append = FileAccess(rawValue: O_APPEND)
    package static let nonBlocking = FileAccess(rawValue: O_NONBLOCK)
    /// Fails when the last component is a symbolic link.
    package static let noFollow = FileAccess(rawValue: O_NOFOLLOW)
    package static let folder = FileAccess(rawValue: O_DIRECTORY)

    var flags: Int32 { rawValue | O_CLOEXEC }
}

/// The facts of `fstat(2)` that Lenscap looks at.
package struct FileStatus: Sendable {
    package let isRegular: Bool
    package let isFolder: Bool
    package let isCharacterDevice: Bool
    /// A FIFO or an unnamed pipe.
    package let isPipe: Bool
    private let rawDevice: dev_t
    package let size: Int
    /// Names that the file has; 0 once it was deleted.
    package let links: Int
    package let owner: UInt32
    /// Permission bits, `0o7777` at the most.
    package let permissions: UInt32
    /// Last change of the content, Unix nanoseconds.
    package let modified: Int64
    /// Of a device node: which device it opens.
    package let device: (major: UInt32, minor: UInt32)

    /// Asks about what `path` leads to, links followed, without opening it (`stat(2)`).
    package init(at path: String) throws(SystemError) {
        var value = stat()
        _ = try retrying("stat", path) { stat(path, &value) }
        self.init(value)
    }

    /// `major:minor` of the device that a device node stands for, as sysfs writes it.
    package var deviceNumber: String {
        "\(lenscap_device_major(rawDevice)):\(lenscap_device_minor(rawDevice))"
    }

    /// Of a regular file or a folder that no kernel knows.
    package init(isFolder: Bool, size: Int, links: Int, permissions: UInt32) {
        isRegular = !isFolder
        self.isFolder = isFolder
        isCharacterDevice = false
        isPipe = false
        self.size = size
        self.links = links
        owner = 0
        self.permissions = permissions
        modified = 0
        device = (0, 0)
        rawDevice = 0
    }

    init(_ value: stat) {
        isRegular = value.st_mode & S_IFMT == S_IFREG
        isFolder = value.st_mode & S_IFMT == S_IFDIR
        isCharacterDevice = value.st_mode & S_IFMT == S_IFCHR
        isPipe = value.st_mode & S_IFMT == S_IFIFO
        rawDevice = value.st_rdev
        size = Int(value.st_size)
        links = Int(value.st_nlink)
        owner = value.st_uid
        permissions = UInt32(value.st_mode & 0o7777)
        modified = Int64(value.st_mtim.tv_sec) * 1_000_000_000 + Int64(value.st_mtim.tv_nsec)
        device = (lenscap_major(value.st_rdev), lenscap_minor(value.st_rdev))
    }
}
