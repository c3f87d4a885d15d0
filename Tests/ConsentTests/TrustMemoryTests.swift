import CryptoPrimitives
import Testing

@testable import Consent

/// What a box accepts after what it accepted before.
@Suite("A box that accepted records")
struct TrustMemoryTests {
    let council: Council
    let box: SigningKey
    let teacher: SigningKey

    init() throws {
        council = try Council()
        box = try SigningKey.generate(.edDSA)
        teacher = try SigningKey.generate(.edDSA)
    }

    private func files(
        _ council: Council? = nil,
        room: ThresholdDocument? = nil,
        revocations: ThresholdDocument? = nil,
        cards: [ThresholdDocument] = [],
        succession: [UInt8]? = nil
    ) throws -> TrustFiles {
        // A room record names its authorities, so others need another one.
        let sequence: Int64 = council == nil ? 1 : 2
        let council = council ?? self.council
        return TrustFiles(
            authorities: council.document.bytes,
            succession: succession,
            room: try (room ?? council.room(box, sequence: sequence)).bytes,
            revocations: revocations?.bytes,
            cards: cards.enumerated().map { ("\($0.offset).json", $0.element.bytes) }
        )
    }

    @Test("does not take a replaced card back when the card that replaced it is gone")
    func replacedStaysGone() throws {
        let new = try SigningKey.generate(.edDSA)
        let old = try council.card(teacher)
        let next = try council.card(new) {
            $0["replaces"] = .string(teacher.verificationKey.thumbprint)
        }
        let room = try council.room(box, sequence: 1)
        let accepted = try memory(of: try files(room: room, cards: [old, next]))
        let later = try Trust(try files(room: room, cards: [old]), memory: accepted)
        #expect(later.card(hash: old.hash) == nil)
        #expect(later.rejectedCards.map(\.refusal.reason) == [.unknownCard])
    }

    private func memory(of files: TrustFiles) throws -> TrustMemory {
        try Trust(files).remembered(in: TrustMemory())
    }

    private func judge(_ files: TrustFiles, after memory: TrustMemory) -> Refusal.Reason? {
        reason { () throws(Refusal) in _ = try Trust(files, memory: memory) }
    }

    @Test("believes the first ones on their own signatures, and takes the same again")
    func first() throws {
        let all = try files(
            room: council.room(box, sequence: 4),
            revocations: council.revocations(sequence: 6),
            cards: [council.card(teacher)]
        )
        #expect(judge(all, after: TrustMemory()) == nil)
        let memory = try memory(of: all)
        #expect(memory.authoritiesHash == council.document.hash)
        #expect(memory.authoritiesSequence == 1)
        #expect((memory.roomSequence, memory.revocationsSequence) == (4, 6))
        #expect(memory.floor == School.now - 700)
        #expect(memory.cards == [teacher.verificationKey.thumbprint: School.now - 800])
        #expect(judge(all, after: memory) == nil)
        #expect(try Trust(all, memory: memory).remembered(in: memory).bytes == memory.bytes)
    }

    @Test("takes later rooms and no earlier one, nor another of the same sequence")
    func room() throws {
        let accepted = try council.room(box, sequence: 5)
        let memory = try memory(of: try files(room: accepted))
        #expect(judge(try files(room: accepted), after: memory) == nil)
        for (sequence, expected) in [
            (6, nil), (100, nil), (5, Refusal.Reason.record), (4, .record), (0, .record),
        ] as [(Int64, Refusal.Reason?)] {
            let other = try council.room(box, sequence: sequence) { $0["room"] = .string("Art") }
            #expect(judge(try files(room: other), after: memory) == expected, "\(sequence)")
        }
    }

    @Test("takes later revocations and no earlier ones, no others of that sequence, and not none")
    func revocations() throws {
        let accepted = try council.revocations([.lost(teacher)], sequence: 5)
        let memory = try memory(of: try files(revocations: accepted))
        #expect(judge(try files(revocations: accepted), after: memory) == nil)
        #expect(judge(try files(), after: memory) == .revoked)
        for (sequence, expected) in [
            (6, nil), (5, Refusal.Reason.revoked), (4, .revoked), (0, .revoked),
        ] as [(Int64, Refusal.Reason?)] {
            let other = try council.revocations([], sequence: sequence)
            #expect(judge(try files(revocations: other), after: memory) == expected, "\(sequence)")
        }
        // The first ones may come later than the rest.
        let none = try self.memory(of: try files())
        #expect(judge(try files(revocations: accepted), after: none) == nil)
        #expect(judge(try files(), after: none) == nil)
    }

