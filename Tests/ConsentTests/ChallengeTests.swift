import CryptoPrimitives
import Testing

@testable import Consent

@Suite("A challenge")
struct ChallengeTests {
    @Test("is read back as the box gave it, and only under the box's key")
    func roundTrip() throws {
        let school = try School()
        let challenge = school.challenge
        let text = try CompactJWS(
            payload: challenge.payload.bytes,
            type: .challenge,
            by: school.box
        ).text
        #expect(try Challenge(verifying: text, by: school.box.verificationKey) == challenge)
        let other = try SigningKey.generate(.edDSA)
        #expect(
            reason { () throws(Refusal) in
                _ = try Challenge(verifying: text, by: other.verificationKey)
            } == .signature
        )
        let start = try CompactJWS(payload: challenge.payload.bytes, type: .start, by: school.box)
        #expect(
            reason { () throws(Refusal) in
                _ = try Challenge(verifying: start.text, by: school.box.verificationKey)
            } == .header
        )
    }

    @Test("in any other spelling is not a challenge")
    func spelling() throws {
        let school = try School()
        let variants = HostileJSON.variants(of: school.challenge.payload)
        #expect(variants.count == 8 * HostileJSON.eachMember + HostileJSON.whole)
        for variant in variants {
            let token = try CompactJWS(payload: variant.bytes, type: .challenge, by: school.box)
            let reason = reason { () throws(Refusal) in
                _ = try Challenge(verifying: token.text, by: school.box.verificationKey)
            }
            #expect(reason != nil, "\(variant)")
        }
    }
}
