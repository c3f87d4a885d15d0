internal import CLinux
internal import Glibc
internal import LinuxSystem

/// A V4L2 device that streams into memory shared with it (`mmap` I/O).
///
/// Owns the device and its buffers; stops the stream, unmaps and closes when it goes, in that
/// order. Thread-bound; `dequeue` allocates nothing.
/// Source: `Documentation/userspace-api/media/v4l/mmap.rst`.
struct V4L2Stream: ~Copyable {
    private let device: V4L2Device
    private let buffers: UnsafeMutableBufferPointer<MemoryMapping>

    /// At 30 pictures a second, a fifth of a second of patience with a late reader.
    private static let wantedBuffers: UInt32 = 6

    /// A dequeued buffer, which belongs to the reader until it is queued again.
    struct Lease {
        fileprivate var buffer: v4l2_buffer
        let bytes: UnsafeRawBufferPointer
        let facts: PictureCheck.Facts
    }

    private init(
        device: consuming V4L2Device,
        buffers: UnsafeMutableBufferPointer<MemoryMapping>
    ) {
        self.device = device
        self.buffers = buffers
    }

    /// Takes the device with its format set, and starts it.
    static func start(_ device: consuming V4L2Device) throws(CameraError) -> V4L2Stream {
        let buffers = try mapBuffers(device)
        let stream = V4L2Stream(device: device, buffers: buffers)
        for index in buffers.indices { try stream.queue(UInt32(index)) }
        try stream.switchOn()
        return stream
    }

    deinit {
        var type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
        // What it says of a device that is gone changes nothing: the descriptor is closed next.
        try? device.call(lenscap_VIDIOC_STREAMOFF(), &type, "VIDIOC_STREAMOFF")
        buffers.deinitialize().deallocate()
    }

    /// For a ``PollEntry`` that waits for a picture.
    var raw: Int32 { device.descriptor.raw }

    var bufferCount: Int { buffers.count }

    /// Takes the oldest filled buffer, or nil when there is none.
    func dequeue() throws(CameraError) -> Lease? {
        var buffer = Self.emptyBuffer()
        do throws(SystemError) {
            try device.call(lenscap_VIDIOC_DQBUF(), &buffer, "VIDIOC_DQBUF")
        } catch {
            if error.isWouldBlock { return nil }
            // A stream that ended under the reader: so unplugging begins.
            if error.isInvalid { throw .deviceGone }
            throw CameraError(calling: device.path, error)
        }
        let index = Int(buffer.index)
        guard index < buffers.count else {
            throw .driverCallFailed(
                SystemError(call: "ioctl", subject: "VIDIOC_DQBUF", number: ERANGE)
            )
        }
        let used = min(Int(buffer.bytesused), buffers[index].bytes.count)
        let clock = buffer.flags & UInt32(V4L2_BUF_FLAG_TIMESTAMP_MASK)
        return Lease(
            buffer: buffer,
            bytes: UnsafeRawBufferPointer(rebasing: buffers[index].bytes[..<used]),
            facts: PictureCheck.Facts(
                sequence: buffer.sequence,
                hasError: buffer.flags & UInt32(V4L2_BUF_FLAG_ERROR) != 0,
                isMonotonicClock: clock == UInt32(V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC),
                bytes: used,
                timestamp: Clock.nanoseconds(
                    seconds: buffer.timestamp.tv_sec,
                    nanoseconds: buffer.timestamp.tv_usec &* 1000
                )
            )
        )
    }

    /// Ends a lease: the driver may fill the buffer again.
    func giveBack(_ lease: Lease) throws(CameraError) {
        try queue(lease.buffer.index)
    }

    private func queue(_ index: UInt32) throws(CameraError) {
        var buffer = Self.emptyBuffer()
        buffer.index = index
        try device.ask(lenscap_VIDIOC_QBUF(), &buffer, "VIDIOC_QBUF")
    }

    private func switchOn() throws(CameraError) {
        var type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
        do throws(SystemError) {
            try device.call(lenscap_VIDIOC_STREAMON(), &type, "VIDIOC_STREAMON")
        } catch {
            throw CameraError(starting: device.path, error)
        }
    }

    private static func emptyBuffer() -> v4l2_buffer {
        var buffer = v4l2_buffer()
        buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
        buffer.memory = V4L2_MEMORY_MMAP.rawValue
        return buffer
    }

    private static func mapBuffers(
        _ device: borrowing V4L2Device
    ) throws(CameraError)
        -> UnsafeMutableBufferPointer<MemoryMapping>
    {
        var request = v4l2_requestbuffers()
        request.count = wantedBuffers
        request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
        request.memory = V4L2_MEMORY_MMAP.rawValue
        try device.ask(lenscap_VIDIOC_REQBUFS(), &request, "VIDIOC_REQBUFS")
        // One with the reader, one being filled, one to fill next.
        guard request.count >= 3 else {
            throw .formatRefused(
                asked: "\(wantedBuffers) buffers",
                granted: "\(request.count)"
            )
        }
        let list = UnsafeMutableBufferPointer<MemoryMapping>.allocate(capacity: Int(request.count))
        var mapped = 0
        do throws(CameraError) {
            for index in list.indices {
                list.initializeElement(at: index, to: try map(device, UInt32(index)))
                mapped += 1
            }
            return list
        } catch {
            list.extracting(..<mapped).deinitialize()
            list.deallocate()
            throw error
        }
    }

    private static func map(
        _ device: borrowing V4L2Device,
        _ index: UInt32
    )
        throws(CameraError) -> MemoryMapping
    {
        var buffer = emptyBuffer()
        buffer.index = index
        try device.ask(lenscap_VIDIOC_QUERYBUF(), &buffer, "VIDIOC_QUERYBUF")
        do throws(SystemError) {
            return try MemoryMapping(
                device.descriptor,
                offset: Int(buffer.m.offset),
                count: Int(buffer.length)
            )
        } catch { throw CameraError(calling: device.path, error) }
    }
}
