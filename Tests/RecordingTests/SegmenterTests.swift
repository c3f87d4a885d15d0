internal import MediaTime
internal import Recording
internal import Testing

/// What a muxer would have made of the segmenter's actions.
private struct Outcome {
    struct Written {
        let decoding: Int64
        let isKeyFrame: Bool
        let duration: Int64
    }
    struct Segment {
        let start: MediaTime
        let duration: MediaTime
        var tracks: [[Written]]
    }
    var segments: [Segment] = []
    /// How many segments came before each run.
    var runs: [Int] = []
    var discarded: [[Int64]]
    private var held: [[(Int64, Bool)]]
    private var current: [[Written]]

    init(_ count: Int) {
        held = Array(repeating: [], count: count)
        current = Array(repeating: [], count: count)
        discarded = Array(repeating: [], count: count)
    }

    mutating func hold(_ track: Int, _ decoding: Int64, _ isKeyFrame: Bool) {
        held[track].append((decoding, isKeyFrame))
    }

    mutating func obey(_ actions: [Segmenter.Action]) {
        for action in actions {
            switch action {
            case .beginRun:
                let isAtBound = current.allSatisfy { $0.isEmpty }
                #expect(isAtBound)
                runs.append(segments.count)
            case .write(let track, let duration):
                let (decoding, isKeyFrame) = held[track].removeFirst()
                current[track].append(
                    Written(decoding: decoding, isKeyFrame: isKeyFrame, duration: duration)
                )
            case .discard(let track): discarded[track].append(held[track].removeFirst().0)
            case .emit(let start, let duration):
                segments.append(Segment(start: start, duration: duration, tracks: current))
                current = current.map { _ in [] }
            }
        }
    }

    var isEmpty: Bool { held.allSatisfy(\.isEmpty) && current.allSatisfy(\.isEmpty) }
    func written(_ track: Int) -> [Written] { segments.flatMap { $0.tracks[track] } }
}

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

private struct Packet {
    let track: Int
    let decoding: Int64
    let isKeyFrame: Bool
    let arrival: Int64
}

@Suite("Segmenter")
struct SegmenterTests {
    private static let sound = TimeBase.samples(rate: 48_000)
    private static let video = Segmenter.Track(
        isVideo: true,
        timeBase: .video,
        nominalDuration: 3_000
    )
    private static let audio = Segmenter.Track(
        isVideo: false,
        timeBase: sound,
        nominalDuration: 1_024
    )

    private func segmenter(_ tracks: [Segmenter.Track]) -> Segmenter {
        Segmenter(tracks: tracks, length: .seconds(2), lagLimit: .seconds(2))
    }

    /// Pictures at uneven times, a key frame at the first one of each segment.
    private func pictures(_ track: Int, _ dice: inout Dice, until end: Int64) -> [Packet] {
        var result: [Packet] = []
        var time = Int64.random(in: 0...3_000, using: &dice)
        var bound: Int64 = 0
        while time < end {
            let isKeyFrame = time >= bound || Int.random(in: 0..<40, using: &dice) == 0
            if time >= bound { bound = (time / 180_000 + 1) * 180_000 }
            let delay = Int64.random(in: 0...1_500_000_000, using: &dice)
            let arrival = MediaTime(ticks: time, of: .video).nanoseconds + delay
            result.append(
                Packet(track: track, decoding: time, isKeyFrame: isKeyFrame, arrival: arrival)
            )
            time += Int64.random(in: 1...9_000, using: &dice)
        }
        return result
    }

    private func blocks(_ track: Int, _ dice: inout Dice, until end: Int64) -> [Packet] {
        stride(from: Int64(0), to: end, by: 1_024).map { position in
            let delay = Int64.random(in: 0...1_500_000_000, using: &dice)
            let arrival = MediaTime(ticks: position, of: Self.sound).nanoseconds + delay
            return Packet(track: track, decoding: position, isKeyFrame: true, arrival: arrival)
        }
    }

    /// In the order of arrival, each track's packets in their own order.
    private func interleaved(_ tracks: [[Packet]]) -> [Packet] {
        let ordered = tracks.map { packets -> [Packet] in
            var latest: Int64 = 0
            return packets.map { packet in
                latest = max(latest, packet.arrival)
                return Packet(
                    track: packet.track,
                    decoding: packet.decoding,
                    isKeyFrame: packet.isKeyFrame,
                    arrival: latest
                )
            }
        }
        return ordered.joined().sorted { ($0.arrival, $0.decoding) < ($1.arrival, $1.decoding) }
    }

    @Test("A run begins with its segment, or with the one under way when that is closed")
    func beginsRuns() {
        for (start, expected) in [(MediaTime.seconds(4), 2), (.seconds(1), 1), (.seconds(8), 4)] {
            var segmenter = segmenter([Self.video])
            var outcome = Outcome(1)
            segmenter.beginRun(at: start)
            segmenter.beginRun(at: start)
            for picture in 0..<150 {
                let decoding = Int64(picture) * 6_000
                outcome.hold(0, decoding, picture.isMultiple(of: 30))
                outcome.obey(
                    segmenter.add(
                        track: 0,
                        decoding: decoding,
                        isKeyFrame: picture.isMultiple(of: 30)
                    )
                )
            }
            outcome.obey(segmenter.end(track: 0))
            #expect(outcome.segments.count == 5)
            #expect(outcome.runs == [expected])
        }
    }

