internal import CLibAV
package import MediaTime

/// What a decoder has to know about one track: codec, sizes and the encoder's header bytes.
///
/// Thread-safe: never changes after `init`.
package final class TrackParameters: @unchecked Sendable {
    // Unchecked: `parameters` is written in `init` only and owned until `deinit`.
    let parameters: UnsafeMutablePointer<AVCodecParameters>
    package let timeBase: TimeBase

    init(of context: UnsafeMutablePointer<AVCodecContext>, timeBase: TimeBase) throws(LibAVError) {
        parameters = try allocated(avcodec_parameters_alloc())
        self.timeBase = timeBase
        try settingUp(
            "avcodec_parameters_from_context",
            avcodec_parameters_from_context(parameters, context)
        )
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
