/// What goes over the private connection between `lenscapd` and one recorder: NUL-terminated JSON,
/// one object a message, `type` first among equals.
///
/// Closing the connection means abort.
///
/// Recipient, sources and duration come from the token alone; no other field can change them.
package enum ToRecorder: Codable, Sendable {
    package struct Source: Codable, Sendable, Hashable {
        package var name: String
        /// `camera` or `microphone`.
        package var kind: String
        /// Device node, ALSA name, or `test:` address.
        package var path: String

        package init(name: String, kind: String, path: String) {
            self.name = name
            self.kind = kind
            self.path = path
        }
    }

    package struct Details: Codable, Sendable {
        package var purpose: String
        package var salt: String

        package init(purpose: String, salt: String) {
            self.purpose = purpose
            self.salt = salt
        }
    }

    package struct Begin: Codable, Sendable {
        /// Compact JWS, as the teacher signed it.
        package var token: String
        /// The card's document.
        package var card: String
        package var recording: String
        package var details: Details
        /// Salt of this session, base64url of 32 bytes.
        package var salt: String
        /// CLOCK_BOOTTIME nanoseconds after which the recorder closes its devices by itself.
        package var ends: Int64
        package var sources: [Source]

        package init(
            token: String,
            card: String,
            recording: String,
            details: Details,
            salt: String,
            ends: Int64,
            sources: [Source]
        ) {
            self.token = token
            self.card = card
            self.recording = recording
            self.details = details
            self.salt = salt
            self.ends = ends
            self.sources = sources
        }
    }

    case begin(Begin)
    case signed(size: Int64, note: String)
    case stop(reason: String)
    /// Each second, to a recorder that has begun: its authority is there.
    case alive

    private enum Key: String, CodingKey {
        case type
        case size
        case note
        case reason
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        switch try values.decode(String.self, forKey: .type) {
        case "begin": self = .begin(try Begin(from: decoder))
        case "signed":
            self = .signed(
                size: try values.decode(Int64.self, forKey: .size),
                note: try values.decode(String.self, forKey: .note)
            )
        case "stop": self = .stop(reason: try values.decode(String.self, forKey: .reason))
        case "alive": self = .alive
        default: throw unknownType(values, Key.type)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        switch self {
        case .begin(let begin):
            try values.encode("begin", forKey: .type)
            try begin.encode(to: encoder)
        case .signed(let size, let note):
            try values.encode("signed", forKey: .type)
            try values.encode(size, forKey: .size)
            try values.encode(note, forKey: .note)
        case .stop(let reason):
            try values.encode("stop", forKey: .type)
            try values.encode(reason, forKey: .reason)
        case .alive:
            try values.encode("alive", forKey: .type)
        }
    }
}

/// What the recorder reports.
package enum FromRecorder: Codable, Sendable {
    package struct SourceState: Codable, Sendable, Hashable {
        package var name: String
        package var frames: Int64
        package var dropped: Int64
        package var gaps: Int64
        /// How much faster than nominal a microphone's clock runs, in parts per billion.
        package var drift: Int64?
        /// How far a microphone's sound lies from where it should, in microseconds.
        package var offset: Int64?
        /// What somebody should look at, by stable names; no content.
        package var check: [String]

        package init(
            name: String,
            frames: Int64,
            dropped: Int64,
            gaps: Int64,
            drift: Int64? = nil,
            offset: Int64? = nil,
            check: [String] = []
        ) {
            self.name = name
            self.frames = frames
            self.dropped = dropped
            self.gaps = gaps
            self.drift = drift
            self.offset = offset
            self.check = check
        }
    }

    /// Each second.
    ///
    /// `committed`: whole seconds in durable segments.
    package struct State: Codable, Sendable, Hashable {
        package var committed: Int64
        package var sources: [SourceState]

        package init(committed: Int64, sources: [SourceState]) {
            self.committed = committed
            self.sources = sources
        }
    }

    /// Why a recorder gave up, for the person who pressed start.
    package struct Failure: Codable, Sendable, Hashable {
        /// `device`, `space`, `token`, `encoder` or `spool`.
        package var code: String
        /// The source, where it was one.
        package var source: String
        package var message: String

        package init(code: String, source: String = "", message: String) {
            self.code = code
            self.source = source
            self.message = message
        }
    }

    case opened(source: String)
    /// A leaf's canonical line; the file it names is durable.
    case leaf(line: String)
    case state(State)
    /// Every device is closed. `time` is CLOCK_MONOTONIC nanoseconds; `reason` is the one that `stop`
    /// gave, or the recorder's own.
    case closed(time: Int64, reason: String)
    case done
    case failed(Failure)

    private enum Key: String, CodingKey {
        case type
        case source
        case line
        case state
        case time
        case reason
        case error
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        switch try values.decode(String.self, forKey: .type) {
        case "opened": self = .opened(source: try values.decode(String.self, forKey: .source))
        case "leaf": self = .leaf(line: try values.decode(String.self, forKey: .line))
        case "state": self = .state(try values.decode(State.self, forKey: .state))
        case "closed":
            self = .closed(
                time: try values.decode(Int64.self, forKey: .time),
                reason: try values.decode(String.self, forKey: .reason)
            )
        case "done": self = .done
        case "failed": self = .failed(try values.decode(Failure.self, forKey: .error))
        default: throw unknownType(values, Key.type)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        switch self {
        case .opened(let source):
            try values.encode("opened", forKey: .type)
            try values.encode(source, forKey: .source)
        case .leaf(let line):
            try values.encode("leaf", forKey: .type)
            try values.encode(line, forKey: .line)
        case .state(let state):
            try values.encode("state", forKey: .type)
            try values.encode(state, forKey: .state)
        case .closed(let time, let reason):
            try values.encode("closed", forKey: .type)
            try values.encode(time, forKey: .time)
            try values.encode(reason, forKey: .reason)
        case .done:
            try values.encode("done", forKey: .type)
        case .failed(let failure):
            try values.encode("failed", forKey: .type)
            try values.encode(failure, forKey: .error)
        }
    }
}

private func unknownType<Key: CodingKey>(
    _ values: KeyedDecodingContainer<Key>,
    _ key: Key
)
    -> DecodingError
{
    .dataCorruptedError(forKey: key, in: values, debugDescription: "unknown message")
}
