internal import CryptoPrimitives
internal import LinuxSystem

/// How the uploader fares: `/run/lenscap/uploader.json`, canonical JSON, without identity.
package struct UploaderReport: Sendable, Hashable {
    /// Unix seconds.
    package var time: Int64
    /// Recordings that still have something to deliver.
    package var pending: Int64
    /// The last failure, empty when the last pass had none.
    package var lastError: String
    /// Unix seconds of the next try; 0 when none is due.
    package var nextTry: Int64

    package init(time: Int64, pending: Int64, lastError: String, nextTry: Int64) {
        self.time = time
        self.pending = pending
        self.lastError = lastError
        self.nextTry = nextTry
    }

    /// Nil when there is none, or it is not whole.
    package init?(reading path: String) {
        guard let file = try? Descriptor.open(path, [.read, .noFollow, .nonBlocking]),
            let bytes = try? file.readAll(limit: 1 << 16),
            let value = try? CanonicalJSON(parsing: bytes),
            var reader = try? MemberReader(value),
            let time = try? reader.integer("time"),
            let pending = try? reader.integer("pending"),
            let lastError = try? reader.string("lastError"),
            let nextTry = try? reader.integer("nextTry")
        else { return nil }
        self.init(time: time, pending: pending, lastError: lastError, nextTry: nextTry)
    }

    package func write(to path: String) throws(SpoolError) {
        let value = CanonicalJSON.object([
            // The kernel's words are ASCII; anything else would have no canonical form.
            "lastError": .string(String(lastError.unicodeScalars.filter(\.isASCII))),
            "nextTry": .integer(nextTry),
            "pending": .integer(pending),
            "time": .integer(time),
        ])
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
        let name = String(path[path.index(after: slash)...])
        try wrapping { () throws(SystemError) in
            try Folder(path: String(path[..<slash]))
                .writeDurably(name, value.bytes, replacing: true)
        }
    }
}
