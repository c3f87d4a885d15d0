internal import MediaTime
internal import Testing

@testable internal import Recording

@Suite("SoundPlacement")
struct SoundPlacementTests {
    private func placement() -> SoundPlacement {
        SoundPlacement(timeBase: .samples(rate: 48_000))
    }

    @Test("Jitter below the tolerance moves nothing")
    func jitter() {
        var placement = placement()
        for block in Int64(0)..<200 {
            let jitter = MediaTime.milliseconds(block % 2 == 0 ? 39 : -39)
            let time = MediaTime.milliseconds(block * 20) + (block == 0 ? .zero : jitter)
            let step = placement.place(frames: 960, at: time, isBroken: false)
            #expect(step == SoundPlacement.Step())
        }
        #expect(placement.position == 200 * 960)
    }

    @Test("What lies before the first instant is left out to the sample")
    func beginning() {
        var placement = placement()
        let early = placement.place(frames: 960, at: .milliseconds(-30), isBroken: false)
        #expect(early == SoundPlacement.Step(silence: 0, skip: 960))
        let across = placement.place(frames: 960, at: .milliseconds(-10), isBroken: false)
        #expect(across == SoundPlacement.Step(silence: 0, skip: 480))
        #expect(placement.position == 480)
    }

    @Test("A jump forward becomes silence of its length, a jump back is cut out")
    func jumps() {
        var placement = placement()
        _ = placement.place(frames: 960, at: .zero, isBroken: false)
        let forward = placement.place(frames: 960, at: .milliseconds(120), isBroken: false)
        #expect(forward == SoundPlacement.Step(silence: 4_800, skip: 0))
        let back = placement.place(frames: 9_600, at: .milliseconds(40), isBroken: false)
        #expect(back == SoundPlacement.Step(silence: 0, skip: 4_800))
    }

    @Test("After an overrun the time stamp is taken at its word")
    func overrun() {
        var placement = placement()
        _ = placement.place(frames: 960, at: .zero, isBroken: false)
        let step = placement.place(frames: 960, at: .milliseconds(25), isBroken: true)
        #expect(step.silence == 240)
    }

    @Test("Silence fills up to a time once")
    func fills() {
        var placement = placement()
        #expect(placement.fill(to: .seconds(1)) == 48_000)
        #expect(placement.fill(to: .seconds(1)) == 0)
        #expect(placement.fill(to: .zero) == 0)
        #expect(placement.time == .seconds(1))
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
