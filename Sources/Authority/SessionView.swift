internal import Consent
internal import LinuxSystem
internal import RecorderProtocol

/// What may be told of the running session: no identity, no content.
package struct SessionView: Sendable {
    package struct Source: Sendable {
        package let name: String
        package let isCamera: Bool
        /// From the recorder's last report.
        package var frames: Int64 = 0
        package var dropped: Int64 = 0
        package var gaps: Int64 = 0
        /// Parts per billion.
        package var drift: Int64?
        /// Microseconds.
        package var offset: Int64?
        package var check: [String] = []
    }

    package var state: SessionMachine.State = .idle
    /// Unix seconds.
    package var started: Int64?
    /// CLOCK_BOOTTIME nanoseconds.
    package var ends: Int64?
    package var sources: [Source] = []
    /// Seconds of the lesson in durable, recorded segments.
    package var committed: Int64 = 0
    /// Why the last session ended.
    package var reason: String?
    /// A driver did not let go of its device in time.
    package var isOverdue = false

    mutating func update(_ state: FromRecorder.State) {
        for report in state.sources {
            guard let index = sources.firstIndex(where: { $0.name == report.name }) else {
                continue
            }
            sources[index].frames = report.frames
            sources[index].dropped = report.dropped
            sources[index].gaps = report.gaps
            sources[index].drift = report.drift
            sources[index].offset = report.offset
            sources[index].check = report.check
        }
    }
}
