package import LinuxSystem

/// Where in a configuration file something stands; shown as `lenscap.toml:7`.
package struct FilePosition: Hashable, Sendable, CustomStringConvertible {
    package let file: String
    /// Counted from 1.
    package let line: Int

    package init(file: String, line: Int) {
        self.file = file
        self.line = line
    }

    package var description: String { "\(file):\(line)" }
}

/// Why a configuration is not accepted; each one says what is allowed.
package enum ConfigurationError: Error, Hashable, Sendable {
    /// Not the subset of TOML that is read here.
    case syntax(FilePosition, String)
    case duplicate(FilePosition, name: String, firstLine: Int)
    case unknownTable(FilePosition, name: String, allowed: [String])
    case unknownKey(FilePosition, name: String, allowed: [String])
    case wrongType(FilePosition, name: String, expected: String)
    case notAllowed(FilePosition, name: String, allowed: String)
    /// The file exists and cannot be read.
    case unreadable(SystemError)

    package var recovery: Recovery { .personMustAct(hint: description) }
}

extension ConfigurationError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .syntax(let position, let text):
            "\(position): \(text)"
        case .duplicate(let position, let name, let firstLine):
            "\(position): \(name) is given twice, first in line \(firstLine)"
        case .unknownTable(let position, let name, let allowed):
            "\(position): there is no [\(name)]; the tables are \(allowed.joined(separator: ", "))"
        case .unknownKey(let position, let name, let allowed):
            "\(position): there is no \(name); here can stand \(allowed.joined(separator: ", "))"
        case .wrongType(let position, let name, let expected):
            "\(position): \(name) must be \(expected)"
        case .notAllowed(let position, let name, let allowed):
            "\(position): \(name) must be \(allowed)"
        case .unreadable(let error):
            error.description
        }
    }
}
