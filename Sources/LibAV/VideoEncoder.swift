internal import CLibAV
internal import MediaTime

/// How a camera's pictures become H.264.
package struct VideoEncoderSettings: Hashable, Sendable {
    /// In pixels, even.
    package var width: Int
    package var height: Int
    /// About how many pictures come per second, for the rate control; the time stamps decide.
    package var frameRate: TimeRate
    /// Bits per second: the average aimed at, and over any two seconds the most.
    package var bitRate: Int
    package var preset = VideoPreset.superfast
    package var threads = 2
    package var colour: ColourDescription

    package init(
        width: Int,
        height: Int,
        frameRate: TimeRate,
        bitRate: Int,
        colour: ColourDescription
    ) {
        self.width = width
        self.height = height
        self.frameRate = frameRate
        self.bitRate = bitRate
        self.colour = colour
    }
}

/// Effort against quality, by libx264's own names.
package enum VideoPreset: String, CaseIterable, Sendable {
    case ultrafast
    case superfast
    case veryfast
    case faster
    case fast
    case medium
    case slow
    case slower
    case veryslow

    /// What a fast preset does that costs time and gains next to nothing at lesson rates.
    ///
    /// At 1080p30 and 4 Mbit/s superfast without small blocks and 8×8 transforms takes 9 % less of
    /// the processor at the same SSIM, and with CAVLC another 10 % at 0.0006 less.
    fileprivate var economies: String {
        self == .superfast ? ":partitions=none:8x8dct=0:cabac=0" : ""
    }
}

/// Pictures per second as a fraction: 30/1, 30000/1001.
package struct TimeRate: Hashable, Sendable {
    package var numerator: Int
    package var denominator: Int

    package init(_ numerator: Int, _ denominator: Int = 1) {
        self.numerator = numerator
        self.denominator = denominator
    }
}

/// libx264 through libavcodec.
///
/// No B-frames and closed groups of pictures; a key frame also comes where the scene changes.
package final class VideoEncoder: PictureEncoder {
    private let context: UnsafeMutablePointer<AVCodecContext>

    private let track: Int

    package let parameters: TrackParameters

    /// Its packets carry `track`, the index that the muxer knows this encoder by.
    package init(_ settings: VideoEncoderSettings, track: Int = 0) throws(LibAVError) {
        LibAVLog.keepOffStandardError
        guard let codec = avcodec_find_encoder_by_name("libx264") else {
            throw .missing(name: "libx264")
        }
        let opened = try allocated(avcodec_alloc_context3(codec))
        let described: TrackParameters
        do throws(LibAVError) {
            try configure(opened, settings)
            try settingUp("avcodec_open2", avcodec_open2(opened, codec, nil))
            described = try TrackParameters(of: opened, timeBase: .video)
        } catch {
            var pointer: UnsafeMutablePointer<AVCodecContext>? = opened
            avcodec_free_context(&pointer)
            throw error
        }
        context = opened
        parameters = described
        self.track = track
    }

    deinit {
        var pointer: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&pointer)
    }

    package func send(
        _ index: Int,
        of pool: VideoFramePool,
        presentation: Int64,
        asKeyFrame: Bool
    ) throws(LibAVError) {
        let frame = pool.frame(index)
        frame.pointee.pts = presentation
        frame.pointee.pict_type = asKeyFrame ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE
        try running("avcodec_send_frame", avcodec_send_frame(context, frame))
    }

    package func finish() throws(LibAVError) {
        try running("avcodec_send_frame", avcodec_send_frame(context, nil))
    }

    package func receive() throws(LibAVError) -> EncodedPacket? {
        try nextPacket(of: context, track: track, timeBase: .video)
    }
}

private func configure(
    _ context: UnsafeMutablePointer<AVCodecContext>,
    _ settings: VideoEncoderSettings
) throws(LibAVError) {
    try describe(settings, to: context)
    context.pointee.thread_count = Int32(settings.threads)
    context.pointee.flags |= Int32(bitPattern: UInt32(AV_CODEC_FLAG_CLOSED_GOP))
    let options = context.pointee.priv_data
    try setOption(options, "preset", settings.preset.rawValue)
    try setOption(options, "forced-idr", "1")
    // Without sync-lookahead=0 libx264 keeps a look-ahead thread and five pictures of delay.
    try setOption(options, "x264-params", "bframes=0:sync-lookahead=0" + settings.preset.economies)
}

/// What every encoder has to know, whatever it is made of.
func describe(
    _ settings: VideoEncoderSettings,
    to context: UnsafeMutablePointer<AVCodecContext>
) throws(LibAVError) {
    let rate = settings.frameRate
    guard settings.width > 0, settings.height > 0, settings.bitRate > 0, rate.numerator > 0,
        rate.denominator > 0
    else { throw .refused(call: "video encoder", reason: "a setting is not positive") }
    context.pointee.width = Int32(settings.width)
    context.pointee.height = Int32(settings.height)
    context.pointee.pix_fmt = AV_PIX_FMT_NV12
    context.pointee.time_base = AVRational(num: 1, den: 90_000)
    context.pointee.framerate = AVRational(num: Int32(rate.numerator), den: Int32(rate.denominator))
    context.pointee.bit_rate = Int64(settings.bitRate)
    context.pointee.rc_max_rate = Int64(settings.bitRate)
    context.pointee.rc_buffer_size = Int32(clamping: settings.bitRate * 2)
    // Key frames are asked for at the bounds of segments; this is the net below them.
    context.pointee.gop_size = Int32(clamping: 60 * rate.numerator / rate.denominator)
    context.pointee.max_b_frames = 0
    context.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
    context.pointee.color_range = settings.colour.range
    context.pointee.colorspace = settings.colour.space
}

/// One packet from an open encoder; nil at `EAGAIN` and at the end (`avcodec_receive_packet`).
func nextPacket(
    of context: UnsafeMutablePointer<AVCodecContext>,
    track: Int,
    timeBase: TimeBase
) throws(LibAVError) -> EncodedPacket? {
    let packet = EncodedPacket(
        adopting: try allocated(av_packet_alloc()),
        track: track,
        timeBase: timeBase
    )
    let result = avcodec_receive_packet(context, packet.packet)
    if result == lenscap_av_error_again() || result == lenscap_av_error_eof() { return nil }
    try running("avcodec_receive_packet", result)
    return packet
}
