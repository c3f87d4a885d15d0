internal import CSystem
internal import Glibc

/// The attributes of a device in sysfs, one value a file (Documentation/filesystems/sysfs.rst).
///
/// A driver runs inside these calls and may block in them: for worker threads.
extension Folder {
    /// The attribute's value, without the newline that ends it.
    package borrowing func attribute(_ name: String) throws(SystemError) -> String {
        var bytes = try read(name, limit: 1 << 16)
        while bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes the value and a newline in one `write(2)`, which is how a driver takes it.
    ///
    /// The file is neither made, nor emptied, nor followed if it is a link. Where a plain file
    /// stands in for the attribute, newlines cover what a longer value left, so that a watcher sees
    /// one change and never half a value.
    package borrowing func setAttribute(_ name: String, _ value: String) throws(SystemError) {
        let file = try file(name, .write)
        var bytes = Array(value.utf8) + [UInt8(ascii: "\n")]
        if try !file.isInSysfs() {
            let rest = max(0, try file.status().size - bytes.count)
            bytes += repeatElement(UInt8(ascii: "\n"), count: rest)
        }
        let raw = file.raw
        let subject = path + "/" + name
        let count = try retrying("write", subject) { Glibc.write(raw, bytes, bytes.count) }
        guard count == bytes.count else {
            throw SystemError(call: "write", subject: subject, number: EIO)
        }
    }
}

extension Descriptor {
    /// Whether the kernel's device tree answers for the file (`fstatfs(2)`).
    fileprivate borrowing func isInSysfs() throws(SystemError) -> Bool {
        let raw = raw
        var value = statfs()
        _ = try retrying("fstatfs") { fstatfs(raw, &value) }
        // SYSFS_MAGIC of linux/magic.h.
        return value.f_type == 0x6265_6572
    }
}
