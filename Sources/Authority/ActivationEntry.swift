internal import Consent
internal import CryptoPrimitives
internal import LinuxSystem

/// One fact of the activation log: canonical JSON, a line and a leaf of the tree.
///
/// No entry says who: a teacher appears as HMAC-SHA-256 under a salt that only that teacher gets.
package struct ActivationEntry: Sendable, Hashable {
    package enum Fact: Sendable, Hashable {
        /// Hashes of the installed records and of the authority's own program.
        case boot(boot: String, software: [UInt8], records: Records)
        /// Other records were accepted than before.
        case record(Records)
        /// A verified start, before any device is touched. `token` is the SHA-256 of its text.
        case intent(
            teacher: [UInt8],
            token: [UInt8],
            cameras: String,
            microphones: String,
            duration: Int64
        )
        /// Every source is open. `intent` is the entry's index, here and below.
        case started(intent: Int64)
        case stopped(intent: Int64, cause: String)
        /// Starts that were refused: one after a valid signature, or a minute's count of others.
        case refused(reason: String, count: Int64)
        case fault(code: String)
        /// A recording or a stretch of it, by its teacher's order; SHA-256 of the start token.
        case deleted(token: [UInt8], isWhole: Bool)
        /// A card was accepted for the first time; base64url SHA-256 of its payload.
        case enrolled(card: String)
        /// A teacher ended a key; SHA-256 of the order's text, which only that teacher can show.
        case revoked(order: [UInt8])
    }

    package struct Records: Sendable, Hashable {
        /// base64url SHA-256 of the payloads; empty when there is none.
        package var authorities: String
        package var room: String
        package var revocations: String

        package init(authorities: String = "", room: String = "", revocations: String = "") {
            self.authorities = authorities
            self.room = room
            self.revocations = revocations
        }
    }

    package let fact: Fact
    /// Unix seconds.
    package let time: Int64
    package let isTimeTrusted: Bool

    package init(_ fact: Fact, time: Int64, isTimeTrusted: Bool) {
        self.fact = fact
        self.time = time
        self.isTimeTrusted = isTimeTrusted
    }

    /// The canonical line, without its line feed.
    package var line: [UInt8] {
        var members = self.members
        members["time"] = .integer(time)
        members["timeTrusted"] = .integer(isTimeTrusted ? 1 : 0)
        members["type"] = .string(type)
        return CanonicalJSON.object(members).bytes
    }

    private var type: String {
        switch fact {
        case .boot: "boot"
        case .record: "record"
        case .intent: "intent"
        case .started: "started"
        case .stopped: "stopped"
        case .refused: "refused"
        case .fault: "fault"
        case .deleted: "deleted"
        case .enrolled: "enrolled"
        case .revoked: "revoked"
        }
    }

    private var members: [String: CanonicalJSON] {
        switch fact {
        case .boot(let boot, let software, let records):
            records.members.merging([
                "boot": .string(boot),
                "software": .string(Base64URL.encode(software)),
            ]) { _, new in new }
        case .record(let records):
            records.members
        case .intent(let teacher, let token, let cameras, let microphones, let duration):
            [
                "cameras": .string(cameras),
                "duration": .integer(duration),
                "microphones": .string(microphones),
                "teacher": .string(Base64URL.encode(teacher)),
                "token": .string(Base64URL.encode(token)),
            ]
        case .started(let intent):
            ["intent": .integer(intent)]
        case .stopped(let intent, let cause):
            ["cause": .string(cause), "intent": .integer(intent)]
        case .refused(let reason, let count):
            ["count": .integer(count), "reason": .string(reason)]
        case .fault(let code):
            ["code": .string(code)]
        case .deleted(let token, let isWhole):
            ["token": .string(Base64URL.encode(token)), "whole": .integer(isWhole ? 1 : 0)]
        case .enrolled(let card):
            ["card": .string(card)]
        case .revoked(let order):
            ["order": .string(Base64URL.encode(order))]
        }
    }
}

extension ActivationEntry.Records {
    var members: [String: CanonicalJSON] {
        [
            "authorities": .string(authorities),
            "record": .string(room),
            "revocations": .string(revocations),
        ]
    }
}

extension ActivationEntry {
    /// An entry with the clock's time.
    static func now(_ fact: Fact) -> ActivationEntry {
        ActivationEntry(
            fact,
            time: Clock.unixSeconds(),
            isTimeTrusted: Clock.isSynchronized
        )
    }
}

extension ActivationEntry.Fact {
    /// The start that is about to happen; the teacher under this session's salt.
    static func intent(of start: VerifiedStart, salt: [UInt8]) -> ActivationEntry.Fact {
        .intent(
            teacher: HMACSHA256.authenticate(key: salt, message: Array(start.token.teacher.utf8)),
            token: SHA256.hash(Array(start.tokenText.utf8)),
            cameras: start.token.cameras.joined(separator: ","),
            microphones: start.token.microphones.joined(separator: ","),
            duration: start.token.duration
        )
    }
}
