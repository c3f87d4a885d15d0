package import MediaTime

/// Decides which packets make up which segment.
///
/// Holds no media, knows no thread and no clock.
///
/// Segments lie between multiples of the segment length; of a video track they lie between its first
/// key frames at or after these. A segment closes when every track has a packet, or that key frame,
/// at or after its end, has ended, or lags: another track is `lagLimit` past the end. Until
/// then packets are held, so that each one's duration is the way to its successor; the last one
/// before a lag or an end gets the track's nominal duration.
///
/// A packet that comes after its segment closed goes into the one under way, in order: sound
/// always, pictures only from a key frame on, since a segment starts with one in each video track.
package struct Segmenter {
    /// What the segmenter has to know of a track.
    package struct Track: Sendable {
        package let isVideo: Bool
        package let timeBase: TimeBase
        /// In ticks: of a packet whose successor is not known.
        package let nominalDuration: Int64

        package init(isVideo: Bool, timeBase: TimeBase, nominalDuration: Int64) {
            self.isVideo = isVideo
            self.timeBase = timeBase
            self.nominalDuration = nominalDuration
        }
    }

    /// What to do with the packets, each meaning the oldest one held of its track.
    package enum Action: Hashable, Sendable {
        /// What follows, up to the next such action, is of the run that begins at `start`.
        case beginRun(start: MediaTime)
        /// Put it into the segment under way, lasting `duration` ticks.
        case write(track: Int, duration: Int64)
        /// Destroy it: no key frame came before it in its segment.
        case discard(track: Int)
        /// The segment is complete.
        case emit(start: MediaTime, duration: MediaTime)
    }

    private struct Held {
        let decoding: Int64
        let isKeyFrame: Bool
    }

    private struct State {
        let track: Track
        var held: [Held] = []
        var latest: MediaTime?
        /// Where a segment can begin.
        var latestStart: MediaTime?
        var hasEnded = false
    }

    private let length: MediaTime
    private let lagLimit: MediaTime
    private var tracks: [State]
    /// Of the segment under way.
    private var start = MediaTime.zero
    private var idleTime = MediaTime.zero
    /// Where runs begin, in order.
    private var runs: [MediaTime] = []

    package init(tracks: [Track], length: MediaTime, lagLimit: MediaTime) {
        self.tracks = tracks.map { State(track: $0) }
        self.length = length
        self.lagLimit = lagLimit
    }

    /// A run begins with the segment that starts at `start`, or when that is closed, with the one
    /// under way.
    package mutating func beginRun(at start: MediaTime) {
        guard !runs.contains(start) else { return }
        runs.append(start)
        runs.sort()
    }

    /// A packet came; its decoding time (ticks of the track) is later than the track's last one.
    package mutating func add(track: Int, decoding: Int64, isKeyFrame: Bool) -> [Action] {
        tracks[track].held.append(Held(decoding: decoding, isKeyFrame: isKeyFrame))
        let time = MediaTime(ticks: decoding, of: tracks[track].track.timeBase)
        tracks[track].latest = time
        if isKeyFrame || !tracks[track].track.isVideo { tracks[track].latestStart = time }
        return closeSegments()
    }

    /// Nothing has come for a while, and the lesson's time is `time` by the clock.
    package mutating func idle(at time: MediaTime) -> [Action] {
        idleTime = max(idleTime, time)
        return closeSegments()
    }

    /// No packet of this track will come any more.
    package mutating func end(track: Int) -> [Action] {
        tracks[track].hasEnded = true
        return closeSegments()
    }

    private mutating func closeSegments() -> [Action] {
        var actions: [Action] = []
        while let furthest = tracks.compactMap(\.latest).max(), isPassed(start + length, furthest) {
            actions += close(at: start + length)
        }
        if tracks.allSatisfy(\.hasEnded) { actions += closeLast() }
        return actions
    }

    private func isPassed(_ end: MediaTime, _ furthest: MediaTime) -> Bool {
        let isLate = max(furthest, idleTime) >= end + lagLimit
        let isNeeded = furthest >= end || tracks.contains { !$0.held.isEmpty }
        return isNeeded
            && tracks.allSatisfy { state in
                isLate || (state.hasEnded && furthest >= end) || (state.latestStart ?? .zero) >= end
            }
    }

    /// Writes what lies before `end`, emits it, and begins the next segment.
    private mutating func close(at end: MediaTime) -> [Action] {
        var actions: [Action] = []
        for index in tracks.indices {
            let limit = end.ticks(of: tracks[index].track.timeBase, rounding: .up)
            let isVideo = tracks[index].track.isVideo
            let next = tracks[index].held.firstIndex {
                $0.decoding >= limit && ($0.isKeyFrame || !isVideo)
            }
            actions += take(next ?? tracks[index].held.count, of: index)
        }
        if actions.contains(where: \.isWrite) {
            actions = dueRun() + actions
            actions.append(.emit(start: start, duration: end - start))
        }
        start = end
        return actions
    }

    /// What is left when every track has ended.
    private mutating func closeLast() -> [Action] {
        var actions: [Action] = []
        var last = start
        for index in tracks.indices {
            let state = tracks[index]
            if let final = state.held.last {
                let ticks = final.decoding + state.track.nominalDuration
                last = max(last, MediaTime(ticks: ticks, of: state.track.timeBase))
            }
            actions += take(state.held.count, of: index)
        }
        if actions.contains(where: \.isWrite) {
            actions = dueRun() + actions
            actions.append(.emit(start: start, duration: last - start))
        }
        return actions
    }

    private mutating func dueRun() -> [Action] {
        let due = runs.prefix { $0 <= start }
        guard let latest = due.last else { return [] }
        runs.removeFirst(due.count)
        return [.beginRun(start: latest)]
    }

    private mutating func take(_ count: Int, of index: Int) -> [Action] {
        let state = tracks[index]
        var actions: [Action] = []
        var hasBegun = !state.track.isVideo
        for position in 0..<count {
            hasBegun = hasBegun || state.held[position].isKeyFrame
            guard hasBegun else {
                actions.append(.discard(track: index))
                continue
            }
            let next = position + 1 < state.held.count ? state.held[position + 1] : nil
            let duration = next.map { $0.decoding - state.held[position].decoding }
            actions.append(
                .write(track: index, duration: duration ?? state.track.nominalDuration)
            )
        }
        tracks[index].held.removeFirst(count)
        return actions
    }
}

extension Segmenter.Action {
    fileprivate var isWrite: Bool {
        if case .write = self { true } else { false }
    }
}
