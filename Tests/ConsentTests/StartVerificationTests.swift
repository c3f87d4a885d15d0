import CryptoPrimitives
import Testing

@testable import Consent

/// One thing wrong with a start, in the order in which the design has them found.
enum Fault: CaseIterable, Sendable {
    case oversized, malformed, notCanonical, header, unknownCard, cardKey, expired, agreement
    case revoked, algorithm, signature, payload, teacher, box, record, sources, duration,
        notInformed
    case version, recipient, replayed, details, purpose, challenge, log, closed

    var reason: Refusal.Reason {
        switch self {
        case .oversized: .oversized
        case .malformed: .malformed
        case .notCanonical: .notCanonical
        case .header: .header
        case .unknownCard: .unknownCard
        case .cardKey: .cardKey
        case .expired: .expired
        case .agreement: .agreement
        case .revoked: .revoked
        case .algorithm: .algorithm
        case .signature: .signature
        case .payload: .payload
        case .teacher: .teacher
        case .box: .box
        case .record: .record
        case .sources: .sources
        case .duration: .duration
        case .notInformed: .notInformed
        case .version: .version
        case .recipient: .recipient
        case .replayed: .replayed
        case .details: .details
        case .purpose: .purpose
        case .challenge: .challenge
        case .log: .log
        case .closed: .closed
        }
    }
}

/// A start with any number of faults at once.
struct FaultyStart {
    let faults: Set<Fault>

    func outcome() throws -> Refusal.Reason? {
        let school = try School(
            room: { room in
                guard faults.contains(.closed) else { return }
                room["closed"] = .array([
                    .object(["from": .integer(School.now - 1), "to": .integer(School.now + 1)])
                ])
            },
            card: { card in
                if faults.contains(.expired) { card["expires"] = .integer(School.now) }
                guard faults.contains(.agreement) else { return }
                card["agreement"] = .object([
                    "id": .string("2019"), "language": .string("en"),
                    "sha256": .string(School.agreement),
                ])
            }
        )
        let details =
            faults.contains(.purpose)
            ? StartDetails(purpose: "appraisal", salt: School.details.salt) : School.details
        let trust = try Trust(
            TrustFiles(
                authorities: school.authorities.bytes,
                room: school.room.bytes,
                cards: [("card.json", school.card.bytes)],
                ownRevocations: faults.contains(.revoked)
                    ? [school.teacher.verificationKey.thumbprint] : []
            )
        )
        let isReplayed = faults.contains(.replayed)
        let verification = StartVerification(
            trust: trust,
            challenge: faults.contains(.challenge) ? nil : school.challenge,
            time: JudgementTime(clock: School.now, isTrusted: true, floor: trust.floor),
            isUsed: { _ in isReplayed }
        )
        let token = try text(school, details)
        return reason { () throws(Refusal) in
            _ = try verification.verify(token: token, details: details)
        }
    }

    private func text(_ school: School, _ details: StartDetails) throws -> String {
        let stranger = try SigningKey.generate(.edDSA)
        let header = school.header.changed { header in
            if faults.contains(.header) { header["typ"] = .string("lenscap-challenge+jwt") }
            if faults.contains(.algorithm) { header["alg"] = .string("ES256") }
            if faults.contains(.cardKey) {
                header["kid"] = .string(stranger.verificationKey.thumbprint)
            }
        }
        let claims = try school.claims(details: details).changed { claims in
            for fault in faults { spoil(&claims, fault) }
        }
        var text = try school.token(
            header: header.bytes,
            claims: claims.bytes,
            by: faults.contains(.signature) ? stranger : nil
        )
        if faults.contains(.notCanonical) { text += "=" }
        if faults.contains(.malformed) { text += "." }
        if faults.contains(.oversized) { text += String(repeating: "A", count: 8192) }
        return text
    }

    private func spoil(_ claims: inout Members, _ fault: Fault) {
        let hash = CanonicalJSON.string(Base64URL.encode([UInt8](repeating: 1, count: 32)))
        switch fault {
        case .unknownCard: claims["card"] = hash
        case .payload: claims["zz"] = .integer(1)
        case .teacher: claims["sub"] = .string("bbbbbbbbbbbbbbbbbbbbbbbbbb")
        case .box: claims["aud"] = hash
        case .record: claims["record"] = hash
        case .sources: claims["cameras"] = .string("ceiling")
        case .duration: claims["duration"] = .integer(59)
        case .notInformed: claims["informed"] = .integer(0)
        case .version: claims["version"] = .integer(2)
        case .recipient: claims["recipient"] = .string("age1")
        case .details: claims["details"] = hash
        case .log:
            claims["log"] = .string("1:" + Base64URL.encode([UInt8](repeating: 1, count: 32)))
        default: break
        }
    }
}

