import Authority
import Consent
import CryptoPrimitives
import LinuxSystem
import TeacherTools
import Varlink

/// Who vouches for a classroom: one authority of one, and what it signs.
final class School {
    private static let agreement = Array("Lessons belong to their teachers.\n".utf8)

    private let classroom: Classroom
    private let registrar: SigningKey
    let authorities: ThresholdDocument
    /// The room record last installed.
    private(set) var record: RoomRecord
    private let text: Enrolment.AgreementText

    /// Enrols a box that runs, its room and its teacher, and installs the records.
    init(_ classroom: Classroom, change: (inout RoomRecord) -> Void = { _ in }) throws {
        self.classroom = classroom
        registrar = try SigningKey.generate(.edDSA)
        text = Enrolment.AgreementText(
            identifier: "lenscap-1",
            language: "en",
            text: School.agreement
        )
        let now = Clock.unixSeconds()
        var document = try Enrolment.authorities(
            [Authorities.Member(key: registrar.verificationKey, role: .registrar)],
            threshold: 1,
            sequence: 1,
            issued: now
        )
        try document.sign(as: .authorities, with: registrar)
        authorities = document
        let key = try classroom.succeed("box", "show").output.dropLast()
        record = RoomRecord(
            boxKey: try VerificationKey(jwk: try CanonicalJSON(parsing: Array(key.utf8))),
            room: "Room 12",
            sources: [
                RoomRecord.Source(name: "desk", kind: .microphone),
                RoomRecord.Source(name: "front", kind: .camera),
            ],
            agreements: [
                RoomRecord.Agreement(identifier: text.identifier, sha256: text.sha256, last: 0)
            ],
            authorities: authorities.hash,
            sequence: 1,
            issued: now
        )
        record.holdMinutes = 0
        try classroom.write("", to: "account/.lenscap-account")
        try classroom.succeed("key", "new")
        let card = try self.card(for: teacher, key: try teacher.signingKey())
        try teacher.saveCard(card)
        try classroom.write(authorities.bytes, to: "records/authorities.json")
        try classroom.write(card.bytes, to: "records/cards/teacher.json")
        try install(change)
    }

    /// The folder of the classroom's own teacher.
    var teacher: TeacherFolder { TeacherFolder(path: "\(classroom.root)/teacher") }

    /// Signs a changed room record and installs it, on the box and with the teacher.
    func install(_ change: (inout RoomRecord) -> Void = { _ in }) throws {
        change(&record)
        let room = try signedRoom()
        try classroom.write(room.bytes, to: "records/room.json")
        try classroom.succeed("trust", "import", classroom.records)
        _ = try teacher.importRoom(room.bytes, authorities: authorities.bytes)
    }

    func signedRoom() throws -> ThresholdDocument {
        var room = try Enrolment.room(record)
        try room.sign(as: .room, with: registrar)
        return room
    }

    /// A card that the school approved.
    func card(for folder: TeacherFolder, key: SigningKey) throws -> ThresholdDocument {
        let now = Clock.unixSeconds()
        let card = TeacherCard(
            teacher: try TeacherCard.newPseudonym(),
            key: key.verificationKey,
            recipients: try folder.identities().map(\.recipient.text),
            account: TeacherCard.Account(kind: "directory", url: "file://\(classroom.account)"),
            agreement: TeacherCard.Agreement(
                identifier: text.identifier,
                sha256: text.sha256,
                language: text.language
            ),
            trained: now,
            issued: now,
            expires: now + 86_400
        )
        var document = try Enrolment.card(card, signedWith: key)
        try document.sign(as: .card, with: registrar)
        return document
    }

    /// Where the account holds a recording.
    func delivered(_ recording: String) throws -> String {
        let card = try TeacherCard(reading: try teacher.card())
        return "\(classroom.account)/\(card.teacher)/\(recording)"
    }
}

/// A client of the teacher socket that can sign what it likes.
final class Seat {
    let client: VarlinkClient
    private let school: School

    init(_ classroom: Classroom, _ school: School) throws {
        client = try VarlinkClient(path: "\(classroom.root)/run/lenscap/teacher.sock")
        self.school = school
    }

    static func deadline() -> Int64 { Clock.monotonic.now() + 60_000_000_000 }

    /// Asks for a challenge; its text.
    func challengeText() throws -> String {
        try client.call(
            TeacherInterface.name + ".Challenge",
            returning: TeacherInterface.ChallengeReply.self,
            deadline: Seat.deadline()
        ).challenge
    }

    /// Asks for a challenge and prepares what an honest signer would sign.
    func request() throws -> (claims: Claims, details: StartDetails) {
        let challenge = try Challenge(
            verifying: try challengeText(),
            by: school.record.boxKey
        )
        let details = StartDetails(
            purpose: "reflection",
            salt: Base64URL.encode(try randomBytes(32))
        )
        let card = try school.teacher.card()
        let content = try TeacherCard(reading: card)
        let claims = Claims(
            audience: school.record.box,
            card: card.hash,
            challenge: Base64URL.encode(challenge.challenge),
            details: details.hash ?? "",
            identifier: try randomBytes(16),
            log: challenge.log,
            record: challenge.record,
            recipient: content.recipients[0],
            teacher: content.teacher
        )
        return (claims, details)
    }

    /// Starts with a token; the recording's identifier, or the error that the box answered.
    func start(_ token: String, _ details: StartDetails) throws -> Answer {
        do throws(VarlinkError) {
            let reply = try client.call(
                TeacherInterface.name + ".Start",
                TeacherInterface.StartParameters(
                    token: token,
                    details: TeacherInterface.Details(
                        purpose: details.purpose,
                        salt: details.salt
                    )
                ),
                returning: TeacherInterface.StartReply.self,
                deadline: Seat.deadline()
            )
            return .started(reply.recording)
        } catch {
            guard case .remote(let error) = error else { throw error }
            return .refused(
                name: error.name,
                reason: error.text("reason") ?? "",
                message: error.text("message") ?? ""
            )
        }
    }

    /// Asks, lets `change` falsify the claims, signs and starts.
    func start(
        with key: SigningKey? = nil,
        change: (inout Claims) throws -> Void = { _ in }
    ) throws -> Answer {
        var (claims, details) = try request()
        try change(&claims)
        return try start(try claims.token(by: key ?? school.teacher.signingKey()), details)
    }

    enum Answer: Equatable {
        case started(String)
        case refused(name: String, reason: String, message: String)

        static func notPermitted(_ reason: String, _ message: String) -> Answer {
            .refused(
                name: TeacherInterface.name + ".NotPermitted",
                reason: reason,
                message: message
            )
        }
    }
}

/// The claims of a start token, to be falsified.
struct Claims {
    var audience: String
    var cameras = ["front"]
    var microphones = ["desk"]
    var card: String
    var challenge: String
    var details: String
    var duration: Int64 = 60
    var informed: Int64 = 1
    var identifier: [UInt8]
    var log: String
    var record: String
    var recipient: String
    var teacher: String
    var version: Int64 = 1

    func token(by key: SigningKey) throws -> String {
        let token = StartToken(
            audience: audience,
            cameras: cameras,
            microphones: microphones,
            card: card,
            challenge: challenge,
            details: details,
            duration: duration,
            informed: informed,
            identifier: identifier,
            log: log,
            record: record,
            recipient: recipient,
            teacher: teacher,
            version: version
        )
        return try CompactJWS(payload: token.payload.bytes, type: .start, by: key).text
    }
}
