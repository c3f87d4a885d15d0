package import LinuxSystem

/// What a microphone delivers: interleaved signed 16-bit samples, native endianness.
package struct MicrophoneFormat: Hashable, Sendable {
    /// Nominal frames per second of the device's own clock.
    package let sampleRate: Int
    package let channels: Int

    package init(sampleRate: Int, channels: Int) {
        self.sampleRate = sampleRate
        self.channels = channels
    }
}

/// What one call of ``Microphone/next(deadline:into:)`` came to.
package enum MicrophoneOutcome: Hashable, Sendable {
    /// `frames` were written; `timestamp` is the CLOCK_MONOTONIC time (ns) of the first one.
    case samples(frames: Int, timestamp: Int64)
    /// Samples were lost; the device runs again, and the next timestamp says from when.
    case overrun
    /// Nothing came until the deadline.
    case timedOut
    /// ``Microphone/stop()`` was called.
    case stopped
}

/// A microphone that is open, and captures from the first `next` on.
///
/// Concurrency: thread-bound. Every call comes from the one thread that captures, `stop` from
/// any; two calls at once trap. `next` is real-time: it allocates nothing and takes no lock.
package protocol Microphone: AnyObject, Sendable {
    var format: MicrophoneFormat { get }

    /// Waits for about 20 ms of sound until CLOCK_MONOTONIC shows `deadline` (ns), and writes what
    /// there is, as much as fits and at the most what the device holds. `samples` holds at least
    /// one frame (``MicrophoneFormat/channels`` values).
    func next(
        deadline: Int64,
        into samples: UnsafeMutableBufferPointer<Int16>
    )
        throws(MicrophoneError) -> MicrophoneOutcome

    /// The same each time that this very device is opened where it was.
    var identity: DeviceIdentity { get }

    /// How many blocks had to have their time estimated, since the driver's stamp could not be
    /// true; to be asked on the capturing thread.
    var estimatedTimes: Int { get }

    /// Makes `next` return `.stopped` at once, and from then on. Thread-safe, never blocks.
    func stop()

    /// Stops capturing and closes the device. Idempotent; `deinit` is the net.
    func close()
}

/// Which microphone to open, and how.
package struct MicrophoneRequest: Hashable, Sendable {
    /// An ALSA PCM such as `hw:front`, or `test:…` for the test sound (``TestMicrophone``).
    package var path: String
    /// In Hz; another is refused.
    package var sampleRate: Int
    /// 1 or 2; a device that has only the other gives that, and the format says so.
    package var channels: Int

    package init(path: String, sampleRate: Int = 48_000, channels: Int = 1) {
        self.path = path
        self.sampleRate = sampleRate
        self.channels = channels
    }
}

/// Opens and starts the microphone; may block in the driver, so not on the cooperative pool.
///
/// With `identity` it opens that device again and no other.
package func openMicrophone(
    _ request: MicrophoneRequest,
    again identity: DeviceIdentity? = nil,
    clock: any WaitingClock = KernelClock()
) throws(MicrophoneError)
    -> any Microphone
{
    guard request.sampleRate > 0, (1...2).contains(request.channels) else {
        throw .formatRefused(
            asked: "\(request.channels) channels at \(request.sampleRate) Hz",
            granted: "1 or 2 channels"
        )
    }
    if request.path.hasPrefix(TestMicrophone.prefix) {
        return try TestMicrophone(request, again: identity, clock: clock)
    }
    return try ALSAMicrophone(request, again: identity)
}
