internal import CSystem
internal import Glibc

/// What `poll(2)` reported of one descriptor.
package struct PollEvents: OptionSet, Sendable {
    package let rawValue: Int16
    package init(rawValue: Int16) { self.rawValue = rawValue }

    package static let readable = PollEvents(rawValue: Int16(POLLIN))
    package static let writable = PollEvents(rawValue: Int16(POLLOUT))
    package static let priority = PollEvents(rawValue: Int16(POLLPRI))
    package static let error = PollEvents(rawValue: Int16(POLLERR))
    package static let hangUp = PollEvents(rawValue: Int16(POLLHUP))
    package static let invalid = PollEvents(rawValue: Int16(POLLNVAL))
}

/// One descriptor to wait for; `returned` is filled in by ``poll(_:deadline:)``.
package struct PollEntry: Sendable {
    package var descriptor: Int32
    package var wanted: PollEvents
    package var returned: PollEvents = []

    package init(_ descriptor: Int32, _ wanted: PollEvents) {
        self.descriptor = descriptor
        self.wanted = wanted
    }
}

/// Waits until a descriptor is ready or CLOCK_MONOTONIC shows `deadline` (ns; nil: for ever).
///
/// Returns how many entries are ready, 0 at the deadline. Interruptions by signals are waited
/// through. Allocates nothing for up to 16 entries on the stack of the caller (`ppoll(2)`).
package func poll(
    _ entries: UnsafeMutableBufferPointer<PollEntry>,
    deadline: Int64?
)
    throws(SystemError) -> Int
{
    var failure: SystemError?
    let ready = withUnsafeTemporaryAllocation(of: pollfd.self, capacity: max(1, entries.count)) {
        list -> Int in
        for index in entries.indices {
            list[index] = pollfd(
                fd: entries[index].descriptor,
                events: entries[index].wanted.rawValue,
                revents: 0
            )
        }
        do throws(SystemError) {
            let count = try wait(list.baseAddress, nfds_t(entries.count), deadline)
            for index in entries.indices {
                entries[index].returned = PollEvents(rawValue: list[index].revents)
            }
            return count
        } catch {
            failure = error
            return 0
        }
    }
    if let failure { throw failure }
    return ready
}

private func wait(
    _ list: UnsafeMutablePointer<pollfd>?,
    _ count: nfds_t,
    _ deadline: Int64?
)
    throws(SystemError) -> Int
{
    while true {
        let result: Int32
        if let deadline {
            let left = max(0, deadline - Clock.monotonic.now())
            var time = timespec(
                tv_sec: Int(left / 1_000_000_000),
                tv_nsec: Int(left % 1_000_000_000)
            )
            result = lenscap_ppoll(list, count, &time)
        } else {
            result = lenscap_ppoll(list, count, nil)
        }
        if result >= 0 { return Int(result) }
        if errno != EINTR { throw SystemError.last("ppoll") }
    }
}

extension Array where Element == PollEntry {
    /// ``LinuxSystem/poll(_:deadline:)`` over an array's own storage.
    package mutating func poll(deadline: Int64?) throws(SystemError) -> Int {
        var failure: SystemError?
        var count = 0
        withUnsafeMutableBufferPointer { buffer in
            do throws(SystemError) {
                count = try LinuxSystem.poll(buffer, deadline: deadline)
            } catch { failure = error }
        }
        if let failure { throw failure }
        return count
    }
}