@Suite("A start")
struct StartVerificationTests {
    @Test("is accepted when everything is right", arguments: SignatureAlgorithm.allCases, [1, 3])
    func accepted(algorithm: SignatureAlgorithm, authorities: Int) throws {
        let school = try School(
            authorities: authorities,
            threshold: (authorities + 1) / 2,
            teacher: algorithm
        )
        let trust = try school.trust()
        let verification = StartVerification(
            trust: trust,
            challenge: school.challenge,
            time: JudgementTime(clock: School.now, isTrusted: true, floor: trust.floor),
            isUsed: { _ in false }
        )
        let token = try school.token()
        let start = try verification.verify(token: token, details: School.details)
        #expect(start.token.recording == "000102030405060708090a0b0c0d0e0f")
        #expect(start.token.cameras == ["board", "class"])
        #expect(start.token.microphones == ["desk"])
        #expect(start.tokenText == token)
        #expect(start.card.hash == school.card.hash)
        #expect(start.card.document == school.card.bytes)
        #expect(start.details == School.details)
    }

    @Test("is refused for its one fault, by its own reason", arguments: Fault.allCases)
    func refused(fault: Fault) throws {
        #expect(try FaultyStart(faults: [fault]).outcome() == fault.reason)
    }

    @Test("with two faults is refused for the one that the design looks at first")
    func order() throws {
        let faults = Fault.allCases
        var pairs = 0
        for (index, first) in faults.enumerated() {
            for second in faults[(index + 1)...] {
                let reason = try FaultyStart(faults: [first, second]).outcome()
                #expect(reason == first.reason, "\(first) and \(second)")
                pairs += 1
            }
        }
        #expect(pairs == 325)
        #expect(try FaultyStart(faults: Set(faults)).outcome() == .oversized)
    }

    @Test("reports every refusal of its own under a reason that no other step has")
    func distinct() {
        #expect(Set(Fault.allCases.map(\.reason)).count == Fault.allCases.count)
    }

    @Test(
        "lasts from a minute to the room's maximum",
        arguments: [
            (0, false), (59, false), (60, true), (61, true), (5399, true), (5400, true),
            (5401, false), (CanonicalJSON.maximumInteger, false),
        ]
    )
    func duration(seconds: Int64, isAccepted: Bool) throws {
        let school = try School()
        let token = try school.token(claims: { $0["duration"] = .integer(seconds) })
        #expect(try school.refusal(of: token) == (isAccepted ? nil : .duration))
    }

    @Test(
        "names sources of the room, of the right kind, sorted and once",
        arguments: [
            ("board", "", true), ("", "desk", true), ("board,class", "desk", true),
            ("", "", false), ("class,board", "desk", false), ("board,board", "desk", false),
            ("desk", "", false), ("", "board", false), ("ceiling", "", false),
            ("board,", "", false), (",board", "", false), ("board,,class", "", false),
            (",", "desk", false), ("board ,class", "", false), (" board", "", false),
            ("Board", "", false), ("board\u{0}", "", false), ("board", "desk,desk", false),
            ("board;class", "", false), ("*", "*", false), ("board,class,desk", "", false),
        ]
    )
    func sources(cameras: String, microphones: String, isAccepted: Bool) throws {
        let school = try School()
        let token = try school.token(claims: {
            $0["cameras"] = .string(cameras)
            $0["microphones"] = .string(microphones)
        })
        #expect(try school.refusal(of: token) == (isAccepted ? nil : .sources))
    }

    @Test("is refused unless those present were told", arguments: [0, 2, 1 << 32, 1 << 53 - 1])
    func informed(value: Int64) throws {
        let school = try School()
        let token = try school.token(claims: { $0["informed"] = .integer(value) })
        #expect(try school.refusal(of: token) == .notInformed)
    }

    @Test("of another version is refused", arguments: [0, 2, 1 << 53 - 1])
    func version(value: Int64) throws {
        let school = try School()
        let token = try school.token(claims: { $0["version"] = .integer(value) })
        #expect(try school.refusal(of: token) == .version)
    }

    @Test("with a fresh recipient for this lesson is accepted")
    func freshRecipient() throws {
        let school = try School()
        let fresh = try School.freshRecipient()
        let token = try school.token(claims: { $0["recipient"] = .string(fresh) })
        #expect(try school.refusal(of: token) == nil)
    }

