internal import LinuxSystem
internal import MediaTime
internal import Recording
internal import Synchronization
internal import TestSupport

/// A sink that keeps everything in files and can be made to block or to fail.
final class CollectingSink: LessonSink {
    struct Segment {
        let start: MediaTime
        let duration: MediaTime
        let file: String
    }

    struct Content {
        /// Of the latest run.
        var tracks: [TrackDescription] = []
        /// The segment with which each run begins.
        var runs: [Int] = []
        var segments: [Segment] = []
        var gaps: [LessonGap] = []
        var callsAfterFailure = 0
        var hasFailed = false
    }

    let folder = TemporaryFolder()
    private let content = Mutex(Content())
    private let failingAt: Int?
    private let isBlocked: Atomic<Bool>
    private let blockedCalls = Atomic<Int>(0)

    /// - Parameters:
    ///   - isBlocked: ``segment(bytes:start:duration:)`` does not return until ``unblock()``.
    ///   - failingAt: the segment at which an error is thrown.
    init(isBlocked: Bool = false, failingAt: Int? = nil) {
        self.isBlocked = Atomic(isBlocked)
        self.failingAt = failingAt
    }

    var all: Content { content.withLock { $0 } }
    var hasBlocked: Bool { blockedCalls.load(ordering: .acquiring) > 0 }

    func unblock() { isBlocked.store(false, ordering: .releasing) }

    func begin(
        initSegment: UnsafeRawBufferPointer,
        tracks: [TrackDescription]
    )
        throws(LessonSinkError)
    {
        let run = content.withLock { content in
            content.tracks = tracks
            content.runs.append(content.segments.count)
            return content.runs.count - 1
        }
        folder.append(initSegment, to: run == 0 ? "init.mp4" : "init\(run).mp4")
    }

    func segment(
        bytes: UnsafeRawBufferPointer,
        start: MediaTime,
        duration: MediaTime
    )
        throws(LessonSinkError)
    {
        if isBlocked.load(ordering: .acquiring) { blockedCalls.add(1, ordering: .releasing) }
        while isBlocked.load(ordering: .acquiring) { pause(milliseconds: 5) }
        let index = content.withLock { content in
            if content.hasFailed { content.callsAfterFailure += 1 }
            return content.segments.count
        }
        if index == failingAt {
            content.withLock { $0.hasFailed = true }
            throw LessonSinkError("the disk is full", recovery: .endSession)
        }
        let file = folder.append(bytes, to: "\(index).m4s")
        content.withLock {
            $0.segments.append(Segment(start: start, duration: duration, file: file))
        }
    }

    func gap(_ gap: LessonGap) throws(LessonSinkError) {
        content.withLock { content in
            if content.hasFailed { content.callsAfterFailure += 1 }
            content.gaps.append(gap)
        }
    }

    /// The whole lesson as one file.
    func film() -> String {
        let names = all.segments.indices.map { "\($0).m4s" }.joined(separator: " ")
        _ = tool("cd \(folder.path) && cat init.mp4 \(names) > film.mp4")
        return "\(folder.path)/film.mp4"
    }

    /// One run of the lesson as one file.
    func film(ofRun run: Int) -> String {
        let content = all
        let end = run + 1 < content.runs.count ? content.runs[run + 1] : content.segments.count
        let names = (content.runs[run]..<end).map { "\($0).m4s" }.joined(separator: " ")
        let first = run == 0 ? "init.mp4" : "init\(run).mp4"
        _ = tool("cd \(folder.path) && cat \(first) \(names) > run\(run).mp4")
        return "\(folder.path)/run\(run).mp4"
    }

    /// Init segment and one media segment as a file.
    func film(ofSegment index: Int) -> String {
        _ = tool("cd \(folder.path) && cat init.mp4 \(index).m4s > one\(index).mp4")
        return "\(folder.path)/one\(index).mp4"
    }
}

func pause(milliseconds: Int64) {
    Clock.monotonic.sleep(until: Clock.monotonic.now() + milliseconds * 1_000_000)
}

/// Ten seconds from now: for things that happen at once unless something is broken.
func soon() -> Int64 { Clock.monotonic.now() + 10_000_000_000 }

/// Waits until `condition` holds; false when it does not within a generous time.
func eventually(_ condition: () -> Bool) -> Bool {
    let limit = Clock.monotonic.now() + 30_000_000_000
    while !condition() {
        if Clock.monotonic.now() > limit { return false }
        pause(milliseconds: 10)
    }
    return true
}
