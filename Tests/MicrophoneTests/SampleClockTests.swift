import Testing

@testable import Microphone

@Suite final class SampleClockTests {
    private var clock = SampleClock(sampleRate: 48_000)
    private let now: Int64 = 100_000_000_000

    @Test("The first frame is as much older than the stamp as frames were waiting")
    func firstFrame() {
        let stamp = now - 3_000_000
        let verdict = clock.firstFrame(frames: 960, waiting: 960, stamp: stamp, now: now)
        #expect(verdict == .time(stamp - 20_000_000))
        let late = clock.firstFrame(frames: 480, waiting: 4800, stamp: stamp, now: now)
        #expect(late == .time(stamp - 100_000_000))
    }

    @Test("An impossible stamp is bridged by what was expected", arguments: [0, Int64.max / 2])
    func bridged(stamp: Int64) {
        _ = clock.firstFrame(frames: 960, waiting: 960, stamp: now, now: now)
        let next = now + 20_000_000
        let bridged = clock.firstFrame(frames: 960, waiting: 960, stamp: stamp, now: next)
        #expect(bridged == .time(now))
        let good = clock.firstFrame(frames: 960, waiting: 960, stamp: next, now: next)
        #expect(good == .time(now))
    }

    @Test("After an overrun what was expected before it is forgotten")
    func overrun() {
        _ = clock.firstFrame(frames: 960, waiting: 960, stamp: now, now: now)
        clock.restart()
        let later = now + 5_000_000_000
        let first = clock.firstFrame(frames: 960, waiting: 960, stamp: 0, now: later)
        #expect(first == .time(later - 20_000_000))
    }

    @Test("Stamps that stay impossible end the stream with a reason")
    func patience() {
        for _ in 1..<SampleClock.patience {
            guard case .time = clock.firstFrame(frames: 1, waiting: 1, stamp: 0, now: now) else {
                Issue.record("the stream was given up early")
                return
            }
        }
        guard case .unusable = clock.firstFrame(frames: 1, waiting: 1, stamp: 0, now: now) else {
            Issue.record("the stream was not given up")
            return
        }
    }
}
