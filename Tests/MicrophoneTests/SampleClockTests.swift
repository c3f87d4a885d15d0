import Testing

@testable import Microphone

@Suite final class SampleClockTests {
    private var clock = SampleClock(sampleRate: 48_000)
    private let now: Int64 = 100_000_000_000
    private static let block: Int64 = 20_000_000

    private func read(_ stamp: Int64, waiting: Int = 960, at now: Int64) -> Int64 {
        clock.firstFrame(
            frames: min(960, waiting),
            waiting: waiting,
            stamp: stamp,
            asked: now,
            now: now + 10_000
        )
    }

    @Test("The first frame is as much older than the stamp as frames were waiting")
    func firstFrame() {
        let stamp = now - 3_000_000
        #expect(read(stamp, at: now) == stamp - Self.block)
        // A late reader, who takes what waits in two steps.
        let late = stamp + 100_000_000
        #expect(read(late, waiting: 4_800, at: now + 100_000_000) == late - 100_000_000)
        #expect(read(late, waiting: 3_840, at: now + 100_000_000) == late - 80_000_000)
        #expect(clock.estimates == 0)
    }

    @Test(
        "A stamp in the future, of long ago or of another clock is replaced and counted",
        arguments: [0, -1, .min, .max, 100_300_000_000, 99_700_000_000]
    )
    func impossible(stamp: Int64) {
        #expect(read(now, at: now) == now - Self.block)
        let next = now + Self.block
        #expect(read(stamp, at: next) == next - Self.block)
        #expect(clock.estimates == 1)
        #expect(read(next + Self.block, at: next + Self.block) == next)
        #expect(clock.estimates == 1)
    }

    @Test("Stamps that stand still are replaced as soon as they are a block behind")
    func stuck() {
        for index in Int64(0)..<500 {
            let time = read(now, at: now + index * Self.block)
            #expect(abs(time - (now + (index - 1) * Self.block)) <= Self.block)
        }
        #expect(clock.estimates >= 498)
    }

    @Test("Samples that come late in a burst are believed, and so are those after them")
    func burst() {
        #expect(read(now, at: now) == now - Self.block)
        // Taken within 20 ms, it waited 90 ms for the bus; the four after it came right away.
        let late = now + 110_000_000
        #expect(read(late, at: late) == late - Self.block)
        let next = late + 1_000_000
        #expect(read(next, waiting: 3_840, at: next) == next - 4 * Self.block)
        for waiting in [2_880, 1_920, 960] {
            let time = next - Self.block * Int64(waiting / 960)
            #expect(read(next, waiting: waiting, at: next + 1_000) == time)
        }
        #expect(clock.estimates == 0)
    }

    @Test("Stamps that wrap to zero are replaced from then on, and time goes on")
    func wrap() {
        for index in Int64(0)..<100 {
            let seen = now + index * Self.block
            #expect(read(index < 50 ? seen : seen - now, at: seen) == seen - Self.block)
        }
        #expect(clock.estimates == 50)
    }

    @Test(
        "A clock half a percent fast or slow, with jitter, is believed",
        arguments: [-5_000, 5_000]
    )
    func drift(ppm: Int64) {
        for index in Int64(0)..<50_000 {
            let end = now + index * (Self.block - Self.block * ppm / 1_000_000)
            let stamp = end + index * 7_919 % 10 * 1_000_000
            #expect(read(stamp, at: stamp) == stamp - Self.block)
        }
        #expect(clock.estimates == 0)
    }

    @Test("After an overrun what was expected before it is forgotten")
    func overrun() {
        _ = read(now, at: now)
        clock.restart()
        let later = now + 5_000_000_000
        #expect(read(later, at: later) == later - Self.block)
        #expect(clock.estimates == 0)
    }
}
