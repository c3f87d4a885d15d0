internal import CSystem
internal import Glibc

/// What keeps a process's memory out of swap and out of core files.
package enum ProcessMemory {
    /// No core file, no `ptrace`, no `/proc/PID/mem` by others (`prctl(2)`, PR_SET_DUMPABLE), and no
    /// report of a crash by the process itself (`signal(2)`).
    ///
    /// Swift's runtime can be told by the environment to print registers, and the memory they point
    /// to, before a crash ends the process; devices would stay open for that long, too.
    package static func forbidDumps() throws(SystemError) {
        _ = try retrying("prctl") { lenscap_set_not_dumpable() }
        for number in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGTRAP] {
            signal(number, SIG_DFL)
        }
    }

    /// Locks every page from its first use on (`mlockall(2)` with `MCL_ONFAULT`).
    package static func lock() throws(SystemError) {
        _ = try retrying("mlockall") { lenscap_lock_memory_on_fault() }
    }

    /// Keeps a process with large libraries and few threads small; to be called first of all, and
    /// before ``lock()``.
    ///
    /// Small pages (`prctl(2)`, PR_SET_THP_DISABLE): libx264 asks for huge ones and leaves a part of
    /// most of them unused. One heap for all threads (`mallopt(3)`), which then use each other's
    /// leavings.
    package static func keepSmall() throws(SystemError) {
        _ = try retrying("prctl") { lenscap_disable_huge_pages() }
        mallopt(M_ARENA_MAX, 1)
        releaseLinkedFiles()
    }

    /// Lets go of what was read of program and libraries to link them (`madvise(2)`).
    ///
    /// A program with 140 libraries has touched 20 MiB of their files by then and needs little of
    /// that again, which comes back by itself.
    private static func releaseLinkedFiles() {
        _ = lenscap_each_linked_object { object, _, _ in
            guard let object = object?.pointee else { return 0 }
            let segments = UnsafeBufferPointer(
                start: object.segments,
                count: Int(object.segment_count)
            )
            // Such a segment lies on pages of its own, and nothing is ever written there.
            for segment in segments
            where segment.p_type == PT_LOAD && segment.p_flags & UInt32(PF_W) == 0 {
                let start = Int(object.address + segment.p_vaddr)
                let first = start & -Int(getpagesize())
                let count = start + Int(segment.p_memsz) - first
                madvise(UnsafeMutableRawPointer(bitPattern: first), count, MADV_DONTNEED)
            }
            return 0
        }
    }

    /// The calling process is killed when its parent ends.
    ///
    /// For a recorder that was spawned.
    package static func dieWithParent() throws(SystemError) {
        _ = try retrying("prctl") { lenscap_die_with_parent() }
    }
}

/// What every program asks about itself.
package enum CurrentProcess {
    package static var identifier: Int32 { getpid() }
    package static var user: UInt32 { getuid() }

    /// The path of the running program's file (`/proc/self/exe`).
    package static func executablePath() throws(SystemError) -> String {
        try SymbolicLink.target(of: "/proc/self/exe")
    }

    /// The working folder (`getcwd(3)`).
    package static func folder() throws(SystemError) -> String {
        guard let path = getcwd(nil, 0) else { throw SystemError.last("getcwd") }
        defer { free(path) }
        return String(cString: path)
    }

    package static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// Ends the process at once: no destructors, no flushing; the kernel closes what is open.
    package static func exitNow(_ code: Int32) -> Never { _exit(code) }

    /// A group's number by its name, nil when the machine has none (`getgrnam(3)`).
    package static func group(named name: String) -> UInt32? {
        getgrnam(name)?.pointee.gr_gid
    }

    /// Whether a descriptor is a terminal (`isatty(3)`).
    package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// The signal does nothing from now on, for example SIGPIPE.
    package static func ignore(_ signal: Int32) { Glibc.signal(signal, SIG_IGN) }
}
