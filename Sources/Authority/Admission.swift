package import Consent

/// Whether a lesson of a length fits the disk, whatever happens during it.
package struct Admission: Sendable {
    /// Bits per second of one camera and of one microphone, as configured.
    package let videoBitRate: Int
    package let audioBitRate: Int
    /// Bytes kept free for the machine.
    package let reserve: Int

    package init(videoBitRate: Int, audioBitRate: Int, reserve: Int) {
        self.videoBitRate = videoBitRate
        self.audioBitRate = audioBitRate
        self.reserve = reserve
    }

    /// Bytes that must be free: duration × worst bit rate × 1.25, and the reserve.
    ///
    /// The encoder is held to its bit rate over seconds, not over pictures: twice of it is taken as
    /// the worst. What waits in the spool already is not free any more and so counts by itself.
    package func needed(seconds: Int64, cameras: Int, microphones: Int) -> Int {
        let bitRate = 2 * cameras * videoBitRate + microphones * audioBitRate
        return Int(seconds) * (bitRate / 8) / 4 * 5 + reserve
    }

    package func check(_ start: VerifiedStart, available: Int) throws(AuthorityError) {
        let needed = needed(
            seconds: start.token.duration,
            cameras: start.token.cameras.count,
            microphones: start.token.microphones.count
        )
        guard needed <= available else {
            throw .noSpace(needed: needed, available: available)
        }
    }
}