    @Test("puts aside a card older than the newest it had of that key, and no other card")
    func card() throws {
        let new = try council.card(teacher, issued: School.now - 10)
        let old = try council.card(teacher, issued: School.now - 11)
        let colleague = try council.card(try SigningKey.generate(.es256), issued: 1)
        let memory = try memory(of: try files(cards: [old, new]))
        let trust = try Trust(try files(cards: [old, colleague]), memory: memory)
        #expect(trust.rejectedCards.map(\.refusal.reason) == [.unknownCard])
        #expect(trust.rejectedCards.map(\.name) == ["0.json"])
        #expect(trust.card(hash: colleague.hash) != nil)
        #expect(try Trust(try files(cards: [new]), memory: memory).rejectedCards.isEmpty)
        // Taking the card away for a while does not make it forgotten.
        let without = try Trust(try files(), memory: memory).remembered(in: memory)
        #expect(try Trust(try files(cards: [old]), memory: without).rejectedCards.count == 1)
        #expect(without.floor == memory.floor)
    }

    @Test("has a time floor that never sinks")
    func floor() throws {
        let high = try memory(of: try files(cards: [council.card(teacher, issued: School.now)]))
        let next = try Trust(try files(), memory: high).remembered(in: high)
        #expect(next.floor == School.now)
    }

    // MARK: Succession

    /// The next authorities, and their document under signatures of both.
    private func succession(
        old: [Int],
        new: [Int],
        sequence: Int64 = 2,
        threshold: Int = 2
    ) throws -> (council: Council, document: ThresholdDocument) {
        let next = try Council(threshold: threshold, sequence: sequence)
        let document = try School.document(
            CanonicalJSON(parsing: next.document.payload),
            as: .authorities,
            by: old.map { council.keys[$0] } + new.map { next.keys[$0] }
        )
        return (next, document)
    }

    @Test("takes other authorities only with enough signatures of the old and of the new")
    func bothThresholds() throws {
        let memory = try memory(of: try files())
        for (old, new, expected) in [
            ([0, 1], [0, 1], nil), ([1, 2], [2, 0], nil), ([0, 1, 2], [0, 1, 2], nil),
            ([0], [0, 1, 2], Refusal.Reason.quorum), ([0, 0], [0, 1], .quorum),
            ([], [0, 1, 2], .quorum), ([0, 1, 2], [0], .quorum), ([0, 1], [], .quorum),
            ([0, 1], [1, 1], .quorum),
        ] as [([Int], [Int], Refusal.Reason?)] {
            let (next, document) = try succession(old: old, new: new)
            let files = try files(next, succession: document.bytes)
            #expect(judge(files, after: memory) == expected, "\(old) \(new)")
        }
        let (next, _) = try succession(old: [0, 1], new: [0, 1])
        #expect(judge(try files(next), after: memory) == .quorum)
        #expect(judge(try files(next, succession: []), after: memory) == .malformed)
        #expect(judge(try files(next, succession: next.document.bytes), after: memory) == .quorum)
    }

    @Test("takes a succession only of those authorities, and only a later one")
    func otherSuccession() throws {
        let memory = try memory(of: try files())
        for sequence: Int64 in [0, 1] {
            let (next, document) = try succession(old: [0, 1], new: [0, 1], sequence: sequence)
            #expect(judge(try files(next, succession: document.bytes), after: memory) == .quorum)
        }
        let (_, document) = try succession(old: [0, 1], new: [0, 1])
        let (another, _) = try succession(old: [], new: [0])
        #expect(judge(try files(another, succession: document.bytes), after: memory) == .quorum)
    }

