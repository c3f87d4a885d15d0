/// The types of `org.lenscap.Teacher`, as its `.varlink` file names them.
package enum TeacherInterface {
    package static let name = "org.lenscap.Teacher"

    package struct Details: Codable, Sendable {
        package var purpose: String
        package var salt: String

        package init(purpose: String, salt: String) {
            self.purpose = purpose
            self.salt = salt
        }
    }

    package struct Source: Codable, Sendable {
        package var name: String
        package var kind: String
        package var health: String
        package var seconds: Int64
    }

    /// What the room may see: no identity.
    package struct Session: Codable, Sendable {
        package var state: String
        package var started: Int64?
        package var remaining: Int64?
        package var lamp: String
        package var sources: [Source]
        package var reason: String?
    }

    package struct ChallengeReply: Codable, Sendable {
        package var challenge: String
    }

    package struct StartParameters: Codable, Sendable {
        package var token: String
        package var details: Details

        package init(token: String, details: Details) {
            self.token = token
            self.details = details
        }
    }

    package struct StartReply: Codable, Sendable {
        package var recording: String
        package var session: Session
    }

    package struct SessionReply: Codable, Sendable {
        package var session: Session
    }

    package struct TokenParameters: Codable, Sendable {
        package var token: String

        package init(token: String) {
            self.token = token
        }
    }

    package struct DeleteReply: Codable, Sendable {
        /// Objects that were on the box and are gone.
        package var deleted: Int
        /// Objects that the account holds already.
        package var left: Int
    }
}
