/// The calls that ``Folder`` and ``Descriptor`` make on files and folders.
///
/// Each answers as the call that it is named after does: −1, or nil, with the reason in `errno`.
package protocol FileCalls: AnyObject, Sendable {
    /// Opens a name in an open folder, or a path where there is none (`openat(2)`).
    func open(
        _ name: String,
        in folder: Int32?,
        _ access: FileAccess,
        permissions: UInt32
    ) -> Int32
    func close(_ file: Int32)
    func read(_ file: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int
    func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer) -> Int
    func synchronize(_ file: Int32) -> Int32
    func truncate(_ file: Int32, to count: Int) -> Int32
    func rewind(_ file: Int32) -> Int
    func status(_ file: Int32) -> FileStatus?
    func setPermissions(_ file: Int32, _ permissions: UInt32) -> Int32
    func makeFolder(_ name: String, in folder: Int32, permissions: UInt32) -> Int32
    func rename(_ old: String, to new: String, in folder: Int32, replacing: Bool) -> Int32
    func remove(_ name: String, in folder: Int32, isFolder: Bool) -> Int32
    func find(_ name: String, in folder: Int32) -> Int32
    func names(in folder: Int32) -> [String]?
    func space(_ folder: Int32) -> (available: Int, total: Int)?
}

/// Whose files a thread works on.
package enum FileSystem {
    /// What stands in the kernel's place, nil for the kernel.
    ///
    /// Set by simulations alone; what is opened within one is closed within it.
    @TaskLocal package static var simulated: (any FileCalls)?
}
