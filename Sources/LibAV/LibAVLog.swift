internal import CLibAV
internal import Glibc
private import Synchronization

/// How serious libav takes a message of its own to be.
package enum LibAVLogLevel: Int32, Comparable, Sendable {
    case panic = 0
    case fatal = 8
    case error = 16
    case warning = 24
    case info = 32
    case verbose = 40
    case debug = 48

    package static func < (left: LibAVLogLevel, right: LibAVLogLevel) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// Where libav's own messages go, for the whole process: nowhere, until they are routed.
///
/// Thread-safe.
package enum LibAVLog {
    /// Sends every message of `level` and worse to `receive`, one line each, without the newline.
    ///
    /// `receive` is called on whatever thread libav speaks on (an encode thread, or one that
    /// libx264 started) and must not call libav. Media never appears in these lines.
    package static func route(
        _ level: LibAVLogLevel,
        to receive: @escaping @Sendable (LibAVLogLevel, String) -> Void
    ) {
        keepOffStandardError
        current.withLock { $0 = receive }
        av_log_set_level(level.rawValue)
    }

    /// Takes the place of libav's own printing; every use of libav in this module begins with it.
    static let keepOffStandardError: Void = {
        av_log_set_level(AV_LOG_PANIC)
        av_log_set_callback(forward)
    }()

    fileprivate static let current = Mutex<(@Sendable (LibAVLogLevel, String) -> Void)?>(nil)
}

private func forward(
    _ source: UnsafeMutableRawPointer?,
    _ level: Int32,
    _ format: UnsafePointer<CChar>?,
    _ arguments: CVaListPointer?
) {
    // libav leaves the comparison with the level to the callback.
    guard level <= av_log_get_level(), let format, let arguments else { return }
    let line = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1024) { text in
        guard let base = text.baseAddress else { return "" }
        vsnprintf(base, text.count, format, arguments)
        return String(cString: base)
    }
    let receive = LibAVLog.current.withLock { $0 }
    let known = LibAVLogLevel(rawValue: level / 8 * 8) ?? .error
    receive?(known, line.last == "\n" ? String(line.dropLast()) : line)
}
