internal import CSystem
internal import Glibc

/// The kernel's clocks, read in nanoseconds (`clock_gettime(2)`).
package enum Clock: Sendable {
    /// Driver timestamps; stands still in suspend.
    case monotonic
    /// Like monotonic, and runs through suspend: durations and deadlines of a session.
    case bootTime
    /// Unix time; may be wrong and may step.
    case realTime

    package func now() -> Int64 {
        var value = timespec()
        // Cannot fail: the three identifiers exist on every Linux this runs on.
        clock_gettime(identifier, &value)
        return Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec)
    }

    /// Nanoseconds of a time as a driver states it, which may be any two numbers.
    ///
    /// `Int64.min`, before every time that any clock shows, when they do not fit.
    package static func nanoseconds(seconds: Int, nanoseconds: Int) -> Int64 {
        let whole = Int64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let sum = whole.partialValue.addingReportingOverflow(Int64(nanoseconds))
        return whole.overflow || sum.overflow ? .min : sum.partialValue
    }

    /// Unix seconds.
    package static func unixSeconds() -> Int64 { Clock.realTime.now() / 1_000_000_000 }

    var identifier: clockid_t {
        switch self {
        case .monotonic: CLOCK_MONOTONIC
        case .bootTime: CLOCK_BOOTTIME
        case .realTime: CLOCK_REALTIME
        }
    }

    /// Whether something keeps the wall clock in step (`adjtimex(2)`: not `STA_UNSYNC`).
    package static var isSynchronized: Bool {
        var state = timex()
        return adjtimex(&state) >= 0 && state.status & STA_UNSYNC == 0
    }

    /// Sleeps the calling thread until the clock shows `time` (`clock_nanosleep(2)`).
    package func sleep(until time: Int64) {
        var target = timespec(
            tv_sec: Int(time / 1_000_000_000),
            tv_nsec: Int(time % 1_000_000_000)
        )
        while clock_nanosleep(identifier, TIMER_ABSTIME, &target, nil) == EINTR {}
    }
}
