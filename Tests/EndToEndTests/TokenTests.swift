import Authority
import Consent
import CryptoPrimitives
import Glibc
import LinuxSystem
import TeacherTools
import Testing

extension EndToEndTests {
    @Suite struct Tokens {
        @Test("Only the enrolled teacher's own, fresh and whole token for this room starts")
        func tokens() throws {
            try withClassroom { room in
                let authority = try room.startAuthority()
                let school = try School(room)
                try refuseForms(room, school)
                try refuseClaims(room, school)
                try refuseStrangers(room, school)
                #expect(try room.recordings() == [])
                #expect(room.processes("/lenscap-recorder") == [])
                try refuseReplay(room, school)
                try refuseAfterRestart(room, school, authority)
            }
        }

        /// A token answers a challenge of memory only: a new authority knows none of the old ones.
        private func refuseAfterRestart(
            _ room: Classroom,
            _ school: School,
            _ authority: Daemon
        ) throws {
            let (claims, details) = try Seat(room, school).request()
            let token = try claims.token(by: try school.teacher.signingKey())
            authority.signal(SIGTERM)
            _ = try authority.waitForEnd()
            try room.startAuthority()
            let seat = try Seat(room, school)
            _ = try seat.challengeText()
            guard case .refused(_, "challenge", _) = try seat.start(token, details) else {
                Issue.record("a token for a challenge before the restart was taken")
                return
            }
        }

        private func refuseForms(_ room: Classroom, _ school: School) throws {
            let seat = try Seat(room, school)
            let (claims, details) = try seat.request()
            let token = try claims.token(by: try school.teacher.signingKey())
            let huge = String(repeating: "A", count: 9000)
            for (text, reason, message) in [
                ("", "malformed", "A token has three parts with a full stop between."),
                ("a.b.c.d", "malformed", "A token has three parts with a full stop between."),
                (
                    token + "=", "not-canonical",
                    "A part of the token is not canonical base64url."
                ),
                ("\(huge).\(huge).\(huge)", "oversized", "The token has more than 8192 bytes."),
                (
                    "e30." + token.split(separator: ".").dropFirst().joined(separator: "."),
                    "header",
                    "The signature's header is not as specified: alg is missing."
                ),
            ] {
                let answer = try seat.start(text, details)
                guard case .refused(_, reason, let found) = answer else {
                    Issue.record("\(reason): \(answer)")
                    continue
                }
                // How a header is wrong is the parser's to say.
                #expect(reason == "header" || found == message)
            }
            // Any attempt uses up the challenge.
            #expect(
                try seat.start(token, details)
                    == .notPermitted(
                        "challenge",
                        "No challenge is open on this connection; ask for one."
                    )
            )
        }

        private func refuseClaims(_ room: Classroom, _ school: School) throws {
            let other = Base64URL.encode([UInt8](repeating: 7, count: 32))
            let cases: [(String, String, (inout Claims) -> Void)] = [
                ("box", "The token is for another box.", { $0.audience = other }),
                (
                    "record", "The token is for another room record; ask for a new challenge.",
                    { $0.record = other }
                ),
                (
                    "challenge", "The token answers another challenge; ask for a new one.",
                    { $0.challenge = other }
                ),
                (
                    "log", "The token names another state of the log than it was shown.",
                    { $0.log = "1:" + other }
                ),
                (
                    "teacher", "The token names another teacher than its card.",
                    { $0.teacher = String(repeating: "a", count: 26) }
                ),
                (
                    "details", "The details beside the token are not those that it signs.",
                    { $0.details = other }
                ),
                (
                    "recipient", "The recipient is not a sound age X25519 recipient.",
                    {
                        $0.recipient = Bech32.encode(
                            prefix: "age",
                            [UInt8](repeating: 0, count: 32)
                        )
                    }
                ),
                (
                    "duration", "A lesson here lasts from 60 to 5400 seconds.",
                    { $0.duration = 59 }
                ),
                (
                    "not-informed", "Those present must have been told that it records.",
                    { $0.informed = 0 }
                ),
                ("version", "The token is of another version.", { $0.version = 2 }),
                (
                    "sources", "The room record has no camera of that name.",
                    { $0.cameras = ["desk"] }
                ),
                (
                    "sources", "The token names no camera and no microphone.",
                    {
                        $0.cameras = []
                        $0.microphones = []
                    }
                ),
            ]
            for (reason, message, change) in cases {
                let answer = try Seat(room, school).start(change: change)
                #expect(answer == .notPermitted(reason, message))
            }
        }

        private func refuseStrangers(_ room: Classroom, _ school: School) throws {
            // A teacher of the same school whose card is not installed on this box.
            let stranger = TeacherFolder(path: "\(room.root)/stranger")
            _ = try stranger.makeKeys(.edDSA)
            let key = try stranger.signingKey()
            let card = try school.card(for: stranger, key: key)
            let content = try TeacherCard(reading: card)
            let unknown = try Seat(room, school).start(with: key) { claims in
                claims.card = card.hash
                claims.teacher = content.teacher
                claims.recipient = content.recipients[0]
            }
            #expect(
                unknown
                    == .notPermitted(
                        "unknown-card",
                        "This box does not know the card, or has a later one; "
                            + "have the card installed."
                    )
            )
            #expect(
                try Seat(room, school).start(with: key)
                    == .notPermitted(
                        "card-key",
                        "The token is signed with another key than its card's."
                    )
            )
            // Another claim under a signature that was good.
            let seat = try Seat(room, school)
            var (claims, details) = try seat.request()
            let signature = try claims.token(by: try school.teacher.signingKey())
                .split(separator: ".")
            claims.duration = 5400
            let other = try claims.token(by: key).split(separator: ".")
            #expect(
                try seat.start("\(signature[0]).\(other[1]).\(signature[2])", details)
                    == .notPermitted(
                        "signature",
                        "The signature is not by the key on the card."
                    )
            )
        }

        private func refuseReplay(_ room: Classroom, _ school: School) throws {
            let seat = try Seat(room, school)
            let (claims, details) = try seat.request()
            let token = try claims.token(by: try school.teacher.signingKey())
            let recording = Hex.encode(claims.identifier)
            #expect(try seat.start(token, details) == .started(recording))
            try room.stopLesson()
            let replayed = Seat.Answer.notPermitted(
                "replayed",
                "This token was used before; sign a new one."
            )
            _ = try seat.challengeText()
            #expect(try seat.start(token, details) == replayed)
            let another = try Seat(room, school)
            _ = try another.challengeText()
            #expect(try another.start(token, details) == replayed)
            // Also when nothing of it is left on the box.
            #expect(try room.deliver().code == 0)
            try eventually("an empty spool") { try room.recordings().isEmpty }
            _ = try another.challengeText()
            guard case .refused(_, "challenge", _) = try another.start(token, details) else {
                Issue.record("a delivered recording's token was taken again")
                return
            }
            #expect(try room.recordings() == [])
        }
    }
}
