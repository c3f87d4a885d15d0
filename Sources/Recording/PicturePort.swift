internal import Camera
internal import LibAV
internal import LinuxSystem
internal import Pipeline
internal import Synchronization

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

/// Pictures on their way from one thread to another, named by the index of their buffer.
///
/// # Concurrency model
/// An index is the filling thread's from `free.pop()` (or `filled.evictOldest()`) to
/// `filled.push()`, and the taking thread's from `filled.pop()` to ``giveBack(_:)``; pixels and
/// note go with it.
class PictureQueue: @unchecked Sendable {
    // Unchecked: the owner of an index alone touches its note, and the rings order the accesses.
    let free: FreeList
    let filled: SPSCRing
    let notes: UnsafeMutableBufferPointer<PictureNote>
    /// Wakes the thread that takes the pictures.
    fileprivate let bell: Doorbell
    /// Wakes the thread that fills the buffers, where it waits for them.
    fileprivate let roomBell: Doorbell?

    /// The last `reserved` of the buffers are never free.
    fileprivate init(count: Int, reserved: Int = 0, bell: Doorbell, roomBell: Doorbell?) {
        free = FreeList(count: count)
        filled = SPSCRing(capacity: count)
        self.bell = bell
        self.roomBell = roomBell
        notes = .allocate(capacity: count)
        notes.initialize(repeating: PictureNote())
        for index in 0..<count - reserved { free.push(index) }
    }

    deinit {
        notes.deinitialize().deallocate()
    }

    /// Puts a picture at the end; real-time safe.
    final func push(_ index: Int, _ note: PictureNote) {
        notes[index] = note
        // There are as many places as indices, so there is room.
        _ = filled.push(index)
        bell.ring()
    }

    /// Lets the buffer be filled again.
    final func giveBack(_ index: Int) {
        free.push(index)
        roomBell?.ring()
    }
}

/// The pictures before a camera's encode thread, in the form that the encoder takes.
final class PicturePort: PictureQueue, @unchecked Sendable {
    // Unchecked: as PictureQueue says.
    let pool: VideoFramePool
    private let isDecoding: Atomic<Bool>
    private let isLeft = Atomic<Bool>(false)

    /// With a `roomBell` a decode thread fills it, until ``endDecoding()``.
    init(pool: VideoFramePool, bell: Doorbell, roomBell: Doorbell?) {
        self.pool = pool
        isDecoding = Atomic(roomBell != nil)
        super.init(count: pool.count, reserved: 1, bell: bell, roomBell: roomBell)
    }

    /// The encode thread's own picture, which is never filled.
    var still: Int { pool.count - 1 }

    /// Nothing is waiting, nor being decoded; once capture is over it stays so.
    var isDrained: Bool { !isDecoding.load(ordering: .acquiring) && filled.isEmpty }

    /// The decode thread pushes nothing any more.
    func endDecoding() {
        isDecoding.store(false, ordering: .releasing)
        bell.ring()
    }

    /// The encode thread takes nothing any more.
    var hasNoTaker: Bool { isLeft.load(ordering: .acquiring) }

    func leave() {
        isLeft.store(true, ordering: .releasing)
        roomBell?.ring()
    }
}

/// The pictures between a camera's capture thread and its decode thread, as the camera sends them.
final class CompressedPort: PictureQueue, @unchecked Sendable {
    // Unchecked: as PictureQueue says; so it is with the bytes.
    private let memory: UnsafeMutableRawBufferPointer
    private let sizes: UnsafeMutableBufferPointer<Int>
    /// Of one picture, in bytes.
    private let capacity: Int

    /// Memory is mapped here and becomes resident as pictures are first written.
    init(count: Int, capacity: Int, bell: Doorbell) {
        self.capacity = capacity
        memory = .allocate(byteCount: count * capacity, alignment: 64)
        sizes = .allocate(capacity: count)
        sizes.initialize(repeating: 0)
        super.init(count: count, bell: bell, roomBell: nil)
    }

    deinit {
        memory.deallocate()
        sizes.deallocate()
    }

    /// Copies a picture in; false when it is larger than any should be.
    ///
    /// Real-time safe; the filling thread only.
    func copy(_ bytes: UnsafeRawBufferPointer, to index: Int) -> Bool {
        guard bytes.count <= capacity else { return false }
        UnsafeMutableRawBufferPointer(rebasing: memory[(index * capacity)...])
            .copyMemory(from: bytes)
        sizes[index] = bytes.count
        return true
    }

    /// The picture's bytes; the taking thread only.
    func bytes(_ index: Int) -> UnsafeRawBufferPointer {
        let start = index * capacity
        return UnsafeRawBufferPointer(rebasing: memory[start..<start + sizes[index]])
    }
}
