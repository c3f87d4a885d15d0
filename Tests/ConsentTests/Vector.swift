import CryptoPrimitives
import LinuxSystem

@testable import Consent

/// One test vector: something signed, what it is judged by, and what comes of it.
struct Vector: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        case authorities, room, card, revocations, challenge, start, delete, revoke
    }

    let name: String
    let kind: Kind
    /// The document's or token's bytes.
    let input: String
    let context: Members
    /// Nil: accepted.
    let reason: Refusal.Reason?
}

extension Vector {
    var value: CanonicalJSON {
        .object([
            "context": .object(context),
            "expect": .string(reason == nil ? "accepted" : "refused"),
            "input": .string(input),
            "kind": .string(kind.rawValue),
            "name": .string(name),
            "reason": .string(reason?.rawValue ?? ""),
        ])
    }

    init?(_ value: CanonicalJSON) throws(CanonicalJSONError) {
        var reader = try MemberReader(value)
        guard case .object(let context) = try reader.value("context"),
            let kind = Kind(rawValue: try reader.string("kind"))
        else { return nil }
        let expected = try reader.string("expect")
        let reason = Refusal.Reason(rawValue: try reader.string("reason"))
        guard expected == (reason == nil ? "accepted" : "refused") else { return nil }
        self.init(
            name: try reader.string("name"),
            kind: kind,
            input: try reader.string("input"),
            context: context,
            reason: reason
        )
        try reader.finish()
    }
}

/// The folder of vectors: a file for each kind, a JSON array with a vector a line.
enum VectorFolder {
    static var path: String {
        "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/") + "/Vectors"
    }

    static func write(_ vectors: [Vector]) throws {
        let folder = try Folder.make(path: path)
        for kind in Vector.Kind.allCases {
            let lines = vectors.filter { $0.kind == kind }
                .map { String(decoding: $0.value.bytes, as: UTF8.self) }
            let text = "[\n" + lines.joined(separator: ",\n") + "\n]\n"
            try folder.writeDurably("\(kind).json", Array(text.utf8), replacing: true)
        }
    }

    static func read() throws -> [Vector] {
        let folder = try Folder(path: path)
        var vectors: [Vector] = []
        for kind in Vector.Kind.allCases {
            let lines = try folder.read("\(kind).json", limit: 1 << 20).split(separator: 0x0A)
            for line in lines.dropFirst().dropLast() {
                let text = line.last == UInt8(ascii: ",") ? line.dropLast() : line
                guard let vector = try Vector(try CanonicalJSON(parsing: Array(text))) else {
                    throw Refusal(.malformed, "A vector of \(kind.rawValue) is not as specified.")
                }
                vectors.append(vector)
            }
        }
        return vectors
    }
}
