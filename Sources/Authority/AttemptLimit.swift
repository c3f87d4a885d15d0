/// How often one connection may try: a bucket that refills with time.
///
/// A pure value.
///
/// A teacher who mistypes a PIN tries a few times; a program that guesses is slowed down and costs
/// the others nothing. Limits are per connection, so that nobody can use up somebody else's tries.
package struct AttemptLimit: Sendable {
    /// Tries at once, and how long one more takes to come back.
    package static let burst = 10
    package static let interval: Int64 = 6_000_000_000

    private var tries: Int
    private var refilled: Int64

    /// `now` is CLOCK_BOOTTIME nanoseconds, here and below.
    package init(now: Int64) {
        tries = Self.burst
        refilled = now
    }

    /// Whether another try is allowed; it counts.
    package mutating func allow(now: Int64) -> Bool {
        let returned = max(0, now - refilled) / Self.interval
        if returned > 0 {
            tries = min(Self.burst, tries + Int(min(returned, Int64(Self.burst))))
            refilled += returned * Self.interval
        }
        guard tries > 0 else { return false }
        tries -= 1
        return true
    }
}
