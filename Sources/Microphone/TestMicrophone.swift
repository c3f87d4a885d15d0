internal import Glibc
package import LinuxSystem

/// A microphone that needs no hardware, with the same contract as a real one.
///
/// It hears a quiet low tone and, from each whole second of CLOCK_MONOTONIC on, 100 ms of 1 kHz at
/// half of full scale: the beep that goes with the flash of `TestCamera`. The sound is a function
/// of the time at which a sample is taken, so with `ppm` it drifts as from a real device.
///
/// Address: `test:`, `test:sound` or `test:sound?option=value&…` with
/// - `ppm`: how much faster than nominal the sample clock runs, −100000…100000;
/// - `bed`: 0 leaves out the quiet tone between the beeps;
/// - `mute`: after so many milliseconds every sample is zero, until `unmute` milliseconds;
/// - `overrun`: after so many milliseconds one overrun, which loses 100 ms;
/// - `hang`: after so many milliseconds nothing comes any more;
/// - `gone`: after so many milliseconds the microphone is gone;
/// - `hold`: a file that is held open while the microphone is, like a device's node: without it
///   there is no microphone, and deleting it is unplugging;
/// - `back`: so many milliseconds after it was gone it can be opened again, and stays;
/// - `other`: 1 makes what comes back another microphone;
/// - `stamps`: a ``LinuxSystem/TestStamps`` fault of its times.
///
/// Opened again it is well: what should happen once does not happen a second time. A caller that
/// falls more than 200 ms behind gets an overrun, as with a driver's ring.
package final class TestMicrophone: Microphone, @unchecked Sendable {
    // Sendable: `soleUser` traps when two threads are in `next` or `close`; `stop` touches only
    // the wake event, which is Sendable.

    package static let prefix = TestAddress.prefix

    package let format: MicrophoneFormat
    package let identity: DeviceIdentity

    private let options: Options
    private let clock: any WaitingClock
    private let wake: WakeEvent
    private let waiting: PollSet
    private let soleUser = SoleUser()
    /// When the first frame is taken, as soon as somebody listens.
    private var origin: Int64?
    /// Of the first frame not yet delivered, counted from `origin`.
    private var position = 0
    private var hasOverrun = false
    private var sampleClock: SampleClock
    private var blocks = 0
    private var isClosed = false
    private var node: TestNode?

    private struct Options {
        let ppm: Int
        let hasBed: Bool
        /// In frames; `Int.max` for never.
        let mute: Int
        let unmute: Int
        /// Milliseconds after the first opening; `Int.max` for never.
        let unplugged: Int
        /// All three in frames; `Int.max` for never.
        let overrun: Int
        let hang: Int
        let gone: Int
        let stamps: TestStamps

        static let names: Set = TestPlug.options.union([
            "ppm", "bed", "mute", "unmute", "overrun", "hang", "gone", "stamps", "hold",
        ])

        /// Opened again, a microphone neither hangs nor goes nor runs over.
        init?(_ address: TestAddress, rate: Int, isFirst: Bool) {
            let hour = 0...3_600_000
            guard let ppm = address.integer("ppm", default: 0, in: -100_000...100_000),
                let bed = address.integer("bed", default: 1, in: 0...1),
                let mute = address.integer("mute", default: .max, in: hour),
                let unmute = address.integer("unmute", default: .max, in: hour),
                let overrun = address.integer("overrun", default: .max, in: hour),
                let hang = address.integer("hang", default: .max, in: hour),
                let gone = address.integer("gone", default: .max, in: hour),
                let stamps = TestStamps(rawValue: address.text("stamps") ?? "right")
            else { return nil }
            let frames = { $0 == Int.max || !isFirst ? Int.max : $0 * rate / 1000 }
            self.ppm = ppm
            hasBed = bed == 1
            self.mute = frames(mute)
            self.unmute = frames(unmute)
            unplugged = gone
            self.overrun = frames(overrun)
            self.hang = frames(hang)
            self.gone = frames(gone)
            self.stamps = stamps
        }
    }

    package init(
        _ request: MicrophoneRequest,
        again known: DeviceIdentity? = nil,
        clock: any WaitingClock
    ) throws(MicrophoneError) {
        let rate = request.sampleRate
        guard let address = TestAddress(request.path, kind: "sound", options: Options.names),
            let plug = TestPlug(address),
            let options = Options(address, rate: rate, isFirst: known == nil)
        else { throw .testAddressInvalid(request.path) }
        guard (8_000...192_000).contains(rate) else {
            throw .formatRefused(asked: "\(rate) Hz", granted: "8000 to 192000 Hz")
        }
        if let path = address.text("hold") {
            do throws(SystemError) { node = try TestNode(path) } catch {
                throw MicrophoneError(opening: path, error)
            }
        }
        switch plug.open("test sound", again: known, gone: options.unplugged, now: clock.now()) {
        case .open(let identity): self.identity = identity
        case .another(let identity): throw .anotherDevice(identity)
        case .missing: throw .missing(path: request.path)
        }
        format = MicrophoneFormat(sampleRate: rate, channels: request.channels)
        self.options = options
        sampleClock = SampleClock(sampleRate: rate)
        do throws(SystemError) { wake = try WakeEvent() } catch {
            throw .driverCallFailed(error)
        }
        self.clock = clock
        waiting = PollSet([PollEntry(wake.raw, .readable)])
    }

    package func next(
        deadline: Int64,
        into samples: UnsafeMutableBufferPointer<Int16>
    )
        throws(MicrophoneError) -> MicrophoneOutcome
    {
        precondition(samples.count >= format.channels, "no room for one frame")
        soleUser.enter()
        defer { soleUser.leave() }
        if origin == nil { origin = clock.now() }
        if position >= options.gone || isUnplugged { throw .deviceGone }
        let frames = min(format.sampleRate / 50, samples.count / format.channels)
        let due = position >= options.hang ? Int64.max : time(of: position + frames)
        let isStopped = try waitForStop(until: min(due, deadline))
        if isStopped || isClosed { return .stopped }
        let now = clock.now()
        if due > now { return .timedOut }
        if losesSamples(at: now) { return .overrun }

        let first = position
        for frame in first..<first + frames {
            let isMute = frame >= options.mute && frame < options.unmute
            let value = isMute ? 0 : sound(at: time(of: frame))
            for channel in 0..<format.channels {
                samples[(frame - first) * format.channels + channel] = value
            }
        }
        position += frames
        blocks += 1
        let end = time(of: position)
        let stated = sampleClock.firstFrame(
            frames: frames,
            waiting: frames,
            stamp: options.stamps.stamp(end, index: blocks, begin: origin ?? end),
            asked: now,
            now: now
        )
        return .samples(
            frames: frames,
            timestamp: options.stamps == .right ? time(of: first) : stated
        )
    }

    package var estimatedTimes: Int { sampleClock.estimates }

    package func stop() {
        wake.signal()
    }

    package func close() {
        soleUser.enter()
        isClosed = true
        node = nil
        soleUser.leave()
    }

    private var isUnplugged: Bool { node?.isUnplugged ?? false }

    private func waitForStop(until time: Int64) throws(MicrophoneError) -> Bool {
        do throws(SystemError) { return try waiting.wait(deadline: time, by: clock) > 0 } catch {
            throw .driverCallFailed(error)
        }
    }

    private func losesSamples(at now: Int64) -> Bool {
        if position >= options.overrun, !hasOverrun {
            hasOverrun = true
            position += format.sampleRate / 10
            return true
        }
        let behind = now - time(of: position)
        guard behind > 200_000_000 else { return false }
        position += Int(behind) / 1000 * format.sampleRate / 1_000_000
        return true
    }

    /// When frame `index` is taken; a double holds a nanosecond for a hundred days.
    private func time(of index: Int) -> Int64 {
        let rate = Double(format.sampleRate) * (1 + Double(options.ppm) / 1_000_000)
        return (origin ?? 0) + Int64((Double(index) * 1_000_000_000 / rate).rounded())
    }

    /// The sound at a time (ns).
    ///
    /// Both tones are whole in each second and start at phase 0.
    private func sound(at time: Int64) -> Int16 {
        let second = Double(time % 1_000_000_000) / 1_000_000_000
        if second < 0.1 { return Int16(16_384 * sin(2 * .pi * 1000 * second)) }
        return options.hasBed ? Int16(48 * sin(2 * .pi * 220 * second)) : 0
    }
}
