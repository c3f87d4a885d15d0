package import Consent
internal import CryptoPrimitives
internal import LinuxSystem

/// The open challenges: one a connection, a limited number in all, each used at most once.
///
/// Replay protection without clock, network or ledger: a challenge lives in memory only, ends with
/// its connection, and is gone whatever the attempt that it was taken for comes to.
package struct Challenges: Sendable {
    package static let limit = 64

    private struct Open: Sendable {
        let challenge: Challenge
        /// CLOCK_BOOTTIME nanoseconds.
        let expires: Int64
    }

    private var open: [UInt64: Open] = [:]

    package init() {}

    package var isEmpty: Bool { open.isEmpty }

    /// Opens a challenge for a connection in place of an earlier one.
    package mutating func issue(
        for connection: UInt64,
        trust: Trust,
        log: String,
        boot: String,
        clock: (unix: Int64, isTrusted: Bool),
        now: Int64
    ) throws(Refusal) -> Challenge {
        open = open.filter { $0.value.expires > now }
        guard open.count < Challenges.limit || open[connection] != nil else {
            throw Refusal(.challenge, "Too many challenges are open; try again in two minutes.")
        }
        let bytes: [UInt8]
        do {
            bytes = try randomBytes(32)
        } catch {
            throw Refusal(.challenge, "No randomness for a challenge: \(error).")
        }
        let challenge = Challenge(
            box: trust.room.record.box,
            boot: boot,
            challenge: bytes,
            log: log,
            record: trust.room.hash,
            revocations: trust.revocations?.sequence ?? 0,
            time: clock.unix,
            isTimeTrusted: clock.isTrusted
        )
        open[connection] = Open(
            challenge: challenge,
            expires: now + Challenge.lifetimeSeconds * 1_000_000_000
        )
        return challenge
    }

    /// Takes the connection's challenge: it cannot be taken again.
    ///
    /// Nil when none is open or it has expired by `now` (CLOCK_BOOTTIME nanoseconds).
    package mutating func take(for connection: UInt64, now: Int64) -> Challenge? {
        guard let taken = open.removeValue(forKey: connection), now < taken.expires else {
            return nil
        }
        return taken.challenge
    }
}
