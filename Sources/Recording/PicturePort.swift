internal import LibAV
internal import Pipeline

/// What the capture thread says of a picture beside its pixels.
///
/// Sums count from the opening on.
struct PictureNote: BitwiseCopyable {
    /// When it was taken (CLOCK_MONOTONIC, ns).
    var timestamp: Int64 = 0
    /// How many usable pictures came before it.
    var ordinal = 0
    /// How many pictures the device lost so far.
    var lost = 0
    /// How many came unusable so far.
    var damaged = 0
    /// How many times the device has failed or been away so far.
    var losses = 0
}

/// The pictures between a camera's capture thread and its encode thread.
///
/// # Concurrency model
/// An index is the capture thread's from `free.pop()` (or `filled.evictOldest()`) to
/// `filled.push()`, and the encode thread's from `filled.pop()` to `free.push()`; pixels and note
/// go with it.
final class PicturePort: @unchecked Sendable {
    // Unchecked: the owner of an index alone touches its note, and the rings order the accesses.
    let pool: VideoFramePool
    /// The encode thread's own picture, which the capture thread never gets.
    var still: Int { pool.count - 1 }
    let free: SPSCRing
    let filled: SPSCRing
    let notes: UnsafeMutableBufferPointer<PictureNote>

    init(pool: VideoFramePool) {
        self.pool = pool
        free = SPSCRing(capacity: pool.count)
        filled = SPSCRing(capacity: pool.count)
        notes = .allocate(capacity: pool.count)
        notes.initialize(repeating: PictureNote())
        for index in 0..<pool.count - 1 { _ = free.push(index) }
    }

    deinit {
        notes.deinitialize().deallocate()
    }
}
