internal import Pipeline

/// What the capture thread says of a block of samples.
struct SoundNote: BitwiseCopyable {
    /// When the first sample was taken (CLOCK_MONOTONIC, ns).
    var timestamp: Int64 = 0
    /// Sample frames in the block.
    var frames = 0
    /// How many blocks came before it.
    var ordinal = 0
    /// How many times the device's buffer has run over so far.
    var overruns = 0
    /// How many times the device has failed or been away so far.
    var losses = 0

    /// Why samples are missing between the block `before` and this one; nil when none are.
    func hole(after before: SoundNote) -> GapReason? {
        if losses > before.losses { return .gone }
        if overruns > before.overruns { return .overrun }
        return ordinal > before.ordinal + 1 ? .overload : nil
    }
}

/// The blocks of samples between a microphone's capture thread and its encode thread.
///
/// Ten seconds of them, since sound is not to be dropped because a disk is slow. The concurrency
/// model is that of ``PicturePort``.
final class SoundPort: @unchecked Sendable {
    // Unchecked: the owner of an index alone touches its block and note, and the rings order the
    // accesses.
    let channels: Int
    let free: SPSCRing
    let filled: SPSCRing
    let notes: UnsafeMutableBufferPointer<SoundNote>
    private let samples: UnsafeMutableBufferPointer<Int16>
    private let blockSize: Int
    static let blocks = 512

    init(sampleRate: Int, channels: Int) {
        self.channels = channels
        blockSize = sampleRate / 20 * channels
        free = SPSCRing(capacity: Self.blocks)
        filled = SPSCRing(capacity: Self.blocks)
        notes = .allocate(capacity: Self.blocks)
        notes.initialize(repeating: SoundNote())
        samples = .allocate(capacity: Self.blocks * blockSize)
        for index in 0..<Self.blocks { _ = free.push(index) }
    }

    deinit {
        samples.deallocate()
        notes.deinitialize().deallocate()
    }

    /// The memory of block `index`, 50 ms of sound; allocates nothing.
    func block(_ index: Int) -> UnsafeMutableBufferPointer<Int16> {
        let start = index * blockSize
        return UnsafeMutableBufferPointer(rebasing: samples[start..<start + blockSize])
    }
}
