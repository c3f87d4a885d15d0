import Testing

@testable import Camera

@Suite final class PictureCheckTests {
    private static let interval: Int64 = 40_000_000
    private static let start: Int64 = 5_000_000_000

    private var check = PictureCheck(pictureSize: 1000, interval: PictureCheckTests.interval)

    private static func facts(_ sequence: UInt32, at index: Int64) -> PictureCheck.Facts {
        PictureCheck.Facts(
            sequence: sequence,
            hasError: false,
            isMonotonicClock: true,
            bytes: 1000,
            timestamp: start + index * interval
        )
    }

    private func judge(_ facts: PictureCheck.Facts) -> Judgement {
        switch check.judge(facts, now: facts.timestamp + 1_000_000) {
        case .picture(let lost, let time):
            #expect(time == facts.timestamp)
            return .picture(lost: lost)
        case .damaged: return .damaged
        }
    }

    @Test("A jump in the sequence is so many lost pictures, also across its end")
    func gaps() {
        #expect(judge(Self.facts(7, at: 0)) == .picture(lost: 0))
        #expect(judge(Self.facts(8, at: 1)) == .picture(lost: 0))
        #expect(judge(Self.facts(12, at: 5)) == .picture(lost: 3))
        check = PictureCheck(pictureSize: 1000, interval: PictureCheckTests.interval)
        #expect(judge(Self.facts(.max - 1, at: 0)) == .picture(lost: 0))
        #expect(judge(Self.facts(1, at: 3)) == .picture(lost: 2))
    }

    @Test("A sequence that starts anew or stands still counts as no loss")
    func restarts() {
        #expect(judge(Self.facts(500, at: 0)) == .picture(lost: 0))
        #expect(judge(Self.facts(0, at: 1)) == .picture(lost: 0))
        #expect(judge(Self.facts(0, at: 2)) == .picture(lost: 0))
        #expect(judge(Self.facts(1, at: 3)) == .picture(lost: 0))
    }

    @Test("A flagged or short picture is damaged, and what was lost before it is still said")
    func damaged() {
        #expect(judge(Self.facts(0, at: 0)) == .picture(lost: 0))
        var flagged = Self.facts(3, at: 3)
        flagged.hasError = true
        #expect(judge(flagged) == .damaged)
        var short = Self.facts(4, at: 4)
        short.bytes = 999
        #expect(judge(short) == .damaged)
        #expect(judge(Self.facts(5, at: 5)) == .picture(lost: 2))
    }

    @Test("Empty buffers with an error, as an unplugged device returns them, count as no loss")
    func returned() {
        #expect(judge(Self.facts(90, at: 0)) == .picture(lost: 0))
        var empty = Self.facts(0, at: 1)
        empty.hasError = true
        empty.bytes = 0
        #expect(judge(empty) == .damaged)
        #expect(judge(Self.facts(91, at: 2)) == .picture(lost: 0))
    }

    @Test("A time that stands still, runs back, or is not now is replaced and counted")
    func impossibleTimes() {
        #expect(judge(Self.facts(0, at: 10)) == .picture(lost: 0))
        for (index, stated) in [10, 9, -1_000, 1_000].enumerated() {
            let index = Int64(index) + 11
            let seen = Self.start + index * Self.interval
            let verdict = check.judge(Self.facts(UInt32(index), at: Int64(stated)), now: seen)
            guard case .picture(_, let time) = verdict else {
                Issue.record("\(verdict)")
                return
            }
            #expect(abs(time - seen) < 2_000_000)
            #expect(check.estimates == Int(index) - 10)
        }
        #expect(judge(Self.facts(15, at: 15)) == .picture(lost: 0))
        #expect(check.estimates == 4)
    }

    @Test("A picture may be as old as the driver's ring since the last look, and no older")
    func late() {
        _ = judge(Self.facts(0, at: 0))
        let later = Self.start + 10_000_000_000
        // The reader was held up for ten seconds; what the ring held then comes first.
        for index in Int64(1)...8 {
            #expect(
                check.judge(Self.facts(UInt32(index), at: index), now: later)
                    == .picture(lost: 0, time: Self.start + index * Self.interval)
            )
        }
        #expect(check.estimates == 0)
        _ = check.judge(Self.facts(9, at: 9), now: later)
        #expect(check.estimates == 1)
    }

    @Test("A camera whose clock is another one gets even times near those at which it is seen")
    func otherClock() {
        var last: Int64 = .min
        for index in Int64(0)..<1_000 {
            var facts = Self.facts(UInt32(index), at: 0)
            facts.isMonotonicClock = false
            facts.timestamp = index
            // One part in a thousand slower than it says, and up to 5 ms late.
            let seen = Self.start + index * 40_040_000 + index % 6 * 1_000_000
            guard case .picture(_, let time) = check.judge(facts, now: seen) else {
                Issue.record("picture \(index) was refused")
                return
            }
            #expect(time > last)
            #expect(abs(time - seen) < 6_000_000)
            last = time
        }
        #expect(check.estimates == 1_000)
    }

    @Test("A clock that wraps costs nothing but the count")
    func wraps() {
        for index in Int64(0)..<100 {
            var facts = Self.facts(UInt32(index), at: index)
            if index >= 50 { facts.timestamp = (index - 50) * Self.interval }
            let seen = Self.start + index * Self.interval + 1_000_000
            guard case .picture(_, let time) = check.judge(facts, now: seen) else { continue }
            #expect(abs(time - seen) < 2_000_000)
        }
        #expect(check.estimates == 50)
    }
}

/// A verdict without its time.
private enum Judgement: Hashable {
    case picture(lost: UInt32)
    case damaged
}
