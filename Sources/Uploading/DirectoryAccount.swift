internal import CryptoPrimitives
package import LinuxSystem
internal import Spool

/// An account that is a folder: a disk, or a share that something else mounts.
///
/// It must hold the marker file, so that an unmounted disk is not mistaken for the account. Files
/// are written under a temporary name, synced, checked against their hash by reading them back,
/// and renamed without replacing anything.
package struct DirectoryAccount: Account {
    package static let kind = "directory"
    package static let markerName = ".lenscap-account"
    private static let chunkSize = 1 << 20

    private let path: String

    /// `url` is `file:///absolute/path`.
    package init(url: String) throws(UploadError) {
        let prefix = "file://"
        guard url.hasPrefix(prefix + "/"), !url.contains("%") else {
            throw .accountUnsupported(kind: "directory (its url must be file:///…)")
        }
        path = String(url.dropFirst(prefix.count))
    }

    package func store(
        _ object: OutgoingObject,
        from file: borrowing Descriptor
    )
        throws(UploadError)
    {
        do throws(SystemError) {
            let account = try Folder(path: path)
            guard try account.contains(DirectoryAccount.markerName) else {
                throw UploadAbsence.marker
            }
            let folder = try subfolder(
                object.recording,
                of: try subfolder(object.teacher, of: account)
            )
            try store(object, from: file, in: folder)
        } catch {
            if error == UploadAbsence.marker || error.isNotFound { throw .accountMissing(path) }
            if error == UploadAbsence.otherContent { throw .conflict(name: object.name) }
            throw .system(error)
        }
    }

    private func subfolder(
        _ name: String,
        of folder: borrowing Folder
    ) throws(SystemError)
        -> Folder
    {
        if try !folder.contains(name) {
            do throws(SystemError) {
                return try folder.makeFolder(name, permissions: 0o755)
            } catch {
                // Somebody else may have made it meanwhile.
                guard error.isExisting else { throw error }
            }
        }
        let existing = try folder.folder(name)
        // Whoever made it may have died before its name was durable.
        try folder.synchronize()
        return existing
    }

    private func store(
        _ object: OutgoingObject,
        from file: borrowing Descriptor,
        in folder: borrowing Folder
    ) throws(SystemError) {
        let name = object.name + "-" + Hex.encode(object.sha256)
        if try folder.contains(name) {
            let present = try folder.file(name)
            guard try FileHash.sha256(of: present) == object.sha256 else {
                throw UploadAbsence.otherContent
            }
            // A crash may have come between its rename and the folder's sync.
            try present.synchronize()
            try folder.synchronize()
            return
        }
        let temporary = Folder.temporaryName(for: name)
        if try folder.contains(temporary) { try folder.remove(temporary) }
        let copy = try folder.file(temporary, [.write, .create, .exclusive])
        do throws(SystemError) {
            try file.rewind()
            try forEachChunk(of: file) { (chunk) throws(SystemError) in try copy.writeAll(chunk) }
            try copy.synchronize()
            guard try hash(of: temporary, in: folder) == object.sha256 else {
                throw UploadAbsence.otherContent
            }
            try folder.rename(temporary, to: name, replacing: false)
        } catch {
            // It would hold the space of a full account; the first error is what matters.
            try? folder.remove(temporary)
            throw error
        }
        try folder.synchronize()
    }

    private func hash(of name: String, in folder: borrowing Folder) throws(SystemError) -> [UInt8] {
        try FileHash.sha256(of: try folder.file(name))
    }

    private func forEachChunk(
        of file: borrowing Descriptor,
        _ body: (UnsafeRawBufferPointer) throws(SystemError) -> Void
    ) throws(SystemError) {
        var buffer = [UInt8](repeating: 0, count: DirectoryAccount.chunkSize)
        while true {
            var span = buffer.mutableSpan
            let count = try span.withUnsafeMutableBytes { (bytes) throws(SystemError) in
                try file.read(into: bytes)
            }
            if count == 0 { return }
            try buffer.span.withUnsafeBytes { (bytes) throws(SystemError) in
                try body(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            }
        }
    }
}

/// Situations that are no error of the kernel but travel the same way.
private enum UploadAbsence {
    static let marker = SystemError(call: "marker", number: 0)
    static let otherContent = SystemError(call: "content", number: 0)
}
