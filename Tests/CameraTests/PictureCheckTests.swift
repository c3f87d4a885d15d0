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

    private func judge(_ facts: PictureCheck.Facts, now: Int64? = nil) -> PictureCheck.Verdict {
        check.judge(facts, now: now ?? facts.timestamp + 1_000_000)
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

    @Test("A time that stands still, runs back, or is not now makes the picture damaged")
    func impossibleTimes() {
        #expect(judge(Self.facts(0, at: 10)) == .picture(lost: 0))
        #expect(judge(Self.facts(1, at: 10)) == .damaged)
        #expect(judge(Self.facts(2, at: 9)) == .damaged)
        let now = Self.start + 20 * Self.interval
        var future = Self.facts(3, at: 0)
        future.timestamp = now + Self.interval + PictureCheck.tolerance + 1
        #expect(judge(future, now: now) == .damaged)
        #expect(judge(Self.facts(4, at: 21)) == .picture(lost: 0))
        let late = Self.start + 22 * Self.interval + PictureCheck.oldest + 1
        #expect(judge(Self.facts(5, at: 22), now: late) == .damaged)
        #expect(judge(Self.facts(6, at: 22), now: late - 1) == .picture(lost: 0))
    }

    @Test("Times that stay impossible end the stream with a reason")
    func patience() {
        #expect(judge(Self.facts(0, at: 10)) == .picture(lost: 0))
        for index in 1..<PictureCheck.patience {
            #expect(judge(Self.facts(UInt32(index), at: 10)) == .damaged)
        }
        guard case .timestampsUnusable = judge(Self.facts(99, at: 10)) else {
            Issue.record("the stream was not given up")
            return
        }
    }

    @Test("A clock other than CLOCK_MONOTONIC is refused at the first picture")
    func otherClock() {
        var facts = Self.facts(0, at: 0)
        facts.isMonotonicClock = false
        #expect(judge(facts) == .timestampsUnusable(reason: "they are not of CLOCK_MONOTONIC"))
    }
}
