package import LibAV
package import LinuxSystem

/// Why a lesson did not start, or ended before it was stopped.
package enum RecordingError: Error, Hashable, Sendable {
    /// A source could not be opened; `reason` is the device's own error.
    case deviceUnavailable(source: String, reason: String, recovery: Recovery)
    /// A source's encoder failed.
    case encoderFailed(source: String, LibAVError)
    case muxerFailed(LibAVError)
    case sinkFailed(LessonSinkError)
    /// No source has delivered anything for too long; the last one that failed, for this reason.
    case noSourceLeft(source: String, reason: String)
    /// Stop came before the start was through.
    case stopped
    /// The kernel refused a thread or a descriptor.
    case systemFailed(SystemError)

    package var recovery: Recovery {
        switch self {
        case .deviceUnavailable(_, _, let recovery): recovery
        case .encoderFailed(_, let error), .muxerFailed(let error): error.recovery
        case .sinkFailed(let error): error.recovery
        case .noSourceLeft: .personMustAct(hint: "connect the camera or microphone again")
        case .stopped, .systemFailed: .endSession
        }
    }
}

extension RecordingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .deviceUnavailable(let source, let reason, _): "\(source): \(reason)"
        case .encoderFailed(let source, let error): "\(source): \(error)"
        case .muxerFailed(let error): "the muxer failed: \(error)"
        case .sinkFailed(let error): "the recording could not be kept: \(error)"
        case .noSourceLeft(let source, let reason):
            "no source is left; the last one was \(source): \(reason)"
        case .stopped: "stopped before the start was through"
        case .systemFailed(let error): "\(error)"
        }
    }
}
