/// The length of one tick in seconds, as a fraction: 1/90000 for video, 1/48000 for sound.
package struct TimeBase: Hashable, Sendable {
    package let numerator: Int64
    package let denominator: Int64

    /// Both parts are positive and below 2³¹, as libavutil's rationals are.
    package init(_ numerator: Int64, _ denominator: Int64) {
        precondition(numerator > 0 && numerator <= Int64(Int32.max))
        precondition(denominator > 0 && denominator <= Int64(Int32.max))
        self.numerator = numerator
        self.denominator = denominator
    }

    /// The 90 kHz clock of MPEG video.
    package static let video = TimeBase(1, 90_000)

    /// One tick per sample (of all channels together).
    package static func samples(rate: Int) -> TimeBase { TimeBase(1, Int64(rate)) }
}

/// Where an instant goes that lies between two ticks.
package enum TimeRounding: Sendable {
    /// The nearest tick; halves away from 0.
    case nearest
    /// The tick at or before.
    case down
    /// The tick at or after.
    case up
}

/// `value × factor ÷ divisor` through a 128-bit product; traps when the result overflows.
///
/// `factor` and `divisor` are positive.
func scaled(_ value: Int64, by factor: Int64, over divisor: Int64, rounding: TimeRounding) -> Int64
{
    let product = value.magnitude.multipliedFullWidth(by: factor.magnitude)
    let (quotient, remainder) = divisor.magnitude.dividingFullWidth(product)
    let isNegative = value < 0
    let roundsAway =
        switch rounding {
        case .nearest: remainder >= divisor.magnitude - remainder
        case .down: isNegative && remainder > 0
        case .up: !isNegative && remainder > 0
        }
    let magnitude = Int64(quotient) + (roundsAway ? 1 : 0)
    return isNegative ? -magnitude : magnitude
}
