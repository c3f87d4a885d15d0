/// The file that a made-up source holds open as a real one holds its device's node.
///
/// From outside, inotify on the file tells when the source opens and closes. Deleting the file is
/// unplugging the device.
package struct TestNode: ~Copyable, Sendable {
    private let file: Descriptor

    /// Opens the file for reading, as long as the value lives (`open(2)`).
    package init(_ path: String) throws(SystemError) {
        file = try Descriptor.open(path)
    }

    /// Whether the file was deleted since; real-time safe.
    package var isUnplugged: Bool {
        guard let status = try? file.status() else { return true }
        return status.links == 0
    }
}
