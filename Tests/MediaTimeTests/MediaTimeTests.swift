internal import MediaTime
internal import Testing

@Suite("Media time")
struct MediaTimeTests {
    @Test(
        "A tick of any base survives the way to nanoseconds and back",
        arguments: [90_000, 44_100, 48_000]
    )
    func roundTrip(rate: Int) {
        let base = TimeBase.samples(rate: rate)
        var ticks: Int64 = -7
        while ticks < 40_000_000_000 {
            #expect(MediaTime(ticks: ticks, of: base).ticks(of: base) == ticks)
            ticks = ticks * 3 + 22
        }
    }

    @Test("Whole seconds are exact in every base")
    func wholeSeconds() {
        for seconds in [0, 1, 2, 5400, 86_400 * 365] as [Int64] {
            #expect(MediaTime.seconds(seconds).ticks(of: .video) == seconds * 90_000)
            #expect(
                MediaTime(ticks: seconds * 48_000, of: .samples(rate: 48_000)) == .seconds(seconds)
            )
        }
    }

    @Test("Rounding goes where it says, on both sides of zero")
    func rounding() {
        let base = TimeBase(1, 1000)
        let half = MediaTime(nanoseconds: 1_500_000)
        #expect(half.ticks(of: base) == 2)
        #expect(half.ticks(of: base, rounding: .down) == 1)
        #expect(half.ticks(of: base, rounding: .up) == 2)
        let negative = MediaTime(nanoseconds: -1_500_000)
        #expect(negative.ticks(of: base) == -2)
        #expect(negative.ticks(of: base, rounding: .down) == -2)
        #expect(negative.ticks(of: base, rounding: .up) == -1)
        #expect(MediaTime(nanoseconds: 1_499_999).ticks(of: base) == 1)
    }

    @Test("A day at 1001/30000 is exact to the nanosecond")
    func fractionalFrames() {
        let base = TimeBase(1001, 30_000)
        let time = MediaTime(ticks: 2_589_410, of: base)
        #expect(time.nanoseconds == 2_589_410 * 1001 * 100_000 / 3)
        #expect(time.ticks(of: base) == 2_589_410)
    }

    @Test("Times compare, add and print as seconds")
    func arithmetic() {
        #expect(MediaTime.seconds(1) + .milliseconds(500) - .seconds(2) == .milliseconds(-500))
        #expect(MediaTime.milliseconds(-500) < .zero)
        #expect(MediaTime.milliseconds(-500).description == "-0.500000000")
        #expect((MediaTime.seconds(2) * 3).description == "6.000000000")
    }
}
