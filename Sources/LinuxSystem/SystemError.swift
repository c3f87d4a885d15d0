internal import CSystem
internal import Glibc

/// A system call that failed: which one, on what, and the kernel's reason.
///
/// This module is the only reader of `errno`; everything above it sees this value.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The call as the manual names it, for example `openat`.
    package let call: String
    /// What it was applied to (a path, a name), or empty.
    package let subject: String
    /// The kernel's error number.
    package let number: Int32

    package init(call: String, subject: String = "", number: Int32) {
        self.call = call
        self.subject = subject
        self.number = number
    }

    /// Reads `errno` after a failed call.
    package static func last(_ call: String, _ subject: String = "") -> SystemError {
        SystemError(call: call, subject: subject, number: errno)
    }

    /// That something is in use, found otherwise than by a failed call.
    package static func busy(_ call: String, _ subject: String) -> SystemError {
        SystemError(call: call, subject: subject, number: EBUSY)
    }

    /// That something is not there, found otherwise than by a failed call.
    package static func missing(_ call: String, _ subject: String) -> SystemError {
        SystemError(call: call, subject: subject, number: ENOENT)
    }

    /// The kernel's own words for `number` (`strerrordesc_np(3)`).
    package var reason: String {
        lenscap_error_text(number).map { String(cString: $0) } ?? "error \(number)"
    }

    package var description: String {
        subject.isEmpty ? "\(call): \(reason)" : "\(call) \(subject): \(reason)"
    }

    package var isNotFound: Bool { number == ENOENT }
    package var isExisting: Bool { number == EEXIST }
    package var isPermission: Bool { number == EACCES || number == EPERM }
    package var isReadOnly: Bool { number == EROFS }
    package var isBusy: Bool { number == EBUSY }
    package var isWouldBlock: Bool { number == EAGAIN || number == EWOULDBLOCK }
    package var isDeviceGone: Bool { number == ENODEV || number == ENXIO }
    package var isNoSpace: Bool { number == ENOSPC || number == EDQUOT }
    /// What is on the disk is not known any more.
    package var isFailedSync: Bool { call == "fsync" }
    package var isInvalid: Bool { number == EINVAL }
    /// What a device answers to a request that is not for its kind.
    package var isUnknownRequest: Bool { number == ENOTTY }
    package var isLoop: Bool { number == ELOOP }
    package var isDisconnected: Bool { number == EPIPE || number == ECONNRESET }
    package var isNotConnectable: Bool { number == ENOENT || number == ECONNREFUSED }
    package var isNotEmpty: Bool { number == ENOTEMPTY }
}

/// Runs a call that answers −1 on failure, again as long as a signal interrupts it.
///
/// `EINTR` is retried for every call of this module except `close`, which Linux has done even then.
package func retrying<Result: FixedWidthInteger & SignedInteger>(
    _ call: String,
    _ subject: @autoclosure () -> String = "",
    _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        let number = errno
        if number == EINTR { continue }
        throw SystemError(call: call, subject: subject(), number: number)
    }
}
