internal import ArgumentParser
internal import Authority
internal import Configuration
internal import Consent
internal import LinuxSystem
internal import TeacherTools
internal import Varlink

/// The exit codes of `sysexits(3)` that the command line uses.
enum CommandExit {
    static let failed = ExitCode(1)
    static let unavailable = ExitCode(69)
    static let notPermitted = ExitCode(77)
}

/// Runs a command's body; an error is said on standard error in one sentence and becomes the
/// exit code that fits it.
func reporting(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let error as ExitCode {
        throw error
    } catch let error as ValidationError {
        throw error
    } catch {
        Terminal.complain("lenscap: \(sentence(for: error))")
        throw exitCode(for: error)
    }
}

/// What a person reads of an error: the box's own sentence, with both figures where space is short.
private func sentence(for error: any Error) -> String {
    guard case VarlinkError.remote(let remote) = error else { return "\(error)" }
    if remote.name == TeacherInterface.name + ".NoSpace",
        let needed = remote.integer("needed"), let available = remote.integer("available")
    {
        return "The lesson may need \(needed) bytes and \(available) are free; "
            + "let the uploader deliver what waits."
    }
    guard let message = remote.text("message") else { return remote.description }
    let source = remote.text("source").flatMap { $0.isEmpty ? nil : "\($0): " } ?? ""
    let reason = remote.text("reason").map { " [\($0)]" } ?? ""
    return source + message + reason
}

private func exitCode(for error: any Error) -> ExitCode {
    switch error {
    case VarlinkError.remote(let remote):
        remote.name.hasSuffix(".NotPermitted") ? CommandExit.notPermitted : CommandExit.unavailable
    case VarlinkError.notPermitted:
        CommandExit.notPermitted
    case VarlinkError.noSocket, VarlinkError.refused:
        CommandExit.unavailable
    case TeacherToolsError.refused, is Refusal:
        CommandExit.notPermitted
    default:
        CommandExit.failed
    }
}

/// Something a person must put right, said in one sentence.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
