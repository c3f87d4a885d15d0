package import LinuxSystem

/// A folder of its own for one test, removed with everything in it.
package final class TemporaryFolder: Sendable {
    package let path: String

    /// Traps where `/tmp` takes no folder: no test could go on.
    package init() {
        let name = UInt64.random(in: .min ... .max)
        path = "/tmp/lenscap-test-\(CurrentProcess.identifier)-\(name)"
        guard (try? Folder.make(path: path)) != nil else { fatalError("no folder in /tmp") }
    }

    deinit {
        _ = try? runCommand("rm", ["-rf", "--", path])
    }

    /// The path of a file with these contents, in place of one that is there.
    package func file(_ name: String, _ contents: [UInt8]) throws(SystemError) -> String {
        try Folder(path: path).writeDurably(name, contents, replacing: true)
        return "\(path)/\(name)"
    }

    /// Appends to (or makes) the file `name` and gives its path.
    @discardableResult
    package func append(_ bytes: UnsafeRawBufferPointer, to name: String) -> String {
        do throws(SystemError) {
            try Folder(path: path).file(name, [.write, .create, .append]).writeAll(bytes)
        } catch {
            fatalError("\(error)")
        }
        return "\(path)/\(name)"
    }
}
