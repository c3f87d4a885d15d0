package import Consent

/// Whether a lesson of a length fits the disk, whatever happens during it.
package struct Admission: Sendable {
    /// Worst bits per second of all sources together.
    package let bitRate: Int
    /// Bytes kept free for the machine.
    package let reserve: Int

    package init(bitRate: Int, reserve: Int) {
        self.bitRate = bitRate
        self.reserve = reserve
    }

    /// Bytes that must be free: duration × worst bit rate × 1.25, and the reserve. What waits in
    /// the spool already is not free any more and so counts by itself.
    package func needed(seconds: Int64) -> Int {
        Int(seconds) * (bitRate / 8) / 4 * 5 + reserve
    }

    package func check(_ start: VerifiedStart, available: Int) throws(AuthorityError) {
        let needed = needed(seconds: start.token.duration)
        guard needed <= available else {
            throw .noSpace(needed: needed, available: available)
        }
    }
}
