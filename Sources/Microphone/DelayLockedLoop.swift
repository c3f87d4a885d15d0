/// Follows the sample clock of a microphone through the jitter of its time stamps.
///
/// A second-order loop: it predicts when each block's first sample is taken, compares the stamp
/// with that, and corrects phase and period by fixed shares of the difference. The bandwidth starts
/// wide, so that a rate 500 ppm off is found within seconds, and narrows with the time listened, so
/// that a millisecond of jitter becomes less than two ppm. After missing samples the phase is new and
/// the rate is not, so only the phase's bandwidth is wide again.
///
/// Pure: stamps come in, smooth times come out. Allocates nothing.
/// Source: Fons Adriaensen, "Using a DLL to filter time" (2005).
package struct DelayLockedLoop: Sendable {
    /// In Hz.
    static let widest = 0.5
    static let narrowest = 0.01

    /// Nanoseconds from one sample to the next, as the nominal rate has it.
    private let nominalPeriod: Double
    /// Nanoseconds from one sample to the next, as estimated.
    private var period: Double
    /// When the next block begins (ns), as a whole and a fraction: a double alone would round
    /// after some months of uptime.
    private var next: (whole: Int64, part: Double)?
    private var framesBefore = 0
    /// Seconds that the loop has listened to: in all, and since samples were missing.
    private var listened = (all: 0.0, here: 0.0)

    package init(sampleRate: Int) {
        nominalPeriod = 1_000_000_000 / Double(sampleRate)
        period = nominalPeriod
    }

    /// How much faster than nominal the sample clock runs, in millionths.
    package var ppm: Double { (nominalPeriod / period - 1) * 1_000_000 }

    /// Whether the loop has listened long enough for ``ppm`` to mean something.
    package var isSettled: Bool { listened.all >= 10 }

    /// How far (ns) a stamp of the next block lies after its prediction; nil before the first.
    package func error(of stamp: Int64) -> Int64? {
        next.map { stamp - $0.whole - Int64($0.part.rounded()) }
    }

    /// Takes the stamp of a block of `frames` that follows on the last one, and gives the smooth
    /// time of its first sample (ns).
    package mutating func observe(_ stamp: Int64, frames: Int) -> Int64 {
        guard let (whole, part) = next else {
            next = (stamp, 0)
            return coast(frames: frames)
        }
        let error = Double(stamp - whole) - part
        if framesBefore > 0 {
            let omega = share(after: listened.all)
            period += omega * omega * error / Double(framesBefore)
        }
        next = (whole, part + 2.0.squareRoot() * share(after: listened.here) * error)
        return coast(frames: frames)
    }

    /// The loop's angular frequency, times the last block's length, when so many seconds were
    /// listened to.
    private func share(after seconds: Double) -> Double {
        let elapsed = Double(framesBefore) * nominalPeriod / 1_000_000_000
        let bandwidth = min(Self.widest, max(Self.narrowest, 1 / max(seconds, 0.001)))
        return min(0.5, 2 * .pi * bandwidth * elapsed)
    }

    /// Takes a block without a stamp of its own; its first sample's predicted time, 0 before any.
    @discardableResult
    package mutating func coast(frames: Int) -> Int64 {
        guard let (whole, part) = next else { return 0 }
        let begin = whole + Int64(part.rounded())
        let end = part + Double(frames) * period
        let carried = Int64(end)
        next = (whole + carried, end - Double(carried))
        framesBefore = frames
        let seconds = Double(frames) * nominalPeriod / 1_000_000_000
        listened = (listened.all + seconds, listened.here + seconds)
        return begin
    }

    /// Samples are missing: the next stamp is taken at its word.
    ///
    /// The rate is kept.
    package mutating func restart() {
        next = nil
        framesBefore = 0
        listened.here = 0
    }
}
