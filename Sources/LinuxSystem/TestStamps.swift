/// How the driver of a made-up source states its times wrongly.
package enum TestStamps: String, Sendable {
    /// It does not.
    case right
    /// Every fiftieth lies ten seconds in the future.
    case future
    /// Every fiftieth lies one second back.
    case back
    /// From the first second on they stand still.
    case stuck
    /// They count up to 2³² seconds, which comes after two, and then from zero on.
    case wrap
    /// The first nine are 30 ms late, as of a machine that is busy with a device that just came.
    case late

    /// What is stated of something that was taken at `time` (ns), the `index`th of a source that
    /// began at `begin`.
    package func stamp(_ time: Int64, index: Int, begin: Int64) -> Int64 {
        let second: Int64 = 1_000_000_000
        let isOdd = index % 50 == 49
        switch self {
        case .right: return time
        case .future: return isOdd ? time + 10 * second : time
        case .back: return isOdd ? time - second : time
        case .stuck: return min(time, begin + second)
        case .wrap:
            let age = time - begin
            return age < 2 * second ? age + ((1 << 32) - 2) * second : age - 2 * second
        case .late: return index < 10 ? time + 30_000_000 : time
        }
    }
}
