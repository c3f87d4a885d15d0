internal import CSystem
internal import Glibc

/// Tells that something in a folder, or a file, changed (`inotify(7)`); never what.
package struct FolderWatch: ~Copyable, Sendable {
    package let descriptor: Descriptor

    /// Watches for files that are made, moved in, removed, or written to.
    package init(paths: [String]) throws(SystemError) {
        let raw = try retrying("inotify_init1") {
            inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        }
        let opened = Descriptor(adopting: raw)
        let mask = UInt32(IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE)
        for path in paths {
            _ = try retrying("inotify_add_watch", path) { inotify_add_watch(raw, path, mask) }
        }
        descriptor = opened
    }

    /// Forgets the changes reported until now.
    package borrowing func clear() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while read(descriptor.raw, &buffer, buffer.count) > 0 {}
    }
}
