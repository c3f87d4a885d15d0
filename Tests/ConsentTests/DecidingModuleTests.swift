import CryptoPrimitives
import Testing

@testable import Consent

/// What the rest of the suite reaches only through the programs.
@Suite("The deciding module")
struct DecidingModuleTests {
    @Test("refuses a card dated after the moment it is held against, where the clock is trusted")
    func futureCard() throws {
        let school = try School()
        let trust = try school.trust()
        func refusal(_ clock: Int64, isTrusted: Bool) throws -> Refusal.Reason? {
            let token = try school.token()
            return reason { () throws(Refusal) in
                _ = try StartVerification(
                    trust: trust,
                    challenge: school.challenge,
                    time: JudgementTime(clock: clock, isTrusted: isTrusted, floor: 0),
                    isUsed: { _ in false }
                ).verify(token: token, details: School.details)
            }
        }
        let issued = try TeacherCard(reading: school.card).issued
        #expect(try refusal(issued - 1, isTrusted: true) == .notYetValid)
        #expect(try refusal(School.now, isTrusted: true) == nil)
    }

    @Test("tells a validly signed token from others, whatever else is wrong with it")
    func signedToken() throws {
        let school = try School()
        let verification = StartVerification(
            trust: try school.trust(),
            challenge: nil,
            time: JudgementTime(clock: School.now * 2, isTrusted: true, floor: 0),
            isUsed: { _ in true }
        )
        #expect(verification.isSigned(try school.token()))
        #expect(verification.isSigned(try school.token(claims: { $0["aud"] = .string("x") })))
        let stranger = try SigningKey.generate(.edDSA)
        #expect(!verification.isSigned(try school.token(by: stranger)))
        let kid = stranger.verificationKey.thumbprint
        #expect(
            !verification.isSigned(
                try school.token(header: { $0["kid"] = .string(kid) }, by: stranger)
            )
        )
        #expect(!verification.isSigned("a.b.c"))
    }

    @Test("knows which cards it has not accepted before")
    func newCards() throws {
        let school = try School()
        let trust = try school.trust()
        let nothing = TrustMemory()
        #expect(trust.cards(newSince: nothing) == [school.card.hash])
        #expect(trust.cards(newSince: trust.remembered(in: nothing)) == [])
    }

    @Test("knows who signed a document already, and keeps the signatures it is told to")
    func signatures() throws {
        let council = try Council()
        let document = council.document
        let first = council.keys[0].verificationKey
        let stranger = try SigningKey.generate(.edDSA).verificationKey
        #expect(document.isSigned(as: .authorities, by: first))
        #expect(!document.isSigned(as: .room, by: first))
        #expect(!document.isSigned(as: .authorities, by: stranger))
        let kept = document.keepingSignatures(as: .authorities, by: [first, stranger])
        #expect(kept.signatures.count == 1 && kept.isSigned(as: .authorities, by: first))
        #expect(kept.hash == document.hash)
    }

    @Test("reads its memory in one spelling only")
    func memorySpelling() throws {
        let text = { (cards: String) in
            Array(
                (#"{"authorities":[],"authoritiesHash":"","authoritiesSequence":0,"#
                    + #""authoritiesThreshold":0,"cards":[\#(cards)],"floor":7,"#
                    + #""revocationsHash":"","revocationsSequence":0,"roomHash":"","#
                    + #""roomSequence":0}"#).utf8
            )
        }
        let a = #"{"issued":9,"kid":"a"}"#
        let b = #"{"issued":6,"kid":"b"}"#
        #expect(try TrustMemory(parsing: text("\(a),\(b)")).cards == ["a": 9, "b": 6])
        for cards in ["\(b),\(a)", #"\#(a),{"issued":6,"kid":"a"}"#] {
            let refused = reason { () throws(Refusal) in
                _ = try TrustMemory(parsing: text(cards))
            }
            #expect(refused == .notEnrolled)
        }
    }

    @Test("reads USB sources and stop inputs as they were written")
    func roomDevices() throws {
        let council = try Council()
        let box = try SigningKey.generate(.edDSA)
        var record = School.roomRecord(box: box, authorities: council.document.hash)
        let device = RoomRecord.USBDevice(
            port: "1-1.2",
            vendor: "046d",
            product: "0825",
            serial: "A1"
        )
        record.sources = [RoomRecord.Source(name: "front", kind: .camera, device: device)]
        record.stopInputs = [
            RoomRecord.StopInput(kind: .key, device: "button", code: 28),
            RoomRecord.StopInput(kind: .line, device: "gpiochip0", code: 4),
            RoomRecord.StopInput(kind: .lineLow, device: "gpiochip0", code: 5),
        ]
        let document = try ThresholdDocument(payload: record.payload)
        let read = try RoomRecord(reading: document)
        #expect(read.sources == record.sources && read.stopInputs == record.stopInputs)
        #expect(read.payload == record.payload)
    }
}
