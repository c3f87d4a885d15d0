internal import CSystem
internal import Glibc

/// A folder held open, so that everything in it is named relative to the descriptor and no link
/// planted on the way leads elsewhere (`openat(2)`, `O_NOFOLLOW`).
///
/// Names given to it are single components; a name with `/`, empty, `.` or `..` is `EINVAL`.
package struct Folder: ~Copyable, Sendable {
    package let descriptor: Descriptor
    /// For messages only; never opened again.
    package let path: String

    /// Opens an existing folder.
    ///
    /// The path itself may lead through links; what is in it may not.
    package init(path: String) throws(SystemError) {
        descriptor = try .open(path, [.read, .folder])
        self.path = path
    }

    private init(adopting descriptor: consuming Descriptor, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Makes every missing folder of `path` (`mkdir -p`), then opens it.
    package static func make(
        path: String,
        permissions: UInt32 = 0o755
    ) throws(SystemError)
        -> Folder
    {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            prefix += (prefix.isEmpty || prefix.hasSuffix("/") ? "" : "/") + part
            if mkdir(prefix, permissions) != 0 && errno != EEXIST {
                throw SystemError.last("mkdir", prefix)
            }
        }
        return try Folder(path: path)
    }

    package borrowing func folder(_ name: String) throws(SystemError) -> Folder {
        Folder(
            adopting: try openEntry(name, [.read, .folder, .noFollow], permissions: 0),
            path: path + "/" + name
        )
    }

    /// Makes `name` durably with exactly these permissions, whatever the umask (`mkdirat(2)`).
    package borrowing func makeFolder(
        _ name: String,
        permissions: UInt32
    ) throws(SystemError)
        -> Folder
    {
        try Folder.check(name)
        let raw = descriptor.raw
        _ = try retrying("mkdir", path + "/" + name) {
            FileSystem.simulated?.makeFolder(name, in: raw, permissions: permissions)
                ?? mkdirat(raw, name, permissions)
        }
        let made = try folder(name)
        try made.setPermissions(permissions)
        try synchronize()
        return made
    }

    /// Gives the folder itself exactly these permissions (`fchmod(2)`).
    package borrowing func setPermissions(_ permissions: UInt32) throws(SystemError) {
        let raw = descriptor.raw
        _ = try retrying("fchmod", path) {
            FileSystem.simulated?.setPermissions(raw, permissions) ?? fchmod(raw, permissions)
        }
    }

    /// Gives the folder itself to a group (`fchown(2)`).
    package borrowing func setGroup(_ group: UInt32) throws(SystemError) {
        let raw = descriptor.raw
        _ = try retrying("fchown", path) { fchown(raw, uid_t.max, group) }
    }

    /// Opens a regular file in the folder; a link is `ELOOP`, anything else not regular `EINVAL`.
    package borrowing func file(
        _ name: String,
        _ access: FileAccess = .read,
        permissions: UInt32 = 0o644
    ) throws(SystemError) -> Descriptor {
        // Without O_NONBLOCK a planted FIFO would hold the opener.
        let file = try openEntry(
            name,
            [access, .noFollow, .nonBlocking],
            permissions: permissions
        )
        guard try file.status().isRegular else {
            throw SystemError(call: "open", subject: path + "/" + name, number: EINVAL)
        }
        return file
    }

    private borrowing func openEntry(
        _ name: String,
        _ access: FileAccess,
        permissions: UInt32
    )
        throws(SystemError) -> Descriptor
    {
        try Folder.check(name)
        let raw = descriptor.raw
        return Descriptor(
            adopting: try retrying("open", path + "/" + name) {
                FileSystem.simulated?.open(name, in: raw, access, permissions: permissions)
                    ?? openat(raw, name, access.flags, permissions)
            }
        )
    }

    /// The whole content of a regular file of at most `limit` bytes.
    package borrowing func read(_ name: String, limit: Int) throws(SystemError) -> [UInt8] {
        try file(name).readAll(limit: limit)
    }

    /// Writes a file so that after a crash it is there whole or not at all:
    /// temporary file → `fsync` → rename → `fsync` of the folder.
    ///
    /// With `replacing` false an existing name is `EEXIST` and stays as it is. The temporary name
    /// is `.<name>.part`; one left by a crash is overwritten.
    package borrowing func writeDurably(
        _ name: String,
        _ bytes: UnsafeRawBufferPointer,
        permissions: UInt32 = 0o644,
        replacing: Bool = false
    ) throws(SystemError) {
        let temporary = Folder.temporaryName(for: name)
        try? remove(temporary)
        let file = try file(temporary, [.write, .create, .exclusive], permissions: permissions)
        do throws(SystemError) {
            try file.writeAll(bytes)
            try file.synchronize()
            try rename(temporary, to: name, replacing: replacing)
        } catch {
            // The half-written file is of no use to anybody; the first error is what matters.
            try? remove(temporary)
            throw error
        }
        try synchronize()
    }

    package borrowing func writeDurably(
        _ name: String,
        _ bytes: [UInt8],
        permissions: UInt32 = 0o644,
        replacing: Bool = false
    ) throws(SystemError) {
        try bytes.span.withUnsafeBytes { (buffer) throws(SystemError) in
            try writeDurably(name, buffer, permissions: permissions, replacing: replacing)
        }
    }

    package static func temporaryName(for name: String) -> String { ".\(name).part" }

    package borrowing func rename(
        _ old: String,
        to new: String,
        replacing: Bool
    )
        throws(SystemError)
    {
        try Folder.check(old)
        try Folder.check(new)
        let raw = descriptor.raw
        _ = try retrying("rename", path + "/" + new) {
            FileSystem.simulated?.rename(old, to: new, in: raw, replacing: replacing)
                ?? (replacing
                    ? renameat(raw, old, raw, new) : lenscap_rename_noreplace(raw, old, raw, new))
        }
    }

    package borrowing func remove(_ name: String) throws(SystemError) {
        try Folder.check(name)
        let raw = descriptor.raw
        _ = try retrying("unlink", path + "/" + name) {
            FileSystem.simulated?.remove(name, in: raw, isFolder: false) ?? unlinkat(raw, name, 0)
        }
    }

    package borrowing func removeFolder(_ name: String) throws(SystemError) {
        try Folder.check(name)
        let raw = descriptor.raw
        _ = try retrying("rmdir", path + "/" + name) {
            FileSystem.simulated?.remove(name, in: raw, isFolder: true)
                ?? unlinkat(raw, name, AT_REMOVEDIR)
        }
    }

    /// Makes names added to or removed from the folder durable.
    package borrowing func synchronize() throws(SystemError) {
        try descriptor.synchronize()
    }

    /// Whether the name is there, whatever it is (`fstatat(2)`).
    ///
    /// One that the disk does not tell about is an error, not absent.
    package borrowing func contains(_ name: String) throws(SystemError) -> Bool {
        let raw = descriptor.raw
        var value = stat()
        do throws(SystemError) {
            _ = try retrying("stat", path + "/" + name) {
                FileSystem.simulated?.find(name, in: raw)
                    ?? fstatat(raw, name, &value, AT_SYMLINK_NOFOLLOW)
            }
            return true
        } catch {
            if error.isNotFound { return false }
            throw error
        }
    }

    /// The names in the folder, sorted, without `.` and `..`.
    package borrowing func names() throws(SystemError) -> [String] {
        if let simulated = FileSystem.simulated {
            guard let names = simulated.names(in: descriptor.raw) else {
                throw .last("readdir", path)
            }
            return names.sorted()
        }
        // A descriptor of its own: readdir moves the offset that duplicates share.
        let raw = descriptor.raw
        let listing = Descriptor(
            adopting: try retrying("open", path) { openat(raw, ".", O_RDONLY | O_CLOEXEC) }
        )
        guard let stream = fdopendir(listing.release()) else {
            throw SystemError.last("fdopendir", path)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Bytes free to an ordinary user, and in all (`fstatvfs(3)`).
    package borrowing func space() throws(SystemError) -> (available: Int, total: Int) {
        let raw = descriptor.raw
        if let simulated = FileSystem.simulated {
            guard let space = simulated.space(raw) else { throw .last("fstatvfs", path) }
            return space
        }
        var value = statvfs()
        _ = try retrying("fstatvfs", path) { fstatvfs(raw, &value) }
        let unit = Int(value.f_frsize)
        return (Int(value.f_bavail) * unit, Int(value.f_blocks) * unit)
    }

    /// Whether `name` can only name something in the folder itself.
    package static func isEntryName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && !name.utf8.contains(0x2F)
            && !name.utf8.contains(0)
    }

    private static func check(_ name: String) throws(SystemError) {
        if !isEntryName(name) {
            throw SystemError(call: "open", subject: name, number: EINVAL)
        }
    }
}
