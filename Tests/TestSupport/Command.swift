package import LinuxSystem

/// Another program, run as a judge: what it was given, what it said, how it ended.
package struct Command {
    package let output: [UInt8]
    package let errors: String
    /// A child killed by a signal has 128 and its number: never a success.
    package let exitStatus: Int32

    package var succeeded: Bool { exitStatus == 0 }
    package var text: String { String(decoding: output, as: UTF8.self) }

    /// Runs the program `arguments[0]`, found on `PATH`, with `input` as its standard input.
    package init(_ arguments: String..., input: [UInt8] = []) throws(SystemError) {
        let result = try runCommand(
            arguments[0],
            Array(arguments.dropFirst()),
            input: input,
            environment: [
                "PATH": CurrentProcess.environment("PATH") ?? "/usr/bin:/bin",
                "HOME": "/nonexistent",
            ]
        )
        output = result.output
        errors = result.errorText
        switch result.status {
        case .exited(let code): exitStatus = code
        case .signalled(let number): exitStatus = 128 + number
        }
    }
}

/// Runs a shell command; gives its standard output, and whether it exited with 0.
package func tool(_ command: String) -> (succeeded: Bool, output: String) {
    guard let result = try? runCommand("/bin/sh", ["-c", command]) else { return (false, "") }
    return (result.status.isSuccess, result.text)
}