    @Test(
        "Tracks that stay within the lag lose nothing, keep their order, and are cut at the bounds",
        arguments: 0..<60 as Range<UInt64>
    )
    func walks(seed: UInt64) {
        var dice = Dice(state: seed)
        let kinds = [Self.video, Self.audio, Self.video].prefix(Int.random(in: 1...3, using: &dice))
        let length = Int64.random(in: 1...13, using: &dice)
        let packets = kinds.enumerated().map { track, kind in
            kind.isVideo
                ? pictures(track, &dice, until: length * 90_000)
                : blocks(track, &dice, until: length * 48_000)
        }
        var segmenter = segmenter(Array(kinds))
        var outcome = Outcome(kinds.count)
        for packet in interleaved(packets) {
            outcome.hold(packet.track, packet.decoding, packet.isKeyFrame)
            outcome.obey(
                segmenter.add(
                    track: packet.track,
                    decoding: packet.decoding,
                    isKeyFrame: packet.isKeyFrame
                )
            )
        }
        for track in kinds.indices.shuffled(using: &dice) {
            outcome.obey(segmenter.end(track: track))
        }
        #expect(outcome.isEmpty)
        #expect(outcome.discarded.allSatisfy { $0.isEmpty })
        for (track, kind) in kinds.enumerated() {
            check(outcome, track, kind, packets[track])
        }
        for (index, segment) in outcome.segments.enumerated() {
            #expect(segment.start == .seconds(2) * Int64(index))
            if index < outcome.segments.count - 1 { #expect(segment.duration == .seconds(2)) }
        }
    }

    private func check(
        _ outcome: Outcome,
        _ track: Int,
        _ kind: Segmenter.Track,
        _ packets: [Packet]
    ) {
        let written = outcome.written(track)
        #expect(written.map(\.decoding) == packets.map(\.decoding))
        for (packet, next) in zip(written, written.dropFirst())
        where packet.duration != next.decoding - packet.decoding {
            Issue.record("the packet at \(packet.decoding) lasts \(packet.duration)")
        }
        #expect(written.last.map(\.duration) ?? kind.nominalDuration == kind.nominalDuration)
        for segment in outcome.segments {
            let content = segment.tracks[track]
            if kind.isVideo { #expect(content.first?.isKeyFrame ?? true) }
            let times = content.map { MediaTime(ticks: $0.decoding, of: kind.timeBase) }
            #expect(times.allSatisfy { $0 >= segment.start && $0 < segment.start + .seconds(2) })
        }
    }

    @Test("A track that says nothing holds the others up for the lag limit and no longer")
    func silentTrack() {
        var segmenter = segmenter([Self.video, Self.audio])
        var outcome = Outcome(2)
        var emittedAt: Int64?
        for position in stride(from: Int64(0), to: 480_000, by: 1_024) {
            outcome.hold(1, position, true)
            outcome.obey(segmenter.add(track: 1, decoding: position, isKeyFrame: true))
            if emittedAt == nil, !outcome.segments.isEmpty { emittedAt = position }
        }
        // The first block at or after 4 s, which is two after the end.
        let expected: Int64 = 188 * 1_024
        #expect(emittedAt == expected)
        #expect(outcome.segments.count == 3)
    }

    @Test("Late pictures are left out up to the next key frame; late sound is kept")
    func latePackets() {
        var segmenter = segmenter([Self.video, Self.audio, Self.video])
        var outcome = Outcome(3)
        func add(_ track: Int, _ decoding: Int64, _ isKeyFrame: Bool) {
            outcome.hold(track, decoding, isKeyFrame)
            outcome.obey(
                segmenter.add(track: track, decoding: decoding, isKeyFrame: isKeyFrame)
            )
        }
        add(0, 0, true)
        add(1, 0, true)
        for picture in Int64(0)...121 { add(2, picture * 3_000, picture % 60 == 0) }
        #expect(outcome.segments.count == 1)
        add(0, 90_000, false)
        add(0, 93_000, false)
        add(1, 1_024, true)
        add(0, 183_000, true)
        add(0, 186_000, false)
        for track in 0..<3 { outcome.obey(segmenter.end(track: track)) }
        #expect(outcome.discarded == [[90_000, 93_000], [], []])
        #expect(outcome.written(0).map(\.decoding) == [0, 183_000, 186_000])
        #expect(outcome.written(1).map(\.decoding) == [0, 1_024])
        #expect(outcome.segments.map { $0.tracks[0].first?.isKeyFrame } == [true, true, nil])
    }

    @Test("When everything stalls, the clock closes what is there, and empty segments are left out")
    func allStall() {
        var segmenter = segmenter([Self.video])
        var outcome = Outcome(1)
        outcome.hold(0, 0, true)
        outcome.obey(segmenter.add(track: 0, decoding: 0, isKeyFrame: true))
        outcome.obey(segmenter.idle(at: .milliseconds(3_999)))
        #expect(outcome.segments.isEmpty)
        outcome.obey(segmenter.idle(at: .seconds(4)))
        #expect(outcome.segments.count == 1)
        outcome.hold(0, 90_000 * 31, true)
        outcome.obey(segmenter.add(track: 0, decoding: 90_000 * 31, isKeyFrame: true))
        outcome.obey(segmenter.end(track: 0))
        #expect(outcome.segments.map(\.start) == [.zero, .seconds(30)])
        #expect(outcome.isEmpty)
    }

    @Test("A lesson without a packet has no segment")
    func nothing() {
        var segmenter = segmenter([Self.video, Self.audio])
        #expect(segmenter.end(track: 0).isEmpty)
        #expect(segmenter.end(track: 1).isEmpty)
    }
}
