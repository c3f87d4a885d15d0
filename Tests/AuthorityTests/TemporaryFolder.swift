import Authority
import Consent
internal import Glibc
import LinuxSystem
import Spool

/// A folder that goes away with its owner.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/lenscap-authority-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError.last("mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { _ = try? runCommand("rm", ["-rf", "--", path]) }

    func make(_ name: String) throws { _ = try Folder.make(path: "\(path)/\(name)") }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let file = try Descriptor.open("\(path)/\(name)", [.write, .create])
        try file.truncate(to: 0)
        try file.writeAll(bytes)
    }

    func read(_ name: String) throws -> [UInt8] {
        try Descriptor.open("\(path)/\(name)").readAll(limit: 1 << 24)
    }

    func names(_ name: String = "") throws -> [String] {
        try Folder(path: "\(path)/\(name)").names()
    }

    func contains(_ name: String) throws -> Bool { try Folder(path: path).contains(name) }

    @discardableResult
    func run(_ command: String, _ arguments: String...) throws -> Bool {
        try runCommand(command, arguments).status.isSuccess
    }
}

/// What an error is, for comparison: a refusal's code, or its kind.
func kind(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "none"
    } catch let error as AuthorityError {
        switch error {
        case .refused(let refusal): return refusal.reason.rawValue
        case .spool(let error): return kind { throw error }
        case .system: return "system"
        case .noSpace: return "no space"
        default: return "\(error)"
        }
    } catch let error as SpoolError {
        switch error {
        case .system: return "system"
        case .disorder: return "disorder"
        case .damaged: return "damaged"
        case .exists: return "exists"
        }
    } catch { return "\(error)" }
}
