import Consent
import CryptoPrimitives
import Testing

@testable import TeacherTools

@Suite("A request for an order")
struct OrderRequestTests {
    let room: Staffroom

    init() throws { room = try Staffroom() }

    private static let orders: [OrderRequest.Order] = [
        .revoke, .delete(recording: Staffroom.recording, from: 0, to: 0),
        .delete(recording: Staffroom.recording, from: 1, to: 9_007_199_254_740_991),
    ]

    @Test("is read back as it was, with its line feed or without", arguments: orders)
    func roundTrip(order: OrderRequest.Order) throws {
        let request = OrderRequest(challenge: try room.challenge(), order: order)
        for bytes in [request.bytes, request.bytes + [0x0A]] {
            let read = try #require(try OrderRequest(parsing: bytes))
            #expect(read.challenge == request.challenge)
            #expect(read.order == order)
            #expect(read.bytes == request.bytes)
        }
    }

    @Test("is told from a request to sign a start, and that from it")
    func kinds() throws {
        #expect(try OrderRequest(parsing: room.request().bytes()) == nil)
        for order in Self.orders {
            let bytes = OrderRequest(challenge: try room.challenge(), order: order).bytes
            #expect(kind { _ = try SigningRequest(parsing: bytes) } == "unreadable")
        }
    }

    @Test("in any other spelling is none")
    func hostile() throws {
        for order in Self.orders {
            let good = OrderRequest(challenge: try room.challenge(), order: order).bytes
            let text = String(decoding: good, as: UTF8.self)
            guard case .object(let members) = try CanonicalJSON(parsing: good) else { continue }
            var variants: [[UInt8]] = [
                text + "\n\n", text + " ", " " + text, text + "{}", "[\(text)]", "", "null",
                text.replacing(":", with: ": "), String(text.dropLast()),
                String(text.dropLast()) + ",\"zz\":1}",
                text.replacing("{", with: "{\"card\":\"x\","),
                text.replacing("\"order\"", with: "\"order\":\"revoke\",\"order\""),
                text.replacing("revoke", with: "Revoke").replacing("delete", with: "start"),
                text.replacing("challenge", with: "\\u0063hallenge"),
            ].map { Array($0.utf8) }
            for (name, value) in members {
                for other in [
                    name == "order" ? CanonicalJSON.string("") : nil, .object([:]), .array([value]),
                ] {
                    var changed = members
                    changed[name] = other
                    variants.append(CanonicalJSON.object(changed).bytes)
                }
            }
            #expect(variants.count == 14 + members.count * 3)
            for variant in variants {
                #expect(
                    kind { _ = try OrderRequest(parsing: variant) } == "unreadable",
                    "\(String(decoding: variant, as: UTF8.self))"
                )
            }
        }
        // Without the word that makes it one it is left to others.
        #expect(try OrderRequest(parsing: Array("{}".utf8)) == nil)
    }

    @Test("becomes an order that the box obeys, with the teacher's key and a fresh number")
    func sign() throws {
        let card = try TeacherCard(reading: room.card)
        let challenge = try Challenge(
            verifying: room.challenge(),
            by: room.box.verificationKey
        )
        let verification = OrderVerification(
            box: room.box.verificationKey.thumbprint,
            challenge: challenge
        )
        func sign(_ order: OrderRequest.Order) throws -> String {
            try OrderRequest(challenge: room.challenge(), order: order).sign(for: room.folder)
        }
        let order = OrderRequest.Order.delete(recording: Staffroom.recording, from: 3, to: 8)
        let first = try verification.verifyDelete(token: sign(order), card: card)
        let second = try verification.verifyDelete(token: sign(order), card: card)
        #expect((first.from, first.to, first.recording) == (3, 8, Staffroom.recording))
        #expect(first.identifier != second.identifier)
        let revoke = try verification.verifyRevoke(token: sign(.revoke), card: card)
        #expect(revoke.teacher == card.teacher)
        #expect(
            kind { _ = try verification.verifyDelete(token: sign(.revoke), card: card) } != "none"
        )
        #expect(
            kind { _ = try verification.verifyRevoke(token: sign(order), card: card) } != "none"
        )
    }

    @Test("is not signed for a box that the teacher does not know, nor under another record")
    func foreign() throws {
        let stranger = try SigningKey.generate(.es256)
        let other = Base64URL.encode([UInt8](repeating: 0, count: 32))
        let name = stranger.verificationKey.thumbprint
        let challenges: [(String, String)] = [
            (try room.challenge(by: stranger), "signature"),
            (try room.challenge(by: stranger, box: name), "missing"),
            (try room.challenge(box: name), "missing"),
            (try room.challenge(type: .delete), "header"),
            (try room.challenge(box: "../../etc/passwd"), "payload"),
            (try room.challenge() + "A", "signature"), ("", "malformed"),
        ]
        for (challenge, expected) in challenges {
            for order in Self.orders {
                let request = OrderRequest(challenge: challenge, order: order)
                #expect(kind { _ = try request.sign(for: room.folder) } == expected)
            }
        }
        // An order is towards privacy: a room record that was renewed since does not stop it.
        for order in Self.orders {
            let request = OrderRequest(challenge: try room.challenge(record: other), order: order)
            #expect(kind { _ = try request.sign(for: room.folder) } == "none")
        }
        let nobody = TeacherFolder(path: room.path + "/nothing")
        let request = OrderRequest(challenge: try room.challenge(), order: .revoke)
        #expect(kind { _ = try request.sign(for: nobody) } == "missing")
    }
}
