import Testing

@testable import Microphone

@Suite struct DelayLockedLoopTests {
    /// A repeatable source of numbers (SplitMix64).
    private struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
            return value ^ value >> 31
        }
    }

    /// A device whose clock is `ppm` fast, and whose stamps come up to `jitter` ns late.
    private struct Device {
        var ppm: Double
        var jitter: Int64
        var dice = Dice(state: 7)
        /// True time of the next sample, ns.
        var time = 5_000_000_000_000.0

        mutating func block(_ frames: Int) -> (true: Int64, stamp: Int64) {
            let begin = Int64(time.rounded())
            time += Double(frames) * 1_000_000_000 / (48_000 * (1 + ppm / 1_000_000))
            return (begin, begin + (jitter > 0 ? Int64.random(in: 0...jitter, using: &dice) : 0))
        }
    }

    /// Lets the loop listen; the largest distance (ns) of the smooth from the true time in it.
    private func listen(
        _ loop: inout DelayLockedLoop,
        to device: inout Device,
        seconds: Double,
        frames: (Int) -> Int = { _ in 960 }
    ) -> Int64 {
        let end = device.time + seconds * 1_000_000_000
        var worst: Int64 = 0
        var index = 0
        while device.time < end {
            let count = frames(index)
            let block = device.block(count)
            let smooth = loop.observe(block.stamp, frames: count)
            worst = max(worst, abs(smooth - block.true - device.jitter / 2))
            index += 1
        }
        return worst
    }

    @Test("Finds the rate of a clock without jitter", arguments: [-500.0, -37, 0, 1, 500])
    func rate(ppm: Double) {
        var loop = DelayLockedLoop(sampleRate: 48_000)
        var device = Device(ppm: ppm, jitter: 0)
        let worst = listen(&loop, to: &device, seconds: 30)
        #expect(worst < 200_000)
        #expect(abs(loop.ppm - ppm) < 0.5, "\(loop.ppm)")
        #expect(loop.isSettled)
    }

    @Test(
        "A millisecond of jitter becomes less than two ppm and a tenth of a millisecond",
        arguments: [-500.0, 0, 500],
        [480, 960, 1_111]
    )
    func jitter(ppm: Double, frames: Int) {
        var loop = DelayLockedLoop(sampleRate: 48_000)
        var device = Device(ppm: ppm, jitter: 1_000_000)
        _ = listen(&loop, to: &device, seconds: 120) { _ in frames }
        var worst = 0.0
        for _ in 0..<100 {
            let late = listen(&loop, to: &device, seconds: 3) { _ in frames }
            #expect(late < 100_000)
            worst = max(worst, abs(loop.ppm - ppm))
        }
        #expect(worst < 2, "\(worst)")
    }

    @Test("Blocks of any size tell the same")
    func unevenBlocks() {
        var loop = DelayLockedLoop(sampleRate: 48_000)
        var device = Device(ppm: 200, jitter: 300_000)
        _ = listen(&loop, to: &device, seconds: 200) { [1, 960, 2_400, 37][$0 % 4] }
        #expect(abs(loop.ppm - 200) < 2, "\(loop.ppm)")
    }

    @Test("A step of 10 ms is followed without leaving the rate for good")
    func step() {
        var loop = DelayLockedLoop(sampleRate: 48_000)
        var device = Device(ppm: 100, jitter: 0)
        _ = listen(&loop, to: &device, seconds: 200)
        device.time += 10_000_000
        let next = device.block(960)
        #expect(loop.error(of: next.stamp).map { abs($0 - 10_000_000) < 10_000 } == true)
        _ = loop.observe(next.stamp, frames: 960)
        _ = listen(&loop, to: &device, seconds: 300)
        #expect(listen(&loop, to: &device, seconds: 10) < 100_000)
        #expect(abs(loop.ppm - 100) < 1, "\(loop.ppm)")
    }

    @Test("After missing samples the stamp is taken at its word and the rate is kept")
    func overrun() {
        var loop = DelayLockedLoop(sampleRate: 48_000)
        var device = Device(ppm: -300, jitter: 0)
        _ = listen(&loop, to: &device, seconds: 60)
        device.time += 3_456_000_000
        loop.restart()
        let block = device.block(960)
        #expect(loop.error(of: block.stamp) == nil)
        #expect(loop.observe(block.stamp, frames: 960) == block.true)
        #expect(listen(&loop, to: &device, seconds: 20) < 10_000)
        #expect(abs(loop.ppm + 300) < 0.5, "\(loop.ppm)")
    }

    @Test("After missing samples a first stamp that was late is forgotten within two seconds")
    func lateAfterOverrun() {
        var loop = DelayLockedLoop(sampleRate: 48_000)
        var device = Device(ppm: 400, jitter: 0)
        _ = listen(&loop, to: &device, seconds: 300)
        device.time += 3_456_000_000
        loop.restart()
        _ = loop.observe(device.block(960).stamp + 20_000_000, frames: 960)
        _ = listen(&loop, to: &device, seconds: 2)
        #expect(listen(&loop, to: &device, seconds: 60) < 1_000_000)
        #expect(abs(loop.ppm - 400) < 20, "\(loop.ppm)")
    }

    @Test("Without stamps the clock goes on at the rate that was found")
    func coasts() {
        var loop = DelayLockedLoop(sampleRate: 48_000)
        var device = Device(ppm: 250, jitter: 0)
        _ = listen(&loop, to: &device, seconds: 120)
        for _ in 0..<500 {
            _ = device.block(960)
            loop.coast(frames: 960)
        }
        let error = loop.error(of: device.block(960).stamp) ?? .max
        #expect(abs(error) < 10_000, "\(error)")
    }
}
