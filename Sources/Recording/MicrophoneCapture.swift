internal import LinuxSystem
internal import Microphone
internal import Pipeline

/// A microphone's real-time loop: samples go from the driver into blocks, their indices into a
/// ring.
///
/// Input: an open microphone. Output: `port.filled`. Constraint: as for ``CameraCapture``. The ring
/// holds ten seconds; beyond them the oldest block is given up, which the encode thread sees by the
/// ordinals and fills with silence.
struct MicrophoneCapture {
    let microphone: any Microphone
    let port: SoundPort
    let status: SourceStatus
    let bell: Doorbell
    private static let patience: Int64 = 500_000_000

    func run() throws(MicrophoneError) {
        var next = SoundNote()
        var spare: Int?
        while true {
            guard let index = spare ?? buffer() else {
                // Cannot be while the encode thread holds one block at a time; then wait for it.
                Clock.monotonic.sleep(until: Clock.monotonic.now() + 1_000_000)
                continue
            }
            spare = index
            let deadline = Clock.monotonic.now() + Self.patience
            switch try microphone.next(deadline: deadline, into: port.block(index)) {
            case .samples(let frames, let timestamp):
                next.timestamp = timestamp
                next.frames = frames
                port.notes[index] = next
                next.ordinal += 1
                spare = nil
                status.countDelivered(frames, at: timestamp)
                // There are as many places as indices, so there is room.
                _ = port.filled.push(index)
                bell.ring()
            case .overrun: next.overruns += 1
            case .timedOut: break
            case .stopped: return
            }
        }
    }

    private func buffer() -> Int? {
        if let index = port.free.pop() { return index }
        guard let index = port.filled.evictOldest() else { return nil }
        status.countDropped(port.notes[index].frames)
        return index
    }
}
