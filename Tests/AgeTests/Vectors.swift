import CryptoPrimitives
import Glibc
import LinuxSystem
import TestSupport
import Testing

/// One of the C2SP CCTV age test vectors: a text header, an empty line, an age file.
struct Vector: Sendable, CustomTestStringConvertible {
    let name: String
    /// How opening ends, in the words of the vectors: `success`, `header failure` and so on.
    let expectation: String
    /// SHA-256 of every plaintext byte that may be given out, failures included.
    let payloadHash: String?
    let identities: [String]
    let file: [UInt8]

    var testDescription: String { name }

    struct Malformed: Error {
        let name: String
    }

    init(name: String, contents: [UInt8]) throws {
        self.name = name
        var fields: [String: [String]] = [:]
        var rest = contents[...]
        while let lineEnd = rest.firstIndex(of: UInt8(ascii: "\n")), lineEnd > rest.startIndex {
            let line = String(decoding: rest[..<lineEnd], as: UTF8.self)
            rest = rest[(lineEnd + 1)...]
            let words = line.split(separator: ":", maxSplits: 1)
            guard words.count == 2 else { throw Malformed(name: name) }
            fields[String(words[0]), default: []].append(String(words[1].dropFirst()))
        }
        guard rest.first == UInt8(ascii: "\n"), let expectation = fields["expect"]?.first else {
            throw Malformed(name: name)
        }
        self.expectation = expectation
        payloadHash = fields["payload"]?.first
        identities = fields["identity"] ?? []
        let body = Array(rest.dropFirst())
        switch fields["compressed"]?.first {
        case nil: file = body
        case "zlib": file = try Self.inflate(body, name: name)
        default: throw Malformed(name: name)
        }
    }

    private static func inflate(_ bytes: [UInt8], name: String) throws -> [UInt8] {
        let program = """
            import sys, zlib
            sys.stdout.buffer.write(zlib.decompress(sys.stdin.buffer.read()))
            """
        let python = try Command("python3", "-c", program, input: bytes)
        guard python.succeeded else { throw Malformed(name: name) }
        return python.output
    }
}

/// The folder of vectors: `$LENSCAP_VECTORS/age`, or `../shared/vectors/age` from the package's root.
enum VectorFolder {
    static let absence: Comment =
        "age test vectors not found: set LENSCAP_VECTORS to the folder that holds age/"

    static let path: String = {
        if let folder = getenv("LENSCAP_VECTORS") { return String(cString: folder) + "/age" }
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return "/\(root)/../shared/vectors/age"
    }()

    static var isPresent: Bool { access(path, R_OK) == 0 }

    /// Kinds of vectors for what is not implemented, by the first word of their names.
    static let otherKinds = ["armor", "hybrid", "scrypt"]

    static let names: [String] = {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }()

    static func kind(of name: String) -> String {
        String(name.prefix { $0 != "_" })
    }

    static let implementedNames = names.filter { !otherKinds.contains(kind(of: $0)) }
    static let otherNames = names.filter { otherKinds.contains(kind(of: $0)) }

    static func load(_ name: String) throws -> Vector {
        let file = try Descriptor.open("\(path)/\(name)")
        return try Vector(name: name, contents: try file.readAll(limit: 1 << 20))
    }
}
