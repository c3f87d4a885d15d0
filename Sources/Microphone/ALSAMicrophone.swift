internal import CALSA
internal import Glibc
package import LinuxSystem

/// A microphone behind an ALSA PCM.
///
/// Concurrency: as ``Microphone`` says. The only thing that two threads touch is the wake event.
package final class ALSAMicrophone: Microphone, @unchecked Sendable {
    // Sendable: `soleUser` traps when two threads are in `next` or `close`; `stop` touches only
    // the wake event, which is Sendable.

    package let format: MicrophoneFormat
    package let identity: DeviceIdentity

    private let wake: WakeEvent
    private let waiting: PollSet
    private let stopOnly: PollSet
    private let stopIndex: Int
    private let soleUser = SoleUser()
    private var pcm: PCM?
    private var isStarted = false
    private var clock: SampleClock

    package init(
        _ request: MicrophoneRequest,
        again known: DeviceIdentity?
    ) throws(MicrophoneError) {
        do throws(SystemError) { wake = try WakeEvent() } catch {
            throw .driverCallFailed(error)
        }
        let pcm = try PCM.open(request.path)
        identity = pcm.identity()
        // Before anything is set: another device is none of the lesson's business.
        if let known, known != identity { throw .anotherDevice(identity) }
        format = try pcm.configure(request).format
        clock = SampleClock(sampleRate: format.sampleRate)
        let stop = PollEntry(wake.raw, .readable)
        let entries = pcm.pollEntries()
        stopIndex = entries.count
        waiting = PollSet(entries + [stop])
        stopOnly = PollSet([stop])
        self.pcm = consume pcm
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
        guard pcm != nil else { return .stopped }
        if !isStarted {
            // Not earlier: what nobody reads would end as an overrun.
            try pcm?.start()
            isStarted = true
        }
        while true {
            let isReady = try wait(waiting, deadline)
            if waiting.returned(stopIndex).contains(.readable) { return .stopped }
            guard isReady else { return .timedOut }
            if let outcome = try read(samples, deadline) { return outcome }
        }
    }

    package var estimatedTimes: Int { clock.estimates }

    package func stop() {
        wake.signal()
    }

    package func close() {
        soleUser.enter()
        pcm = nil
        soleUser.leave()
    }

    private func wait(_ set: borrowing PollSet, _ deadline: Int64) throws(MicrophoneError) -> Bool {
        do throws(SystemError) { return try set.wait(deadline: deadline) > 0 } catch {
            throw .driverCallFailed(error)
        }
    }

    /// What the device has now, or nil when that is nothing.
    private func read(
        _ samples: UnsafeMutableBufferPointer<Int16>,
        _ deadline: Int64
    )
        throws(MicrophoneError) -> MicrophoneOutcome?
    {
        guard let handle = pcm?.handle else { return .stopped }
        let asked = Clock.monotonic.now()
        let available = snd_pcm_avail_update(handle)
        if available < 0 { return try recover(available, "snd_pcm_avail_update", deadline) }
        if available == 0 {
            // Woken without sound: not a reason to spin when the stream has ended.
            if snd_pcm_state(handle) == SND_PCM_STATE_RUNNING { return nil }
            throw .deviceGone
        }
        var waitingFrames: snd_pcm_uframes_t = 0
        var stamp = timespec()
        let stamped = snd_pcm_htimestamp(handle, &waitingFrames, &stamp)
        if stamped < 0 { return try recover(Int(stamped), "snd_pcm_htimestamp", deadline) }

        let room = samples.count / format.channels
        let wanted = snd_pcm_uframes_t(min(Int(waitingFrames), room))
        let count = snd_pcm_readi(handle, samples.baseAddress, wanted)
        if count < 0 { return try recover(count, "snd_pcm_readi", deadline) }
        if count == 0 { return nil }
        let time = clock.firstFrame(
            frames: count,
            waiting: Int(waitingFrames),
            stamp: Clock.nanoseconds(seconds: stamp.tv_sec, nanoseconds: stamp.tv_nsec),
            asked: asked,
            now: Clock.monotonic.now()
        )
        return .samples(frames: count, timestamp: time)
    }

    /// Brings the stream back where that is possible; the samples in between are lost.
    private func recover(
        _ code: Int,
        _ call: String,
        _ deadline: Int64
    )
        throws(MicrophoneError) -> MicrophoneOutcome?
    {
        switch Int32(truncatingIfNeeded: -code) {
        case EAGAIN:
            return nil
        case EPIPE:
            break
        case ESTRPIPE:
            if let handle = pcm?.handle, snd_pcm_resume(handle) == -EAGAIN {
                return try waitForResume(deadline)
            }
        default:
            throw MicrophoneError(calling: pcm?.path ?? "", SystemError(call: call, code))
        }
        try pcm?.start()
        clock.restart()
        return .overrun
    }

    /// The hardware is still asleep; its descriptor is ready all the time, so that only the stop
    /// is waited for.
    private func waitForResume(_ deadline: Int64) throws(MicrophoneError) -> MicrophoneOutcome? {
        let later = Clock.monotonic.now() + 20_000_000
        if try wait(stopOnly, min(later, deadline)) { return .stopped }
        return later > deadline ? .timedOut : nil
    }
}
