internal import CryptoPrimitives
internal import LinuxSystem

/// The recorder's side of a recording's folder: it adds sealed files and nothing else.
package struct ObjectWriter: ~Copyable, Sendable {
    private let folder: Folder

    package init(recording: String, spool path: String) throws(SpoolError) {
        do throws(SystemError) {
            folder = try Folder(path: path).folder(recording)
        } catch { throw .system(error) }
    }

    /// Writes a sealed object durably and gives the leaf's description of it.
    package borrowing func write(
        _ name: String,
        _ sealed: [UInt8]
    ) throws(SpoolError)
        -> Leaf.Object
    {
        try wrapping { () throws(SystemError) in try folder.writeDurably(name, sealed) }
        return Leaf.Object(
            name: name,
            bytes: Int64(sealed.count),
            sha256: SHA256.hash(sealed)
        )
    }

    /// Bytes that the disk has free.
    package borrowing func available() throws(SpoolError) -> Int {
        try wrapping { () throws(SystemError) in try folder.space().available }
    }
}
