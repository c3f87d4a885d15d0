package import CryptoPrimitives

/// One signed-for fact of a recording: a line of its `log`, in canonical JSON.
///
/// Times are nanoseconds on the lesson's timeline; hashes are of the sealed file's bytes.
package enum Leaf: Sendable, Hashable {
    /// A sealed file in the recording's folder.
    package struct Object: Sendable, Hashable {
        package let name: String
        package let bytes: Int64
        /// SHA-256, 32 bytes.
        package let sha256: [UInt8]

        package init(name: String, bytes: Int64, sha256: [UInt8]) {
            self.name = name
            self.bytes = bytes
            self.sha256 = sha256
        }
    }

    package struct Track: Sendable, Hashable {
        /// The source's name.
        package let source: String
        /// `video` or `audio`.
        package let kind: String

        package init(source: String, kind: String) {
            self.source = source
            self.kind = kind
        }
    }

    /// Leaf 0, by the authority: SHA-256 of token text, card file and sealed receipt.
    case begin(token: [UInt8], card: [UInt8], receipt: [UInt8])
    /// A run of segments that share an init segment begins.
    case run(initial: Object, tracks: [Track])
    case segment(Object, start: Int64, duration: Int64)
    case gap(source: String, reason: String, from: Int64, to: Int64)
    /// Removed by the teacher: every segment before this leaf that touches the stretch.
    ///
    /// `order` is the SHA-256 of the signed order's text.
    case cut(from: Int64, to: Int64, order: [UInt8])
    /// The end. `time` is Unix seconds of the box's clock; `summary` is missing when the recorder
    /// could not write one; `segments` counts the segments before it.
    case end(reason: String, time: Int64, segments: Int64, summary: Object?)

    package init(parsing line: [UInt8]) throws(CanonicalJSONError) {
        var reader = try MemberReader(try CanonicalJSON(parsing: line))
        switch try reader.string("type") {
        case "begin":
            self = .begin(
                token: try reader.bytes("token", count: 32),
                card: try reader.bytes("card", count: 32),
                receipt: try reader.bytes("receipt", count: 32)
            )
        case "run":
            var tracks: [Track] = []
            for item in try reader.objects("tracks", count: 1...64) {
                var track = item
                tracks.append(
                    Track(source: try track.string("source"), kind: try track.string("kind"))
                )
                try track.finish()
            }
            self = .run(initial: try Self.object(&reader), tracks: tracks)
        case "seg":
            self = .segment(
                try Self.object(&reader),
                start: try reader.integer("start"),
                duration: try reader.integer("duration")
            )
        case "gap":
            self = .gap(
                source: try reader.string("source"),
                reason: try reader.string("reason"),
                from: try reader.integer("from"),
                to: try reader.integer("to")
            )
        case "cut":
            self = .cut(
                from: try reader.integer("from"),
                to: try reader.integer("to"),
                order: try reader.bytes("order", count: 32)
            )
        case "end":
            var summary: Object?
            if reader.has("summary") {
                var inner = try reader.object("summary")
                summary = try Self.object(&inner)
                try inner.finish()
            }
            self = .end(
                reason: try reader.string("reason"),
                time: try reader.integer("time"),
                segments: try reader.integer("segments"),
                summary: summary
            )
        default:
            throw reader.error("type", .refused("no such leaf"))
        }
        try reader.finish()
    }

    /// The canonical line, without its line feed.
    package var line: [UInt8] { value.bytes }

    private var value: CanonicalJSON {
        switch self {
        case .begin(let token, let card, let receipt):
            .object([
                "card": .string(Base64URL.encode(card)),
                "receipt": .string(Base64URL.encode(receipt)),
                "token": .string(Base64URL.encode(token)),
                "type": .string("begin"),
            ])
        case .run(let initial, let tracks):
            .object(
                Self.members(initial).merging([
                    "tracks": .array(
                        tracks.map {
                            .object(["kind": .string($0.kind), "source": .string($0.source)])
                        }
                    ),
                    "type": .string("run"),
                ]) { _, new in new }
            )
        case .segment(let object, let start, let duration):
            .object(
                Self.members(object).merging([
                    "duration": .integer(duration),
                    "start": .integer(start),
                    "type": .string("seg"),
                ]) { _, new in new }
            )
        case .gap(let source, let reason, let from, let to):
            .object([
                "from": .integer(from),
                "reason": .string(reason),
                "source": .string(source),
                "to": .integer(to),
                "type": .string("gap"),
            ])
        case .cut(let from, let to, let order):
            .object([
                "from": .integer(from),
                "order": .string(Base64URL.encode(order)),
                "to": .integer(to),
                "type": .string("cut"),
            ])
        case .end(let reason, let time, let segments, let summary):
            .object(
                [
                    "reason": .string(reason),
                    "segments": .integer(segments),
                    "time": .integer(time),
                    "type": .string("end"),
                ].merging(summary.map { ["summary": .object(Self.members($0))] } ?? [:]) {
                    _,
                    new in new
                }
            )
        }
    }

    /// The sealed file that the leaf names, if it names one.
    package var object: Object? {
        switch self {
        case .run(let object, _), .segment(let object, _, _): object
        case .end(_, _, _, let summary): summary
        case .begin, .gap, .cut: nil
        }
    }

    private static func members(_ object: Object) -> [String: CanonicalJSON] {
        [
            "bytes": .integer(object.bytes),
            "name": .string(object.name),
            "sha256": .string(Base64URL.encode(object.sha256)),
        ]
    }

    private static func object(_ reader: inout MemberReader) throws(CanonicalJSONError) -> Object {
        Object(
            name: try reader.string("name"),
            bytes: try reader.integer("bytes"),
            sha256: try reader.bytes("sha256", count: 32)
        )
    }
}
