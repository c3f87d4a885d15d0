internal import MediaTime
internal import Testing

@testable internal import Recording

@Suite("SoundPlacement")
struct SoundPlacementTests {
    /// A microphone that is heard without a resampler's delay, by its own clock.
    private struct Track {
        var placement = SoundPlacement(timeBase: .samples(rate: 48_000))
        var stretch = 0.0
        /// Sample frames put in or left out, and how often.
        var silence: Int64 = 0
        var skipped = 0
        var leaps = 0
        private var fraction = 0.0

        mutating func place(_ frames: Int = 960, at time: MediaTime, isBroken: Bool = false) {
            switch placement.place(frames: frames, at: time, isBroken: isBroken, held: .zero) {
            case .follow(let new):
                if let new { stretch = new }
                go(frames)
            case .leap:
                leaps += 1
                let landing = placement.land(frames: frames)
                silence += landing.silence
                skipped += landing.skip
                placement.advance(landing.silence)
                go(frames - landing.skip)
            }
        }

        private mutating func go(_ frames: Int) {
            fraction += Double(frames) * (1 + stretch / 1_000_000)
            placement.advance(Int64(fraction))
            fraction -= Double(Int64(fraction))
        }
    }

    @Test(
        "A microphone whose clock is off stays in its place for an hour without a leap",
        arguments: [-500.0, -20, 0, 500]
    )
    func drift(ppm: Double) {
        var track = Track()
        var worst: Int64 = 0
        for block in 0..<180_000 {
            let time = Double(block) * 20_000_000 / (1 + ppm / 1_000_000)
            let jitter = Double((block * 7_919) % 1_000) * 1_000
            track.place(at: MediaTime(nanoseconds: Int64(time + jitter)))
            if block > 3_000 { worst = max(worst, abs(track.placement.offset.nanoseconds)) }
        }
        #expect(track.leaps == 1)
        #expect(worst < 300_000, "\(worst) ns")
        #expect(track.placement.drift.map { abs($0 - ppm) < 2 } == true)
        let end = 3_600e9 / (1 + ppm / 1_000_000)
        #expect(abs(Double(track.placement.time.nanoseconds) - end) < 2_000_000)
    }

    @Test("Stamps that are off by less than the tolerance, or only now and then, move nothing")
    func jitter() {
        var track = Track()
        for block in Int64(0)..<500 {
            let stray = MediaTime.milliseconds(block % 100 == 50 || block % 100 == 51 ? 900 : 0)
            let jitter = MediaTime.milliseconds(block % 2 == 0 ? 10 : -10)
            track.place(at: .milliseconds(block * 20) + (block == 0 ? .zero : jitter) + stray)
        }
        #expect(track.leaps == 1)
        #expect(abs(track.placement.time.nanoseconds - 10_000_000_000) < 5_000_000)
    }

