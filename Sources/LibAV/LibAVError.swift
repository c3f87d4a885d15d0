internal import CLibAV
package import LinuxSystem

/// Why an encoder or the muxer did not do what it was asked.
package enum LibAVError: Error, Hashable, Sendable {
    /// This build of libavcodec lacks the encoder, or the muxer.
    case missing(name: String)
    /// The encoder or the muxer does not take these settings.
    case refused(call: String, reason: String)
    /// It took the settings and failed later.
    case failed(call: String, reason: String)
    case noMemory

    package var recovery: Recovery {
        switch self {
        case .missing(let name): .personMustAct(hint: "install a libavcodec that has \(name)")
        case .refused: .personMustAct(hint: "configure other encoder settings")
        case .failed: .restartStage
        case .noMemory: .endSession
        }
    }
}

extension LibAVError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missing(let name): "libav has no \(name)"
        case .refused(let call, let reason): "\(call) refused: \(reason)"
        case .failed(let call, let reason): "\(call) failed: \(reason)"
        case .noMemory: "out of memory in libav"
        }
    }
}

/// The words of `av_strerror` for a negative result.
func reasonText(_ code: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(AV_ERROR_MAX_STRING_SIZE)) { text in
        guard let base = text.baseAddress, av_strerror(code, base, text.count) == 0 else {
            return "error \(code)"
        }
        return String(cString: base)
    }
}

/// Passes a result of zero or more; turns a negative one into the error of a running stage.
@discardableResult
func running(_ call: String, _ code: Int32) throws(LibAVError) -> Int32 {
    guard code < 0 else { return code }
    if code == lenscap_av_error_no_memory() { throw .noMemory }
    throw .failed(call: call, reason: reasonText(code))
}

/// Passes a result of zero or more; turns a negative one into the error of a set-up step.
@discardableResult
func settingUp(_ call: String, _ code: Int32) throws(LibAVError) -> Int32 {
    guard code < 0 else { return code }
    if code == lenscap_av_error_no_memory() { throw .noMemory }
    throw .refused(call: call, reason: reasonText(code))
}

/// The pointer that an allocating function gave, or ``LibAVError/noMemory``.
func allocated<Value>(
    _ pointer: UnsafeMutablePointer<Value>?
) throws(LibAVError)
    -> UnsafeMutablePointer<Value>
{
    guard let pointer else { throw .noMemory }
    return pointer
}

/// Sets a private option of a codec or muxer (`av_opt_set`).
func setOption(
    _ object: UnsafeMutableRawPointer?,
    _ name: String,
    _ value: String
)
    throws(LibAVError)
{
    try settingUp("option \(name)", av_opt_set(object, name, value, 0))
}
