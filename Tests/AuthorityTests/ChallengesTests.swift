import Consent
import CryptoPrimitives
import Testing

@testable import Authority

@Suite("Open challenges")
struct ChallengesTests {
    private static let life: Int64 = 120_000_000_000
    let trust: Trust

    init() throws { trust = try School().trust() }

    private func issue(
        _ challenges: inout Challenges,
        _ connection: UInt64,
        now: Int64 = 0
    ) throws -> Challenge {
        try challenges.issue(
            for: connection,
            trust: trust,
            log: School.log,
            boot: "boot",
            clock: (School.now, false),
            now: now
        )
    }

    @Test("say what the box is and what it would judge by")
    func content() throws {
        var challenges = Challenges()
        let challenge = try issue(&challenges, 1)
        #expect(challenge.box == trust.room.record.box)
        #expect(challenge.record == trust.room.hash)
        #expect((challenge.boot, challenge.log) == ("boot", School.log))
        #expect((challenge.time, challenge.isTimeTrusted) == (School.now, false))
        #expect(challenge.revocations == 0)
        #expect(challenge.challenge.count == 32)
    }

    @Test("are taken once, by their own connection")
    func once() throws {
        var challenges = Challenges()
        #expect(challenges.isEmpty)
        let first = try issue(&challenges, 1)
        let second = try issue(&challenges, 2)
        #expect(first.challenge != second.challenge)
        #expect(challenges.take(for: 3, now: 1) == nil)
        #expect(challenges.take(for: 2, now: 1) == second)
        #expect(challenges.take(for: 2, now: 1) == nil)
        #expect(challenges.take(for: 1, now: 1) == first)
        #expect(challenges.isEmpty)
    }

    @Test("are one a connection: the later takes the earlier one's place")
    func replaced() throws {
        var challenges = Challenges()
        let first = try issue(&challenges, 1)
        let second = try issue(&challenges, 1)
        #expect(first != second)
        #expect(challenges.take(for: 1, now: 1) == second)
        #expect(challenges.take(for: 1, now: 1) == nil)
    }

    @Test("end after 120 seconds of the clock that they are given, and are gone then too")
    func expiry() throws {
        for (now, isOpen) in [(0, true), (Self.life - 1, true), (Self.life, false)] {
            var challenges = Challenges()
            _ = try issue(&challenges, 1)
            #expect((challenges.take(for: 1, now: now) != nil) == isOpen)
            #expect(challenges.isEmpty)
            #expect(challenges.take(for: 1, now: 0) == nil)
        }
    }

    @Test("are 64 in all, and those that ended make room")
    func limit() throws {
        var challenges = Challenges()
        for connection in 0..<UInt64(64) {
            _ = try issue(&challenges, connection, now: Int64(connection))
        }
        func refusal(_ connection: UInt64, now: Int64) -> Refusal.Reason? {
            do throws(Refusal) {
                _ = try challenges.issue(
                    for: connection,
                    trust: trust,
                    log: "",
                    boot: "",
                    clock: (0, true),
                    now: now
                )
                return nil
            } catch { return error.reason }
        }
        #expect(refusal(100, now: 64) == .challenge)
        // A connection that has one may have a fresh one, and nobody else gains by that.
        #expect(refusal(5, now: 64) == nil)
        #expect(refusal(100, now: 64) == .challenge)
        #expect(refusal(100, now: Self.life - 1) == .challenge)
        #expect(refusal(100, now: Self.life) == nil)
        #expect(refusal(101, now: Self.life) == .challenge)
        _ = challenges.take(for: 7, now: Self.life)
        #expect(refusal(101, now: Self.life) == nil)
    }
}

@Suite("Admission to the disk")
struct AdmissionTests {
    private static let admission = Admission(
        videoBitRate: 4_000_000,
        audioBitRate: 128_000,
        reserve: 500_000_000
    )

    @Test("asks for duration, worst rate, a quarter more, and the reserve")
    func figures() {
        func needed(_ seconds: Int64, _ cameras: Int, _ microphones: Int) -> Int {
            Self.admission.needed(seconds: seconds, cameras: cameras, microphones: microphones)
        }
        #expect(needed(0, 2, 1) == 500_000_000)
        // 2 × 4 Mbit/s of picture: 1 MB a second, a quarter more.
        #expect(needed(60, 1, 0) == 60 * 1_250_000 + 500_000_000)
        #expect(needed(60, 0, 1) == 60 * 20_000 + 500_000_000)
        #expect(needed(5400, 2, 1) == 5400 * (2_500_000 + 20_000) + 500_000_000)
        #expect(needed(86_400, 64, 64) > needed(86_400, 64, 63))
    }

    @Test("refuses with both figures one byte short of it, and not at it")
    func check() throws {
        let school = try School()
        let start = try StartVerification(
            trust: try school.trust(),
            challenge: school.challenge,
            time: JudgementTime(clock: School.now, isTrusted: true, floor: 0),
            isUsed: { _ in false }
        ).verify(token: try school.token(), details: School.details)
        let needed = Self.admission.needed(seconds: 600, cameras: 2, microphones: 1)
        try Self.admission.check(start, available: needed)
        do {
            try Self.admission.check(start, available: needed - 1)
            Issue.record("it was admitted")
        } catch {
            guard case .noSpace(let asked, let available) = error else {
                Issue.record("\(error)")
                return
            }
            #expect((asked, available) == (needed, needed - 1))
        }
    }
}