    @Test("Samples that a busy bus brings late, for a while and all of them, move nothing")
    func lateness() {
        var track = Track()
        for block in Int64(0)..<3_000 {
            let phase = block % 200
            // 600 ms of them, by 50 to 150 ms, and single ones by less than the tolerance.
            let late = phase >= 100 && phase < 130 ? 50 + phase * 7 % 100 : phase % 20 == 3 ? 30 : 0
            track.place(at: .milliseconds(block * 20 + late))
            let offset = track.placement.offset.nanoseconds
            if block > 500 { #expect(abs(offset) < 5_000_000, "\(block): \(offset)") }
        }
        #expect(track.leaps == 1)
        #expect(track.silence == 0 && track.skipped == 0)
    }

    @Test("What lies before the first instant is left out to the sample")
    func beginning() {
        var track = Track()
        track.place(at: .milliseconds(-30))
        #expect(track.placement.position == 0)
        track.place(at: .milliseconds(-10))
        #expect(track.placement.position == 480)
        #expect(track.skipped == 960 + 480)
    }

    @Test("A leap forward that stays becomes silence, a leap back is cut out")
    func leaps() {
        var track = Track()
        for block in Int64(0)..<50 { track.place(at: .milliseconds(block * 20)) }
        for block in Int64(50)..<99 { track.place(at: .milliseconds(block * 20 + 120)) }
        #expect(track.silence == 0)
        for block in Int64(99)..<110 { track.place(at: .milliseconds(block * 20 + 120)) }
        #expect(track.silence == 5_760)
        #expect(track.placement.time == .milliseconds(2_320))
        for block in Int64(110)..<150 { track.place(at: .milliseconds(block * 20 + 20)) }
        #expect(track.skipped == 4_800)
        #expect(track.leaps == 2 + 6)
        #expect(track.placement.time == .milliseconds(3_020))
    }

    @Test("After an overrun the time stamp is taken at its word")
    func overrun() {
        var track = Track()
        track.place(at: .zero)
        track.place(at: .milliseconds(25), isBroken: true)
        #expect(track.silence == 240)
    }

    @Test("Silence fills up to a time once, and the next block begins where it should")
    func fills() {
        var track = Track()
        track.place(at: .zero)
        let silence = track.placement.fill(to: .seconds(1))
        #expect(silence == 47_040)
        track.placement.advance(silence)
        #expect(track.placement.fill(to: .seconds(1)) == 0)
        #expect(track.placement.fill(to: .zero) == 0)
        track.place(at: .milliseconds(1_500))
        #expect(track.placement.time == .milliseconds(1_520))
    }
}

@Suite("StreamBeginning")
struct StreamBeginningTests {
    @Test("The earliest that the stamps say of the first sample is believed")
    func earliest() {
        var beginning = StreamBeginning(timeBase: .samples(rate: 48_000))
        #expect(beginning.time == nil)
        for (block, late) in [30, 25, 4, 40, 12].enumerated() {
            beginning.hear(frames: 960, at: .milliseconds(Int64(1_000 + block * 20 + late)))
        }
        #expect(beginning.time == .milliseconds(1_004))
    }

    @Test("Half a second is enough, in blocks of any length")
    func length() {
        var beginning = StreamBeginning(timeBase: .samples(rate: 16_000))
        beginning.hear(frames: 7_000, at: .zero)
        beginning.hear(frames: 999, at: .zero)
        #expect(!beginning.isKnown)
        beginning.hear(frames: 1, at: .zero)
        #expect(beginning.isKnown)
    }
}

@Suite("GapMerger")
struct GapMergerTests {
    @Test("Small gaps close together become one with the sum of their counts")
    func merges() {
        var merger = GapMerger(source: "front")
        for index in Int64(0)..<9 {
            let from = MediaTime.milliseconds(index * 900)
            #expect(
                merger.add(.overload, from: from, to: from + .milliseconds(33), count: 1) == nil
            )
        }
        #expect(merger.settled(at: .milliseconds(8_000)).isEmpty)
        let settled = merger.settled(at: .seconds(9))
        #expect(settled.count == 1)
        #expect(settled.first?.count == 9)
        #expect(settled.first?.from == .zero)
        #expect(settled.first?.to == .milliseconds(7_233))
        #expect(merger.flush().isEmpty)
    }

    @Test("Gaps far apart, of other reasons or beyond ten seconds stay apart")
    func separates() {
        var merger = GapMerger(source: "front")
        #expect(merger.add(.lost, from: .zero, to: .milliseconds(33), count: 1) == nil)
        #expect(merger.add(.damaged, from: .zero, to: .milliseconds(33), count: 1) == nil)
        let first = merger.add(.lost, from: .seconds(2), to: .milliseconds(2_033), count: 2)
        #expect(first?.count == 1)
        let second = merger.add(.lost, from: .milliseconds(2_100), to: .seconds(13), count: 3)
        #expect(second?.count == 2)
        #expect(Set(merger.flush().map(\.reason)) == [.lost, .damaged])
    }
}
