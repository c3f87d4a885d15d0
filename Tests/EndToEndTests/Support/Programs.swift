import Glibc
import LinuxSystem

/// Why a test cannot go on.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The programs under test and the tools that judge them.
enum Programs {
    /// The folder that holds `lenscapd` and the others.
    static let folder: String? = {
        if let named = CurrentProcess.environment("LENSCAP_PROGRAMS") { return named }
        var path = own.split(separator: "/").dropLast()
        while !path.isEmpty {
            let folder = "/" + path.joined(separator: "/")
            if access("\(folder)/lenscapd", X_OK) == 0 { return folder }
            path.removeLast()
        }
        return nil
    }()

    private static let own = (try? CurrentProcess.executablePath()) ?? ""

    static func path(_ program: String) throws -> String {
        guard let folder else {
            throw Failure(
                "no lenscapd above \(own): build the programs (swift build) "
                    + "or name their folder in LENSCAP_PROGRAMS"
            )
        }
        return "\(folder)/\(program)"
    }

    /// Runs one of the programs to its end.
    static func run(_ program: String, _ arguments: [String], input: String = "") throws -> Outcome
    {
        try Tool.run(try path(program), arguments, input: input)
    }
}

enum Tool {
    /// Seconds after which a program is taken to hang.
    private static let limit = 120

    /// Runs a program to its end; one that hangs is killed with all that it started.
    static func run(_ path: String, _ arguments: [String], input: String = "") throws -> Outcome {
        let result = try runCommand(
            "timeout",
            ["--kill-after=5", "\(limit)", path] + arguments,
            input: Array(input.utf8)
        )
        guard case .exited(let code) = result.status, code < 124 else {
            throw Failure(
                "\(path) \(arguments) did not end as it should (\(result.status)): "
                    + result.errorText
            )
        }
        return Outcome(code: code, output: result.text, errors: result.errorText)
    }

    /// Runs a tool that must succeed; its output.
    @discardableResult
    static func succeed(_ path: String, _ arguments: [String]) throws -> String {
        let outcome = try run(path, arguments)
        guard outcome.code == 0 else {
            throw Failure("\(path) \(arguments): \(outcome.output)\(outcome.errors)")
        }
        return outcome.output
    }
}

/// How a command ended and what it said.
struct Outcome: CustomStringConvertible {
    let code: Int32
    let output: String
    let errors: String

    /// The last line on standard error: the sentence that says why.
    var sentence: String {
        errors.split(separator: "\n").last.map { String($0) } ?? ""
    }

    /// The rest of the output's line that begins with `key`.
    func value(_ key: String) -> String? {
        for line in output.split(separator: "\n") where line.hasPrefix(key + " ") {
            return String(line.dropFirst(key.count).drop { $0 == " " })
        }
        return nil
    }

    var description: String { "\(code)\n\(output)\(errors)" }
}

/// A program that runs until it is told to end.
final class Daemon {
    let name: String
    private let process: ChildProcess
    private(set) var status: ExitStatus?

    init(_ name: String, _ arguments: [String], log: borrowing Descriptor) throws {
        self.name = name
        process = try ChildProcess(
            try Programs.path(name),
            arguments,
            descriptors: [(1, log.raw), (2, log.raw)]
        )
    }

    var identifier: Int32 { process.identifier }
    var isRunning: Bool { status == nil }

    func signal(_ number: Int32) {
        if isRunning { process.signal(number) }
    }

    /// Waits for its end.
    @discardableResult
    func waitForEnd() throws -> ExitStatus {
        try eventually("the end of \(name)") {
            if status == nil { status = try process.poll() }
            return status
        }
    }

    /// Ends it, by force if it does not end by itself.
    func end() {
        signal(SIGTERM)
        if (try? waitForEnd()) == nil {
            signal(SIGKILL)
            _ = try? waitForEnd()
        }
    }
}

/// Polls until there is something; the deadline is only for what never comes.
func eventually<Value>(
    _ what: String,
    within seconds: Int64 = 60,
    _ attempt: () throws -> Value?
) throws -> Value {
    let deadline = Clock.monotonic.now() + seconds * 1_000_000_000
    while true {
        if let value = try attempt() { return value }
        guard Clock.monotonic.now() < deadline else {
            throw Failure("\(what) did not come within \(seconds) s")
        }
        Clock.monotonic.sleep(until: Clock.monotonic.now() + 20_000_000)
    }
}

/// Polls until a condition holds.
func eventually(
    _ what: String,
    within seconds: Int64 = 60,
    holds condition: () throws -> Bool
) throws {
    _ = try eventually(what, within: seconds) { try condition() ? true : nil }
}