    /// u-coordinates of low order, those that are not canonical among them (RFC 7748 section 6.1;
    /// cr.yp.to/ecdh.html#validate).
    static let lowOrder = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000080",
        // Not of low order, but not canonical: what is sealed to it, nobody opens.
        "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "09000000000000000000000000000000000000000000000000000000000000ff",
    ]

    @Test("to a recipient of low order or of another spelling is refused", arguments: lowOrder)
    func lowOrderRecipient(point: String) throws {
        let school = try School()
        let recipient = Bech32.encode(prefix: "age", try #require(Hex.decode(point)))
        let token = try school.token(claims: { $0["recipient"] = .string(recipient) })
        #expect(try school.refusal(of: token) == .recipient)
        let named = try School(card: { $0["recipients"] = .array([.string(recipient)]) })
        #expect(try named.trust().rejectedCards.map(\.refusal.reason) == [.recipient])
    }

    @Test("to a recipient that is not written as age writes it is refused")
    func malformedRecipient() throws {
        let school = try School()
        let good = school.recipient
        let key = try #require(Bech32.decode(good, prefix: "age"))
        let altered = good.dropLast() + (good.hasSuffix("q") ? "p" : "q")
        let spellings: [String] = [
            "", "age", "age1", good.uppercased(), good + " ", " " + good, good + "\n",
            String(good.dropLast()), good + "q", String(altered),
            good.replacing("age1", with: "age2"),
            Bech32.encode(prefix: "ag", key), Bech32.encode(prefix: "age-secret-key-", key),
            Bech32.encode(prefix: "age1pq", key), Bech32.encode(prefix: "age", key + [0]),
            Bech32.encode(prefix: "age", Array(key.dropLast())), Hex.encode(key), good + "," + good,
            "ssh-ed25519 AAAA", String(repeating: "a", count: 4000),
        ]
        #expect(spellings.count == 20)
        for spelling in spellings {
            let token = try school.token(claims: { $0["recipient"] = .string(spelling) })
            #expect(try school.refusal(of: token) == .recipient, "\(spelling)")
        }
    }

    @Test("whose details do not open the token's hash of them is refused")
    func details() throws {
        let school = try School()
        let token = try school.token()
        func salt(_ count: Int, _ byte: UInt8 = 9) -> String {
            Base64URL.encode([UInt8](repeating: byte, count: count))
        }
        for other in [
            StartDetails(purpose: "coaching", salt: School.details.salt),
            StartDetails(purpose: "reflection", salt: salt(32, 8)),
            StartDetails(purpose: "reflection", salt: School.details.salt + "="),
            StartDetails(purpose: "reflection ", salt: School.details.salt),
            StartDetails(purpose: "réflexion", salt: School.details.salt),
            StartDetails(purpose: "", salt: ""),
        ] {
            #expect(try school.refusal(of: token, details: other) == .details)
        }
        for short in ["", salt(1), salt(16), salt(31), salt(33), salt(32) + "=", "not base64!"] {
            let details = StartDetails(purpose: "reflection", salt: short)
            let own = try school.token(
                header: school.header.bytes,
                claims: school.claims(details: details).bytes
            )
            #expect(try school.refusal(of: own, details: details) == .details, "\(short)")
        }
    }

    @Test("answers the challenge of its connection and no other")
    func challenge() throws {
        let school = try School()
        let other = Base64URL.encode([UInt8](repeating: 8, count: 32))
        for text in ["", other, Base64URL.encode(school.challenge.challenge) + "=", "AA"] {
            let token = try school.token(claims: { $0["challenge"] = .string(text) })
            #expect(try school.refusal(of: token) == .challenge)
        }
    }

    @Test("is refused while the room is closed, and at its bounds as they are written")
    func closedTimes() throws {
        let now = School.now
        for (from, to, isClosed) in [
            (now, now + 1, true), (now - 1, now, false), (now + 1, now + 2, false),
            (now - 10, now + 10, true), (now - 1, now + 1, true),
        ] {
            let school = try School(room: {
                $0["closed"] = .array([.object(["from": .integer(from), "to": .integer(to)])])
            })
            let reason = try school.refusal(of: try school.token())
            #expect(reason == (isClosed ? .closed : nil))
        }
    }

    @Test("ends where the room closes, and has no time where it has closed meanwhile")
    func seconds() throws {
        let now = School.now
        func seconds(_ closed: [(Int64, Int64)], from time: Int64) throws -> Int64 {
            let times = closed.map {
                CanonicalJSON.object(["from": .integer($0.0), "to": .integer($0.1)])
            }
            let school = try School(room: { $0["closed"] = .array(times) })
            let trust = try school.trust()
            let start = try StartVerification(
                trust: trust,
                challenge: school.challenge,
                time: JudgementTime(clock: now, isTrusted: true, floor: 0),
                isUsed: { _ in false }
            ).verify(token: try school.token(), details: School.details)
            return start.seconds(from: time, in: trust.room.record)
        }
        #expect(try seconds([], from: now) == 600)
        #expect(try seconds([(now + 599, now + 700)], from: now) == 599)
        #expect(try seconds([(now + 600, now + 700)], from: now) == 600)
        #expect(try seconds([(now + 5000, now + 5001)], from: now) == 600)
        #expect(try seconds([(now + 300, now + 400), (now + 100, now + 200)], from: now) == 100)
        #expect(try seconds([(now - 100, now)], from: now) == 600)
        // The lamp and the gate take their time after the start was verified.
        #expect(try seconds([(now + 1, now + 100)], from: now + 1) == 0)
        #expect(try seconds([(now + 1, now + 100)], from: now + 3) == 0)
        #expect(try seconds([(now + 1, now + 2)], from: now + 2) == 600)
    }
}
