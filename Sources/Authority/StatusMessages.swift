/// The types of `org.lenscap.Status`, as its `.varlink` file names them.
package enum StatusInterface {
    package static let name = "org.lenscap.Status"

    package struct SourceHealth: Codable, Sendable {
        package var name: String
        package var kind: String
        package var present: Bool
        package var inUse: Bool
        package var frames: Int64
        package var dropped: Int64
        package var gaps: Int64
        package var driftPpm: Double?
        package var offsetMs: Double?
        package var check: [String]
    }

    package struct Backlog: Codable, Sendable {
        package var recordings: Int
        package var objects: Int
        package var bytes: Int
        package var oldestSeconds: Int64?
        package var lastError: String?
        package var nextTry: Int64?
    }

    package struct Problem: Codable, Sendable {
        package var code: String
        package var message: String
        package var advice: String
    }

    package struct Health: Codable, Sendable {
        package var version: String
        package var state: String
        package var committedSeconds: Int64?
        package var lamp: String
        package var sources: [SourceHealth]
        package var backlog: Backlog
        package var diskFree: Int
        package var diskNeeded: Int
        package var clockTrusted: Bool
        package var roomRecord: String?
        package var revocations: Int64?
        package var revocationsAge: Int64?
        package var pendingUpdates: Int64?
        package var problems: [Problem]
    }

    package struct HealthReply: Codable, Sendable {
        package var health: Health
    }
}
