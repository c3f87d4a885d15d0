/// An instant on the lesson's timeline: nanoseconds since its first instant, which is 0.
///
/// The same type measures lengths on that timeline. Nanoseconds in `Int64` reach 292 years, and
/// sums of them are exact; rounding happens only where a time meets a ``TimeBase``.
package struct MediaTime: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    package static let zero = MediaTime(nanoseconds: 0)

    package static func seconds(_ value: Int64) -> MediaTime {
        MediaTime(nanoseconds: value * 1_000_000_000)
    }

    package static func milliseconds(_ value: Int64) -> MediaTime {
        MediaTime(nanoseconds: value * 1_000_000)
    }

    /// The instant that `ticks` of `base` stand for, to the nearest nanosecond, halves away from 0.
    ///
    /// Traps when the instant lies outside ±292 years.
    package init(ticks: Int64, of base: TimeBase) {
        nanoseconds = scaled(
            ticks,
            by: base.numerator * 1_000_000_000,
            over: base.denominator,
            rounding: .nearest
        )
    }

    /// This instant in ticks of `base`.
    package func ticks(of base: TimeBase, rounding: TimeRounding = .nearest) -> Int64 {
        scaled(
            nanoseconds,
            by: base.denominator,
            over: base.numerator * 1_000_000_000,
            rounding: rounding
        )
    }

    package static func < (left: MediaTime, right: MediaTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    package static func + (left: MediaTime, right: MediaTime) -> MediaTime {
        MediaTime(nanoseconds: left.nanoseconds + right.nanoseconds)
    }

    package static func - (left: MediaTime, right: MediaTime) -> MediaTime {
        MediaTime(nanoseconds: left.nanoseconds - right.nanoseconds)
    }

    package static func * (left: MediaTime, right: Int64) -> MediaTime {
        MediaTime(nanoseconds: left.nanoseconds * right)
    }

    package static func += (left: inout MediaTime, right: MediaTime) {
        left.nanoseconds += right.nanoseconds
    }
}

extension MediaTime: CustomStringConvertible {
    /// Seconds with nine decimals, for example `12.500000000`.
    package var description: String {
        let magnitude = nanoseconds.magnitude
        let fraction = String(magnitude % 1_000_000_000)
        let zeros = String(repeating: "0", count: 9 - fraction.count)
        return "\(nanoseconds < 0 ? "-" : "")\(magnitude / 1_000_000_000).\(zeros)\(fraction)"
    }
}
