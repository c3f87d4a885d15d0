/// The encoders that a camera's pictures may go through, by libavcodec's names.
package enum VideoCodec: String, CaseIterable, Hashable, Sendable {
    /// A memory-to-memory device of the kernel, as small ARM boards have.
    case v4l2m2m = "h264_v4l2m2m"
    /// The graphics processor through VA-API.
    case vaapi = "h264_vaapi"
    /// The processor.
    case libx264

    /// Those that need a device, which can fail or hang on its own.
    package var isHardware: Bool { self != .libx264 }
}

/// Something that makes H.264 of NV12 pictures, in ticks of ``MediaTime/TimeBase/video``.
///
/// Decoding order is presentation order, and a key frame comes where it is asked for. Thread-bound.
package protocol PictureEncoder: AnyObject {
    /// Goes into the muxer; complete from the start.
    var parameters: TrackParameters { get }

    /// Takes the picture `index` of `pool` for the instant `presentation` (90 kHz ticks, rising).
    ///
    /// ``receive()`` until nil after each call. The picture belongs to the encoder until
    /// ``VideoFramePool/isFree(_:)``.
    func send(
        _ index: Int,
        of pool: VideoFramePool,
        presentation: Int64,
        asKeyFrame: Bool
    ) throws(LibAVError)

    /// No picture follows; ``receive()`` gives what is left inside.
    func finish() throws(LibAVError)

    /// The next finished packet; nil when the encoder wants another picture or is done.
    func receive() throws(LibAVError) -> EncodedPacket?
}
