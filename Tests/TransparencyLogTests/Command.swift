import Glibc

/// Another program, run as a judge: what it was given, what it said, how it ended.
struct Command {
    let output: [UInt8]
    let errors: String
    let exitStatus: Int32

    var succeeded: Bool { exitStatus == 0 }
    var text: String { String(decoding: output, as: UTF8.self) }

    struct CouldNotRun: Error {
        let program: String
        let code: Int32
    }

    /// Runs the program `arguments[0]`, found on `PATH`, with `input` as its standard input.
    ///
    /// Input and outputs are unlinked temporary files, so that no size of any can block.
    init(_ arguments: String..., input: [UInt8] = []) throws {
        guard let inputFile = tmpfile(), let outputFile = tmpfile(),
            let errorFile = tmpfile()
        else {
            throw CouldNotRun(program: arguments[0], code: errno)
        }
        defer {
            fclose(inputFile)
            fclose(outputFile)
            fclose(errorFile)
        }
        fwrite(input, 1, input.count, inputFile)
        rewind(inputFile)

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, fileno(inputFile), 0)
        posix_spawn_file_actions_adddup2(&actions, fileno(outputFile), 1)
        posix_spawn_file_actions_adddup2(&actions, fileno(errorFile), 2)
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        var argumentPointers = arguments.map { strdup($0) } + [nil]
        var environment = [strdup("PATH=\(path)"), strdup("HOME=/nonexistent"), nil]
        defer { for pointer in argumentPointers + environment { free(pointer) } }
        var child: pid_t = 0
        let code = posix_spawnp(
            &child,
            arguments[0],
            &actions,
            nil,
            &argumentPointers,
            &environment
        )
        guard code == 0 else { throw CouldNotRun(program: arguments[0], code: code) }
        var status: Int32 = 0
        while waitpid(child, &status, 0) == -1 && errno == EINTR {}
        // Killed by a signal is not a success, whatever the upper byte says.
        exitStatus = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
        // The child moved the offset that it shares with this process.
        rewind(outputFile)
        rewind(errorFile)
        errors = String(decoding: Command.readAll(errorFile), as: UTF8.self)
        output = Command.readAll(outputFile)
    }

    static func readAll(_ file: UnsafeMutablePointer<FILE>) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
            bytes += buffer[..<count]
        }
        return bytes
    }
}

/// A folder of its own for one test, removed with everything in it.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/lenscap-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Command.CouldNotRun(program: "mkdtemp", code: errno)
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        _ = try? Command("rm", "-r", "-f", "--", path)
    }

    /// The path of a new file with these contents.
    func file(_ name: String, _ contents: [UInt8]) throws -> String {
        let filePath = "\(path)/\(name)"
        guard let file = fopen(filePath, "wb") else {
            throw Command.CouldNotRun(program: filePath, code: errno)
        }
        defer { fclose(file) }
        fwrite(contents, 1, contents.count, file)
        return filePath
    }
}
