import CryptoPrimitives
internal import Glibc
import LinuxSystem
import Testing

@testable import Consent

/// The vectors that other implementations may use, held against this one.
///
/// With `LENSCAP_WRITE_VECTORS` set they are made anew first.
@Suite("The test vectors", .serialized)
struct VectorTests {
    private let vectors: [Vector]

    init() throws {
        if getenv("LENSCAP_WRITE_VECTORS") != nil {
            try VectorKeys.write()
            try VectorFolder.write(try VectorGenerator().vectors)
        }
        vectors = try VectorFolder.read()
    }

    @Test("come out as each of them says")
    func judged() throws {
        for vector in vectors {
            #expect(try judge(vector) == vector.reason, "\(vector.name)")
        }
    }

    @Test("are all there: of each kind some that are accepted, and what is mainly refused")
    func complete() throws {
        let made = try VectorGenerator().vectors
        #expect(Set(vectors.map(\.name)).count == vectors.count)
        for kind in Vector.Kind.allCases {
            let own = vectors.filter { $0.kind == kind }
            let wanted = made.filter { $0.kind == kind }
            #expect(own.map(\.name) == wanted.map(\.name))
            #expect(own.map(\.reason) == wanted.map(\.reason))
            #expect(own.contains { $0.reason == nil }, "\(kind)")
            #expect(own.count { $0.reason != nil } >= 5, "\(kind)")
        }
        var bytes = 0
        let folder = try Folder(path: VectorFolder.path)
        for name in try folder.names() where name.hasSuffix(".json") {
            bytes += try folder.file(name).status().size
        }
        #expect(bytes < 200_000)
    }

    @Test("are made with the keys beside them")
    func keys() throws {
        let folder = try Folder(path: VectorFolder.path + "/keys")
        #expect(try folder.names().count == VectorKeys.names.count)
        for (name, algorithm) in VectorKeys.names {
            let pem = try folder.read("\(name).TEST-KEY.pem", limit: 4096)
            #expect(String(decoding: pem, as: UTF8.self) == (try VectorKeys.pem(name, algorithm)))
        }
    }

    // MARK: Judging

    private func text(_ name: CanonicalJSON?) throws -> String {
        guard case .string(let name)? = name else { return "" }
        return try #require(vectors.first { $0.name == name }, "\(name)").input
    }

    private func document(_ name: CanonicalJSON?) throws -> ThresholdDocument {
        try ThresholdDocument(parsing: Array(try text(name).utf8))
    }

    private func challenge(_ name: CanonicalJSON?) throws -> Challenge? {
        guard case .string(let name)? = name else { return nil }
        let vector = try #require(vectors.first { $0.name == name })
        let key = try VerificationKey(jwk: try #require(vector.context["box"]))
        return try Challenge(verifying: vector.input, by: key)
    }

    private func string(_ value: CanonicalJSON?) -> String {
        if case .string(let text)? = value { text } else { "" }
    }

    private func integer(_ value: CanonicalJSON?) -> Int64 {
        if case .integer(let number)? = value { number } else { 0 }
    }

    private func judge(_ vector: Vector) throws -> Refusal.Reason? {
        let context = vector.context
        do {
            switch vector.kind {
            case .authorities, .room, .card, .revocations:
                try judge(vector.kind, Array(vector.input.utf8), context)
            case .challenge:
                let key = try VerificationKey(jwk: try #require(context["box"]))
                _ = try Challenge(verifying: vector.input, by: key)
            case .start: try judgeStart(vector.input, context)
            case .delete, .revoke:
                let card = try TeacherCard(reading: try document(context["card"]))
                let verification = OrderVerification(
                    box: string(context["box"]),
                    challenge: try challenge(context["challenge"])
                )
                if vector.kind == .delete {
                    _ = try verification.verifyDelete(token: vector.input, card: card)
                } else {
                    _ = try verification.verifyRevoke(token: vector.input, card: card)
                }
            }
            return nil
        } catch let refusal as Refusal { return refusal.reason }
    }

    private func judge(_ kind: Vector.Kind, _ bytes: [UInt8], _ context: Members) throws {
        let document = try ThresholdDocument(parsing: bytes)
        guard kind != .authorities else {
            _ = try Authorities(verifying: document)
            return
        }
        let authorities = try Authorities(verifying: try self.document(context["authorities"]))
        switch kind {
        case .room: _ = try RoomRecord(verifying: document, by: authorities)
        case .card: _ = try TeacherCard(verifying: document, by: authorities)
        default: _ = try Revocations(verifying: document, by: authorities)
        }
    }

    private func judgeStart(_ input: String, _ context: Members) throws {
        var files = TrustFiles(
            authorities: Array(try text(context["authorities"]).utf8),
            room: Array(try text(context["room"]).utf8)
        )
        if let name = context["revocations"] { files.revocations = Array(try text(name).utf8) }
        if case .array(let cards)? = context["cards"] {
            files.cards = try cards.map { (string($0), Array(try text($0).utf8)) }
        }
        var used: Set<String> = []
        if case .array(let names)? = context["used"] { used = Set(names.map { string($0) }) }
        let trust = try Trust(files)
        let time = JudgementTime(
            clock: integer(context["clock"]),
            isTrusted: integer(context["timeTrusted"]) == 1,
            floor: trust.floor
        )
        let verification = StartVerification(
            trust: trust,
            challenge: try challenge(context["challenge"]),
            time: time
        ) { [used] in used.contains($0) }
        _ = try verification.verify(
            token: input,
            details: StartDetails(
                purpose: string(context["purpose"]),
                salt: string(context["salt"])
            )
        )
    }
}
