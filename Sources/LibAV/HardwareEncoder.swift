internal import CLibAV
internal import H264
internal import MediaTime

/// An H.264 encoder that is a device of its own, through libavcodec.
///
/// Opening encodes black pictures first: a device that gives none back is not there, and its
/// parameter sets, which some of these encoders say in the stream only, come from them. Every call
/// may block as long as the driver does. Thread-bound.
package final class HardwareEncoder: PictureEncoder {
    private let session: EncodingDevice

    package let parameters: TrackParameters

    /// Its packets carry `track`, the index that the muxer knows this encoder by.
    package init(
        _ codec: VideoCodec,
        _ settings: VideoEncoderSettings,
        track: Int = 0
    ) throws(LibAVError) {
        LibAVLog.keepOffStandardError
        let trial = try EncodingDevice(codec, settings, track: track)
        let header = try trial.headerOfBlackPictures(settings)
        session = try EncodingDevice(codec, settings, track: track)
        parameters = try session.parameters(header: header)
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
        try session.send(frame)
    }

    package func finish() throws(LibAVError) {
        try session.send(nil)
    }

    package func receive() throws(LibAVError) -> EncodedPacket? {
        try session.receive()
    }
}

/// One opening of the device.
private final class EncodingDevice {
    private let context: UnsafeMutablePointer<AVCodecContext>
    private let track: Int
    /// More than any of these encoders holds back.
    private static let trialPictures = 32

    init(
        _ codec: VideoCodec,
        _ settings: VideoEncoderSettings,
        track: Int
    ) throws(LibAVError) {
        guard let found = avcodec_find_encoder_by_name(codec.rawValue) else {
            throw .missing(name: codec.rawValue)
        }
        let opened = try allocated(avcodec_alloc_context3(found))
        do throws(LibAVError) {
            try describe(settings, to: opened)
            if codec == .vaapi { try useGraphicsProcessor(opened) }
            try settingUp("avcodec_open2", avcodec_open2(opened, found, nil))
        } catch {
            var pointer: UnsafeMutablePointer<AVCodecContext>? = opened
            avcodec_free_context(&pointer)
            throw error
        }
        context = opened
        self.track = track
    }

    deinit {
        var pointer: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&pointer)
    }

    func parameters(header: [UInt8]) throws(LibAVError) -> TrackParameters {
        try TrackParameters(of: context, timeBase: .video, header: header)
    }

    /// Takes a picture in the processor's memory; nil is the end.
    func send(_ frame: UnsafeMutablePointer<AVFrame>?) throws(LibAVError) {
        guard let frame, let surfaces = context.pointee.hw_frames_ctx else {
            try running("avcodec_send_frame", avcodec_send_frame(context, frame))
            return
        }
        let uploaded = try allocated(av_frame_alloc())
        defer {
            var pointer: UnsafeMutablePointer<AVFrame>? = uploaded
            av_frame_free(&pointer)
        }
        try running("av_hwframe_get_buffer", av_hwframe_get_buffer(surfaces, uploaded, 0))
        try running("av_hwframe_transfer_data", av_hwframe_transfer_data(uploaded, frame, 0))
        try running("av_frame_copy_props", av_frame_copy_props(uploaded, frame))
        try running("avcodec_send_frame", avcodec_send_frame(context, uploaded))
    }

    func receive() throws(LibAVError) -> EncodedPacket? {
        guard let packet = try nextPacket(of: context, track: track, timeBase: .video) else {
            return nil
        }
        // Without B-frames the two are the same, and not every driver says both.
        packet.packet.pointee.dts = packet.packet.pointee.pts
        return packet
    }

    /// The parameter sets of what becomes of black pictures.
    func headerOfBlackPictures(_ settings: VideoEncoderSettings) throws(LibAVError) -> [UInt8] {
        let pool = try VideoFramePool(
            count: 1,
            width: settings.width,
            height: settings.height,
            colour: settings.colour
        )
        pool.blacken(0)
        for number in 0..<Self.trialPictures {
            let frame = pool.frame(0)
            frame.pointee.pts = Int64(number) * 3_000
            try send(frame)
            guard let packet = try receive() else { continue }
            let inStream = AnnexB.header(of: packet.bytes)
            let beside = AnnexB.header(
                of: UnsafeRawBufferPointer(
                    start: context.pointee.extradata,
                    count: Int(context.pointee.extradata_size)
                )
            )
            guard let header = beside ?? inStream else { break }
            return header
        }
        throw .refused(call: "hardware encoder", reason: "it gave no picture that can be decoded")
    }
}

/// Pictures go into memory of the first graphics processor, as NV12.
private func useGraphicsProcessor(
    _ context: UnsafeMutablePointer<AVCodecContext>
) throws(LibAVError) {
    var device: UnsafeMutablePointer<AVBufferRef>?
    try settingUp(
        "av_hwdevice_ctx_create",
        av_hwdevice_ctx_create(&device, AV_HWDEVICE_TYPE_VAAPI, nil, nil, 0)
    )
    defer { av_buffer_unref(&device) }
    var surfaces = av_hwframe_ctx_alloc(device)
    defer { av_buffer_unref(&surfaces) }
    guard let description = surfaces?.pointee.data else { throw .noMemory }
    let frames = UnsafeMutableRawPointer(description).assumingMemoryBound(
        to: AVHWFramesContext.self
    )
    frames.pointee.format = AV_PIX_FMT_VAAPI
    frames.pointee.sw_format = AV_PIX_FMT_NV12
    frames.pointee.width = context.pointee.width
    frames.pointee.height = context.pointee.height
    frames.pointee.initial_pool_size = 8
    try settingUp("av_hwframe_ctx_init", av_hwframe_ctx_init(surfaces))
    context.pointee.pix_fmt = AV_PIX_FMT_VAAPI
    context.pointee.hw_frames_ctx = av_buffer_ref(surfaces)
}
