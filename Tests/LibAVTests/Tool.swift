internal import Glibc

/// Runs a shell command; gives its standard output, and whether it exited with 0.
func tool(_ command: String) -> (succeeded: Bool, output: String) {
    guard let pipe = popen(command, "r") else { return (false, "") }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = fread(&chunk, 1, chunk.count, pipe)
        if count == 0 { break }
        bytes += chunk[..<count]
    }
    return (pclose(pipe) == 0, String(decoding: bytes, as: UTF8.self))
}

/// A folder that goes away with its owner.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/lenscap-test-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
    }

    deinit {
        _ = tool("rm -rf '\(path)'")
    }

    /// Appends to (or makes) the file `name` and gives its path.
    @discardableResult
    func append(_ bytes: UnsafeRawBufferPointer, to name: String) -> String {
        let file = "\(path)/\(name)"
        guard let stream = fopen(file, "ab") else { return file }
        fwrite(bytes.baseAddress, 1, bytes.count, stream)
        fclose(stream)
        return file
    }
}
