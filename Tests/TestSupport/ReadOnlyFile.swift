internal import LinuxSystem

/// Runs `body` while nobody may write the file, not even root; false where that cannot be had.
package func withReadOnlyFile(_ path: String, _ body: () throws -> Void) rethrows -> Bool {
    _ = tool("chmod 0444 '\(path)'; chattr +i '\(path)'")
    defer { _ = tool("chattr -i '\(path)'; chmod 0644 '\(path)'") }
    guard (try? Descriptor.open(path, .write)) == nil else { return false }
    try body()
    return true
}
