internal import CLibAV
package import MediaTime

/// What a decoder has to know about one track: codec, sizes and the encoder's header bytes.
///
/// Thread-safe: never changes after `init`.
package final class TrackParameters: @unchecked Sendable {
    // Unchecked: `parameters` is written in `init` only and owned until `deinit`.
    let parameters: UnsafeMutablePointer<AVCodecParameters>
    package let timeBase: TimeBase

    /// `header` is what the decoder has to know where the encoder itself does not say it.
    init(
        of context: UnsafeMutablePointer<AVCodecContext>,
        timeBase: TimeBase,
        header: [UInt8] = []
    ) throws(LibAVError) {
        parameters = try allocated(avcodec_parameters_alloc())
        self.timeBase = timeBase
        try settingUp(
            "avcodec_parameters_from_context",
            avcodec_parameters_from_context(parameters, context)
        )
        if !header.isEmpty { try replaceHeader(header) }
    }

    /// Of pictures that a camera encodes; `header` is their parameter sets as ``H264/AnnexB`` gives
    /// them, which also say what the colours are.
    package init(h264 header: [UInt8], width: Int, height: Int) throws(LibAVError) {
        parameters = try allocated(avcodec_parameters_alloc())
        timeBase = .video
        parameters.pointee.codec_type = AVMEDIA_TYPE_VIDEO
        parameters.pointee.codec_id = AV_CODEC_ID_H264
        parameters.pointee.width = Int32(width)
        parameters.pointee.height = Int32(height)
        try replaceHeader(header)
    }

    private func replaceHeader(_ header: [UInt8]) throws(LibAVError) {
        let padding = Int(AV_INPUT_BUFFER_PADDING_SIZE)
        guard let bytes = av_mallocz(header.count + padding) else { throw .noMemory }
        bytes.copyMemory(from: header, byteCount: header.count)
        av_free(parameters.pointee.extradata)
        parameters.pointee.extradata = bytes.assumingMemoryBound(to: UInt8.self)
        parameters.pointee.extradata_size = Int32(header.count)
    }

    deinit {
        var pointer: UnsafeMutablePointer<AVCodecParameters>? = parameters
        avcodec_parameters_free(&pointer)
    }

    package var isVideo: Bool { parameters.pointee.codec_type == AVMEDIA_TYPE_VIDEO }

    /// The codec as RFC 6381 writes it, for example `avc1.640028` or `mp4a.40.2`.
    package var codec: String {
        guard isVideo else { return "mp4a.40.2" }
        let header = UnsafeBufferPointer(
            start: parameters.pointee.extradata,
            count: Int(parameters.pointee.extradata_size)
        )
        // The sequence parameter set of an Annex B header: start code, type 7, then profile,
        // constraints and level (ITU-T H.264, 7.3.2.1.1).
        for index in header.indices.dropLast(6)
        where header[index] == 0 && header[index + 1] == 0 && header[index + 2] == 1
            && header[index + 3] & 0x1F == 7
        {
            return "avc1." + header[(index + 4)...(index + 6)].map(twoDigits).joined()
        }
        return "avc1"
    }
}

private func twoDigits(_ byte: UInt8) -> String {
    let text = String(byte, radix: 16)
    return text.count == 1 ? "0" + text : text
}