    @Test("takes no succession with one bad or unknown signature among enough good ones")
    func badSuccession() throws {
        let memory = try memory(of: try files())
        let (next, document) = try succession(old: [0, 1, 2], new: [0, 1, 2])
        var unknown = document
        try unknown.sign(as: .authorities, with: teacher)
        #expect(judge(try files(next, succession: unknown.bytes), after: memory) == .unknownKey)
        var kind = document
        try kind.sign(as: .room, with: council.keys[0])
        #expect(judge(try files(next, succession: kind.bytes), after: memory) == .header)
        let good = try CanonicalJSON(parsing: document.bytes)
        guard case .array(let signatures)? = good.members["signatures"] else { return }
        #expect(signatures.count == 6)
        for index in signatures.indices {
            var changed = signatures
            let other = signatures[(index + 1) % signatures.count].members["signature"]
            changed[index] = changed[index].changed { $0["signature"] = other }
            let bad = good.changed { $0["signatures"] = .array(changed) }.bytes
            #expect(judge(try files(next, succession: bad), after: memory) == .signature)
        }
    }

    @Test("goes on from the new authorities: the old ones have no say and do not come back")
    func after() throws {
        let before = try memory(of: try files())
        let (next, document) = try succession(old: [0, 1], new: [0, 1])
        let room = try next.room(box, sequence: 2)
        let files = try files(next, room: room, succession: document.bytes)
        let memory = try Trust(files, memory: before).remembered(in: before)
        #expect(memory.authoritiesHash == next.document.hash)
        #expect(memory.authoritiesSequence == 2)
        #expect(judge(files, after: memory) == nil)
        #expect(judge(try self.files(next, room: room), after: memory) == nil)
        #expect(judge(try self.files(), after: memory) == .quorum)
        // Old ones alone do not make a third; the new ones do.
        let third = try Council(sequence: 3)
        for (keys, expected) in [(council.keys, Refusal.Reason.unknownKey), (next.keys, nil)] {
            let document = try School.document(
                CanonicalJSON(parsing: third.document.payload),
                as: .authorities,
                by: keys + third.keys
            )
            let files = try self.files(
                third,
                room: third.room(box, sequence: 3),
                succession: document.bytes
            )
            #expect(judge(files, after: memory) == expected)
        }
    }

    @Test("lets somebody who stays an authority sign for both")
    func overlap() throws {
        let memory = try memory(of: try files())
        let keys = [council.keys[0], council.keys[1], try SigningKey.generate(.es256)]
        let next = try Council(keys: keys, sequence: 2)
        for (signers, expected) in [
            ([0, 1], nil), ([0, 2], Refusal.Reason.quorum), ([0, 1, 2], nil),
        ] {
            let document = try School.document(
                CanonicalJSON(parsing: next.document.payload),
                as: .authorities,
                by: signers.map { keys[$0] }
            )
            #expect(judge(try files(next, succession: document.bytes), after: memory) == expected)
        }
    }

    // MARK: Bytes

    @Test("remembers it in bytes that are read as they were written")
    func roundTrip() throws {
        for memory in [
            TrustMemory(), try memory(of: try files()),
            try memory(
                of: try files(
                    revocations: council.revocations([.lost(teacher)], sequence: 3),
                    cards: [council.card(teacher), council.card(SigningKey.generate(.es256))]
                )
            ),
        ] {
            let read = try TrustMemory(parsing: memory.bytes)
            #expect(read.bytes == memory.bytes)
            #expect(read.cards == memory.cards)
            #expect(read.authorities.map(\.key) == memory.authorities.map(\.key))
        }
    }

    @Test("takes no other bytes for its memory")
    func hostile() throws {
        let good = try memory(
            of: try files(revocations: council.revocations(), cards: [council.card(teacher)])
        ).bytes
        let variants = HostileJSON.variants(of: try CanonicalJSON(parsing: good))
        #expect(variants.count == 10 * HostileJSON.eachMember + HostileJSON.whole)
        let empty = ["\"authorities\" is []", "\"cards\" is []"]
        for variant in variants where !empty.contains(variant.description) {
            let found = reason { () throws(Refusal) in
                _ = try TrustMemory(parsing: variant.bytes)
            }
            #expect(found == .notEnrolled, "\(variant)")
        }
        for count in stride(from: 0, to: good.count, by: 7) {
            let found = reason { () throws(Refusal) in
                _ = try TrustMemory(parsing: Array(good.prefix(count)))
            }
            #expect(found == .notEnrolled)
        }
    }
}
