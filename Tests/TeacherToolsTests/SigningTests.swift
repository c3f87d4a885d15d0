import Consent
import CryptoPrimitives
import LinuxSystem
import Testing

@testable import TeacherTools

@Suite("A signing request")
struct SigningTests {
    let room: Staffroom

    init() throws { room = try Staffroom() }

    @Test("is read back as it was, with its line feed or without")
    func roundTrip() throws {
        let request = try room.request()
        let bytes = try request.bytes()
        for bytes in [bytes, bytes + [0x0A]] {
            let read = try SigningRequest(parsing: bytes)
            #expect(read.challenge == request.challenge)
            #expect(read.cameras == request.cameras)
            #expect(read.microphones == request.microphones)
            #expect(read.duration == request.duration)
            #expect(read.details == request.details)
            #expect(try read.bytes() == request.bytes())
        }
        let beyond = try room.request(cameras: ["tŷ"])
        #expect(kind { _ = try beyond.bytes() } == "unreadable")
    }

    @Test("in any other spelling is none")
    func hostile() throws {
        let good = try room.request().bytes()
        let text = String(decoding: good, as: UTF8.self)
        guard case .object(let members) = try CanonicalJSON(parsing: good) else { return }
        var variants: [[UInt8]] = [
            text + "\n\n", text + " ", " " + text, "\n" + text, text + "{}", "[\(text)]", "", "{}",
            "null", text.replacing(":", with: ": "), text.replacing("600", with: "6e2"),
            text.replacing("600", with: "600.0"), text.replacing("600", with: "-600"),
            text.replacing("\"duration\":600", with: "\"duration\":600,\"duration\":600"),
            text.replacing("board", with: "\\u0062oard"), String(text.dropLast()),
            String(text.dropLast()) + ",\"zz\":1}",
            text.replacing("\"purpose\"", with: "\"lesson\":\"x\",\"purpose\""),
        ].map { Array($0.utf8) }
        for (name, value) in members {
            for other in [nil, CanonicalJSON.object([:]), .array([.integer(1)]), .array([value])] {
                var changed = members
                changed[name] = other
                variants.append(CanonicalJSON.object(changed).bytes)
            }
        }
        variants.append(Array(repeating: 0x5B, count: 1 << 20))
        #expect(variants.count == 18 + 5 * 4 + 1)
        for variant in variants {
            #expect(kind { _ = try SigningRequest(parsing: variant) } == "unreadable")
        }
    }

    @Test("becomes a token that says what was asked, for this box and this card")
    func prepared() throws {
        let prepared = try PreparedSignature(room.request(), for: room.folder)
        #expect(prepared.room.room == "Science 2")
        #expect(prepared.recipient == room.recipient.text)
        let text = try prepared.sign(with: room.teacher)
        let jws = try CompactJWS(parsing: text, type: .start)
        #expect(jws.isSigned(by: room.teacher.verificationKey))
        let token = try StartToken(parsing: jws.payload)
        #expect(token.audience == room.box.verificationKey.thumbprint)
        #expect(token.cameras == ["board", "class"])
        #expect(token.microphones == ["desk"])
        #expect(token.card == room.card.hash)
        #expect(token.challenge == Base64URL.encode([UInt8](repeating: 4, count: 32)))
        #expect(token.details == Staffroom.details.hash)
        #expect(token.duration == 600)
        #expect(token.informed == 1)
        #expect(token.log == Staffroom.log)
        #expect(token.record == room.room.hash)
        #expect(token.recipient == room.recipient.text)
        #expect(token.teacher == "abcdefghijklmnopqrstuvwxyz")
        let again = try PreparedSignature(room.request(), for: room.folder)
        let second = try CompactJWS(parsing: again.sign(with: room.teacher), type: .start)
        #expect(try StartToken(parsing: second.payload).identifier != token.identifier)
    }

    @Test("is refused where the challenge is not this room's box's, or of another record")
    func foreignChallenge() throws {
        let stranger = try SigningKey.generate(.es256)
        let other = Base64URL.encode([UInt8](repeating: 0, count: 32))
        let name = stranger.verificationKey.thumbprint
        let cases: [(String, String)] = [
            // Another box says that it is this one.
            (try room.challenge(by: stranger), "signature"),
            // A box that the teacher does not know.
            (try room.challenge(by: stranger, box: name), "missing"),
            // This box under another box's name.
            (try room.challenge(box: name), "missing"),
            (try room.challenge(record: other), "record"),
            (try room.challenge(record: ""), "record"),
            (try room.challenge(type: .start), "header"),
            (try room.challenge(type: .room), "header"),
            (try room.challenge(box: "../../etc/passwd"), "payload"),
            (try room.challenge(box: ""), "payload"),
            (try room.challenge() + "A", "signature"),
            (try room.challenge() + "=", "not-canonical"),
            ("", "malformed"), (String(repeating: "A", count: 9000), "oversized"),
        ]
        #expect(cases.count == 13)
        for (index, (challenge, expected)) in cases.enumerated() {
            let request = try room.request(challenge: challenge)
            #expect(
                kind { _ = try PreparedSignature(request, for: room.folder) } == expected,
                "case \(index)"
            )
        }
    }

    @Test("is refused where the room would refuse it, before anybody is asked")
    func againstTheRoom() throws {
        let salt = Staffroom.details.salt
        let cases: [(SigningRequest, String)] = [
            (try room.request(cameras: ["ceiling"]), "sources"),
            (try room.request(cameras: ["desk"]), "sources"),
            (try room.request(cameras: ["board,class"]), "sources"),
            (try room.request(cameras: ["board", "board"]), "sources"),
            (try room.request(cameras: ["board\u{1B}[2J"]), "sources"),
            (try room.request(microphones: ["board"]), "sources"),
            (try room.request(cameras: [], microphones: []), "sources"),
            (try room.request(duration: 59), "duration"),
            (try room.request(duration: 5401), "duration"),
            (try room.request(details: StartDetails(purpose: "appraisal", salt: salt)), "purpose"),
            (
                try room.request(details: StartDetails(purpose: "coaching\u{1B}[A", salt: salt)),
                "purpose"
            ),
            (try room.request(details: StartDetails(purpose: "coaching", salt: "AAAA")), "details"),
            (
                try room.request(details: StartDetails(purpose: "coaching", salt: salt + "=")),
                "details"
            ),
        ]
        #expect(cases.count == 13)
        for (index, (request, expected)) in cases.enumerated() {
            #expect(
                kind { _ = try PreparedSignature(request, for: room.folder) } == expected,
                "case \(index)"
            )
        }
    }

    @Test("is refused under authorities that did not sign the room")
    func authorities() throws {
        let other = try Staffroom.authorities(try SigningKey.generate(.edDSA))
        try room.write("config/authorities.json", other.bytes)
        #expect(
            kind { _ = try PreparedSignature(room.request(), for: room.folder) } == "unknown-key"
        )
    }
}
