internal import CLibAV

/// One NV12 picture in memory that libavcodec can take without a copy.
///
/// Thread-bound: one thread at a time may write, send or ask; hand it over through a queue.
struct VideoFrame: ~Copyable {
    let frame: UnsafeMutablePointer<AVFrame>

    /// `width` and `height` are in pixels and even.
    init(width: Int, height: Int, colour: ColourDescription) throws(LibAVError) {
        let made = try allocated(av_frame_alloc())
        made.pointee.width = Int32(width)
        made.pointee.height = Int32(height)
        made.pointee.format = AV_PIX_FMT_NV12.rawValue
        made.pointee.color_range = colour.range
        made.pointee.colorspace = colour.space
        // 0 lets libav align the rows for the processor at hand.
        do throws(LibAVError) {
            try settingUp("av_frame_get_buffer", av_frame_get_buffer(made, 0))
        } catch {
            var pointer: UnsafeMutablePointer<AVFrame>? = made
            av_frame_free(&pointer)
            throw error
        }
        frame = made
    }

    deinit {
        var pointer: UnsafeMutablePointer<AVFrame>? = frame
        av_frame_free(&pointer)
    }

    /// False while an encoder still holds a reference to the picture.
    var isFree: Bool { av_frame_is_writable(frame) != 0 }
}

/// Where the planes of one NV12 picture lie; rows are `stride` bytes apart.
package struct FramePlanes {
    package let luma: UnsafeMutablePointer<UInt8>
    package let lumaStride: Int
    /// Cb and Cr in turn, half the rows.
    package let chroma: UnsafeMutablePointer<UInt8>
    package let chromaStride: Int
}

/// A fixed number of NV12 pictures, named by their index.
///
/// # Concurrency model
/// The pool itself never changes after `init`. Each *index* has one owner at a time: the capture
/// thread while it writes the planes, then the encode thread until ``isFree(_:)`` says that the
/// encoder gave the picture back. The queues that carry the indices order the accesses.
package final class VideoFramePool: @unchecked Sendable {
    // Unchecked: the pointers are set once in `init`; what they point to belongs to the owner of
    // the index, which `SPSCRing` hands over with release and acquire.
    private let frames: UnsafeMutablePointer<VideoFrame>
    private let planes: UnsafeMutablePointer<FramePlanes>

    package let count: Int
    package let width: Int
    package let height: Int

    /// Memory is mapped here and becomes resident as pictures are first written.
    package init(count: Int, width: Int, height: Int, colour: ColourDescription) throws(LibAVError)
    {
        guard width > 0, height > 0, width % 2 == 0, height % 2 == 0 else {
            throw .refused(call: "frame pool", reason: "\(width)×\(height) is not even")
        }
        self.count = count
        self.width = width
        self.height = height
        frames = .allocate(capacity: count)
        planes = .allocate(capacity: count)
        var made = 0
        do throws(LibAVError) {
            while made < count {
                let frame = try VideoFrame(width: width, height: height, colour: colour)
                (planes + made).initialize(to: try framePlanes(of: frame))
                (frames + made).initialize(to: frame)
                made += 1
            }
        } catch {
            frames.deinitialize(count: made)
            frames.deallocate()
            planes.deallocate()
            throw error
        }
    }

    deinit {
        frames.deinitialize(count: count)
        frames.deallocate()
        planes.deallocate()
    }

    /// Where the owner of `index` may write; allocates nothing.
    package func planes(_ index: Int) -> FramePlanes {
        precondition(index >= 0 && index < count)
        return planes[index]
    }

    /// Whether no encoder holds the picture any more.
    package func isFree(_ index: Int) -> Bool {
        precondition(index >= 0 && index < count)
        return frames[index].isFree
    }

    /// Makes the picture black, for its owner.
    package func blacken(_ index: Int) {
        let planes = planes(index)
        planes.luma.update(repeating: 16, count: planes.lumaStride * height)
        planes.chroma.update(repeating: 128, count: planes.chromaStride * height / 2)
    }

    /// Copies the picture `source` of `other`, which has the same size, for the owner of both.
    package func copy(_ source: Int, of other: VideoFramePool, to index: Int) {
        precondition(other.width == width && other.height == height)
        let from = other.planes(source)
        let target = planes(index)
        for line in 0..<height {
            (target.luma + line * target.lumaStride)
                .update(from: from.luma + line * from.lumaStride, count: width)
        }
        for line in 0..<height / 2 {
            (target.chroma + line * target.chromaStride)
                .update(from: from.chroma + line * from.chromaStride, count: width)
        }
    }

    func frame(_ index: Int) -> UnsafeMutablePointer<AVFrame> {
        precondition(index >= 0 && index < count)
        return frames[index].frame
    }
}

private func framePlanes(of frame: borrowing VideoFrame) throws(LibAVError) -> FramePlanes {
    let picture = frame.frame.pointee
    guard let luma = picture.data.0, let chroma = picture.data.1 else { throw .noMemory }
    return FramePlanes(
        luma: luma,
        lumaStride: Int(picture.linesize.0),
        chroma: chroma,
        chromaStride: Int(picture.linesize.1)
    )
}
