internal import LinuxSystem
internal import Testing

@Suite struct ClockTests {
    @Test("A time that a driver states is nanoseconds, and one that does not fit is before all")
    func stated() {
        #expect(Clock.nanoseconds(seconds: 0, nanoseconds: 0) == 0)
        #expect(Clock.nanoseconds(seconds: 12, nanoseconds: 345) == 12_000_000_345)
        #expect(Clock.nanoseconds(seconds: -1, nanoseconds: 1) == -999_999_999)
        #expect(Clock.nanoseconds(seconds: 9_223_372_036, nanoseconds: 854_775_807) == .max)
        for (seconds, nanoseconds) in [
            (9_223_372_036, 854_775_808), (18_446_744_073, 0), (.max, .max), (.min, 0), (-1, .min),
        ] {
            #expect(Clock.nanoseconds(seconds: seconds, nanoseconds: nanoseconds) == .min)
        }
    }
}
