package import CryptoPrimitives
internal import LinuxSystem

/// That an account holds an object: one canonical JSON line of `outbox/acknowledged`.
package struct Acknowledgement: Sendable, Hashable {
    package let recording: String
    package let name: String
    package let sha256: [UInt8]

    package init(recording: String, name: String, sha256: [UInt8]) {
        self.recording = recording
        self.name = name
        self.sha256 = sha256
    }

    package init(parsing line: [UInt8]) throws(CanonicalJSONError) {
        var reader = try MemberReader(try CanonicalJSON(parsing: line))
        name = try reader.string("name")
        recording = try reader.string("recording")
        sha256 = try reader.bytes("sha256", count: 32)
        try reader.finish()
    }

    package var line: [UInt8] {
        CanonicalJSON.object([
            "name": .string(name),
            "recording": .string(recording),
            "sha256": .string(Base64URL.encode(sha256)),
        ]).bytes
    }
}

/// The append-only journal that the uploader writes and the authority reads.
package enum AcknowledgementJournal {
    package static let fileName = "acknowledged"
    private static let byteLimit = 1 << 28

    /// Every whole, well-formed line.
    ///
    /// A line that a crash cut short is not an acknowledgement.
    package static func read(outbox path: String) throws(SpoolError) -> Set<Acknowledgement> {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Folder(path: path).read(fileName, limit: byteLimit)
        } catch {
            if error.isNotFound { return [] }
            throw .system(error)
        }
        var result: Set<Acknowledgement> = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let entry = try? Acknowledgement(parsing: Array(line)) else { continue }
            result.insert(entry)
        }
        return result
    }

    /// Appends durably.
    ///
    /// A cut-off line before it is closed first, so that it spoils nothing.
    package static func append(_ entry: Acknowledgement, outbox path: String) throws(SpoolError) {
        do throws(SystemError) {
            let folder = try Folder(path: path)
            let file = try folder.file(
                fileName,
                [.write, .append, .create],
                permissions: 0o640
            )
            // A leading line feed ends whatever a crash left; empty lines mean nothing.
            let isEmpty = try file.status().size == 0
            try file.writeAll(
                (isEmpty ? [] : [UInt8(ascii: "\n")]) + entry.line + [UInt8(ascii: "\n")]
            )
            do throws(SystemError) {
                try file.synchronize()
            } catch {
                // The file whose sync failed is not synced again and believed: a copy takes its place.
                try folder.writeDurably(
                    fileName,
                    try folder.read(fileName, limit: byteLimit),
                    permissions: 0o640,
                    replacing: true
                )
                throw error
            }
            // Also where the file is not new: it may have taken another's place.
            try folder.synchronize()
        } catch { throw .system(error) }
    }
}
