internal import CLibAV
internal import MediaTime

/// How a microphone's samples become AAC-LC.
package struct AudioEncoderSettings: Hashable, Sendable {
    /// Samples per second and channel.
    package var sampleRate: Int
    package var channels: Int
    /// Bits per second, all channels together.
    package var bitRate: Int

    package init(sampleRate: Int, channels: Int, bitRate: Int) {
        self.sampleRate = sampleRate
        self.channels = channels
        self.bitRate = bitRate
    }
}

/// libavcodec's AAC encoder: interleaved 16-bit samples in, packets of 1024 samples out.
///
/// Sound is continuous: every sample follows the one before. Packets that lie before instant 0
/// (the encoder's priming) are dropped, so that decoded sound starts in its place without an edit
/// list. Thread-bound.
package struct AudioEncoder: ~Copyable {
    private let context: UnsafeMutablePointer<AVCodecContext>
    private let frame: UnsafeMutablePointer<AVFrame>
    private let track: Int
    private let channels: Int
    private let frameSize: Int
    private var filled = 0
    /// Where the first sample of `frame` lies, in samples.
    private var frameStart: Int64 = 0

    package let parameters: TrackParameters

    /// Its packets carry `track`, the index that the muxer knows this encoder by.
    package init(_ settings: AudioEncoderSettings, track: Int = 0) throws(LibAVError) {
        LibAVLog.keepOffStandardError
        guard let codec = avcodec_find_encoder(AV_CODEC_ID_AAC) else { throw .missing(name: "aac") }
        let opened = try allocated(avcodec_alloc_context3(codec))
        var block: UnsafeMutablePointer<AVFrame>?
        let made: UnsafeMutablePointer<AVFrame>
        let described: TrackParameters
        do throws(LibAVError) {
            configure(opened, settings)
            try settingUp("avcodec_open2", avcodec_open2(opened, codec, nil))
            described = try TrackParameters(
                of: opened,
                timeBase: .samples(rate: settings.sampleRate)
            )
            made = try allocated(av_frame_alloc())
            block = made
            try prepare(made, for: opened)
        } catch {
            av_frame_free(&block)
            var pointer: UnsafeMutablePointer<AVCodecContext>? = opened
            avcodec_free_context(&pointer)
            throw error
        }
        context = opened
        frame = made
        parameters = described
        self.track = track
        channels = settings.channels
        frameSize = Int(opened.pointee.frame_size)
    }

    deinit {
        var block: UnsafeMutablePointer<AVFrame>? = frame
        av_frame_free(&block)
        var pointer: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&pointer)
    }

    /// Where the next sample will lie, in samples since the lesson's first instant.
    package var position: Int64 { frameStart + Int64(filled) }

    /// Puts the first sample at `position`; before any sample only.
    package mutating func begin(at position: Int64) {
        precondition(filled == 0)
        frameStart = position
    }

    /// Appends whole sample frames (`samples.count` is a multiple of the channel count) and gives
    /// every packet that became ready to `deliver`.
    package mutating func encode(
        _ samples: UnsafeBufferPointer<Int16>,
        deliver: (consuming EncodedPacket) -> Void
    ) throws(LibAVError) {
        let total = samples.count / channels
        var taken = 0
        while taken < total {
            let count = min(total - taken, frameSize - filled)
            try makeWritable()
            for channel in 0..<channels {
                guard let plane = plane(channel) else { throw .noMemory }
                for index in 0..<count {
                    let sample = samples[(taken + index) * channels + channel]
                    plane[filled + index] = Float(sample) * (1 / 32_768)
                }
            }
            taken += count
            try advance(count, deliver)
        }
    }

    /// Appends `count` sample frames of digital silence.
    package mutating func encodeSilence(
        _ count: Int64,
        deliver: (consuming EncodedPacket) -> Void
    ) throws(LibAVError) {
        var left = count
        while left > 0 {
            let part = Int(min(left, Int64(frameSize - filled)))
            try makeWritable()
            for channel in 0..<channels {
                guard let plane = plane(channel) else { throw .noMemory }
                (plane + filled).update(repeating: 0, count: part)
            }
            left -= Int64(part)
            try advance(part, deliver)
        }
    }

    /// Encodes what is left of the last block; the encoder takes nothing afterwards.
    package mutating func finish(deliver: (consuming EncodedPacket) -> Void) throws(LibAVError) {
        if filled > 0 { try sendFrame() }
        try running("avcodec_send_frame", avcodec_send_frame(context, nil))
        try drain(deliver)
    }

    private func plane(_ channel: Int) -> UnsafeMutablePointer<Float>? {
        guard let bytes = frame.pointee.extended_data[channel] else { return nil }
        return UnsafeMutableRawPointer(bytes).assumingMemoryBound(to: Float.self)
    }

    private func makeWritable() throws(LibAVError) {
        // The encoder may still refer to the block that it got last.
        if filled == 0 { try running("av_frame_make_writable", av_frame_make_writable(frame)) }
    }

    private mutating func advance(
        _ count: Int,
        _ deliver: (consuming EncodedPacket) -> Void
    )
        throws(LibAVError)
    {
        filled += count
        guard filled == frameSize else { return }
        try sendFrame()
        try drain(deliver)
    }

    private mutating func sendFrame() throws(LibAVError) {
        frame.pointee.nb_samples = Int32(filled)
        frame.pointee.pts = frameStart
        let result = avcodec_send_frame(context, frame)
        frame.pointee.nb_samples = Int32(frameSize)
        frameStart += Int64(filled)
        filled = 0
        try running("avcodec_send_frame", result)
    }

    private func drain(_ deliver: (consuming EncodedPacket) -> Void) throws(LibAVError) {
        while let packet = try nextPacket(
            of: context,
            track: track,
            timeBase: parameters.timeBase
        ) {
            if packet.presentation >= 0 { deliver(packet) }
        }
    }
}

private func configure(
    _ context: UnsafeMutablePointer<AVCodecContext>,
    _ settings: AudioEncoderSettings
) {
    context.pointee.sample_fmt = AV_SAMPLE_FMT_FLTP
    context.pointee.sample_rate = Int32(settings.sampleRate)
    av_channel_layout_default(&context.pointee.ch_layout, Int32(settings.channels))
    context.pointee.time_base = AVRational(num: 1, den: Int32(settings.sampleRate))
    context.pointee.bit_rate = Int64(settings.bitRate)
    context.pointee.profile = FF_PROFILE_AAC_LOW
    context.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
}

private func prepare(
    _ frame: UnsafeMutablePointer<AVFrame>,
    for context: UnsafeMutablePointer<AVCodecContext>
) throws(LibAVError) {
    frame.pointee.format = AV_SAMPLE_FMT_FLTP.rawValue
    frame.pointee.sample_rate = context.pointee.sample_rate
    frame.pointee.nb_samples = context.pointee.frame_size
    try settingUp(
        "av_channel_layout_copy",
        av_channel_layout_copy(&frame.pointee.ch_layout, &context.pointee.ch_layout)
    )
    try settingUp("av_frame_get_buffer", av_frame_get_buffer(frame, 0))
}
