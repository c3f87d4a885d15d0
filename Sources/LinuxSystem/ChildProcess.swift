internal import CSystem
internal import Glibc

/// How a process ended.
///
/// A child killed by a signal is not a success.
package enum ExitStatus: Hashable, Sendable {
    case exited(Int32)
    case signalled(Int32)

    package var isSuccess: Bool { self == .exited(0) }
}

/// A started program (`posix_spawn(3)`), to be waited for exactly once.
package final class ChildProcess: Sendable {
    package let identifier: Int32

    /// Starts `path` with `arguments` (without the name).
    ///
    /// Only standard input, output and error and what `descriptors` maps (child's number ← parent's
    /// number) reach the child.
    package init(
        _ path: String,
        _ arguments: [String],
        environment: [String: String]? = nil,
        descriptors: [(child: Int32, parent: Int32)] = []
    ) throws(SystemError) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (child, parent) in descriptors {
            posix_spawn_file_actions_adddup2(&actions, parent, child)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        let words = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let settings = environment?.map { strdup("\($0.key)=\($0.value)") } ?? []
        defer { for setting in settings { free(setting) } }
        var identifier: pid_t = 0
        let result =
            environment == nil
            ? posix_spawnp(&identifier, path, &actions, &attributes, words, Glibc.environ)
            : posix_spawnp(&identifier, path, &actions, &attributes, words, settings + [nil])
        guard result == 0 else {
            throw SystemError(call: "posix_spawn", subject: path, number: result)
        }
        self.identifier = identifier
    }

    /// Blocks until the child has ended.
    package func wait() throws(SystemError) -> ExitStatus {
        var status: Int32 = 0
        _ = try retrying("waitpid") { waitpid(identifier, &status, 0) }
        return ChildProcess.decode(status)
    }

    /// The end of the child if it has ended, nil while it runs.
    package func poll() throws(SystemError) -> ExitStatus? {
        var status: Int32 = 0
        let result = try retrying("waitpid") { waitpid(identifier, &status, WNOHANG) }
        return result == 0 ? nil : ChildProcess.decode(status)
    }

    package func signal(_ number: Int32) {
        _ = kill(identifier, number)
    }

    private static func decode(_ status: Int32) -> ExitStatus {
        let signal = status & 0x7F
        return signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
    }
}

/// What a program printed and how it ended.
package struct CommandResult: Sendable {
    package let status: ExitStatus
    package let output: [UInt8]
    package let errorOutput: [UInt8]

    package var text: String { String(decoding: output, as: UTF8.self) }
    package var errorText: String { String(decoding: errorOutput, as: UTF8.self) }
}

/// Runs a program to its end with `input` on its standard input.
///
/// Blocks; input is written while the outputs are read, so no pipe can fill and hold both.
package func runCommand(
    _ path: String,
    _ arguments: [String],
    input: [UInt8] = [],
    environment: [String: String]? = nil,
    outputLimit: Int = 1 << 26
) throws(SystemError) -> CommandResult {
    let standardInput = try UnixSocket.pair()
    let standardOutput = try UnixSocket.pair()
    let standardError = try UnixSocket.pair()
    let child = try ChildProcess(
        path,
        arguments,
        environment: environment,
        descriptors: [
            (0, standardInput.far.raw), (1, standardOutput.far.raw), (2, standardError.far.raw),
        ]
    )
    standardInput.far.close()
    standardOutput.far.close()
    standardError.far.close()
    let output = standardOutput.near
    let errorOutput = standardError.near
    let writer = try feeder(standardInput.near, input)
    var collected: (output: [UInt8], errorOutput: [UInt8]) = ([], [])
    var open = [true, true]
    while open[0] || open[1] {
        var entries = [
            PollEntry(open[0] ? output.raw : -1, .readable),
            PollEntry(open[1] ? errorOutput.raw : -1, .readable),
        ]
        _ = try entries.poll(deadline: nil)
        if !entries[0].returned.isEmpty {
            open[0] = try appendAvailable(output, to: &collected.output, limit: outputLimit)
        }
        if !entries[1].returned.isEmpty {
            open[1] = try appendAvailable(
                errorOutput,
                to: &collected.errorOutput,
                limit: outputLimit
            )
        }
    }
    writer.join()
    return CommandResult(
        status: try child.wait(),
        output: collected.output,
        errorOutput: collected.errorOutput
    )
}

private func feeder(
    _ feed: consuming Descriptor,
    _ input: [UInt8]
) throws(SystemError)
    -> NamedThread
{
    let raw = feed.release()
    return try NamedThread("feed") {
        let feed = Descriptor(adopting: raw)
        input.withUnsafeBytes { bytes in
            var rest = bytes
            while !rest.isEmpty {
                let chunk = rest
                let count = Glibc.send(
                    feed.raw,
                    chunk.baseAddress,
                    chunk.count,
                    Int32(MSG_NOSIGNAL)
                )
                // The child may end without reading its input; its status tells the rest.
                if count <= 0 { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}

private func appendAvailable(
    _ source: borrowing Descriptor,
    to target: inout [UInt8],
    limit: Int
) throws(SystemError) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count: Int
    do throws(SystemError) {
        var span = buffer.mutableSpan
        count = try span.withUnsafeMutableBytes { (bytes) throws(SystemError) in
            try source.read(into: bytes)
        }
    } catch {
        if error.isDisconnected { return false }
        throw error
    }
    if target.count < limit { target += buffer[..<count] }
    return count > 0
}
