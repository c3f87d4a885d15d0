package import LibAV

/// Makes the encoders of a lesson; tests give it stand-ins for devices that a machine lacks.
package struct EncoderFactory: Sendable {
    /// Opens an encoder for a track; may block as long as a driver does.
    package let open:
        @Sendable (
            _ codec: VideoCodec, _ settings: VideoEncoderSettings, _ track: Int
        ) throws(LibAVError) -> any PictureEncoder

    package init(
        open:
            @escaping @Sendable (
                _ codec: VideoCodec, _ settings: VideoEncoderSettings, _ track: Int
            ) throws(LibAVError) -> any PictureEncoder
    ) {
        self.open = open
    }

    /// Those of libavcodec.
    package static let libAV = EncoderFactory {
        (codec, settings, track) throws(LibAVError) in
        switch codec {
        case .libx264: try VideoEncoder(settings, track: track)
        case .v4l2m2m, .vaapi: try HardwareEncoder(codec, settings, track: track)
        }
    }
}

extension EncoderFactory {
    /// The first of the settings' encoders that opens, with libx264 to take its place if it is a
    /// device.
    ///
    /// `interval` is the time (ns) from one picture to the next.
    func encoder(
        _ encoding: VideoEncoderSettings,
        track: Int,
        source: String,
        interval: Int64,
        _ settings: LessonSettings
    ) throws(LibAVError) -> (TrackEncoder, TrackParameters) {
        let open = open
        var failure = LibAVError.missing(name: "encoder")
        for codec in settings.videoCodecs {
            do throws(LibAVError) {
                guard codec.isHardware else {
                    let encoder = try open(codec, encoding, track)
                    return (TrackEncoder(encoder, replacement: nil), encoder.parameters)
                }
                let watched = try WatchedEncoder(
                    name: "dev-\(source)",
                    encoding,
                    interval: interval,
                    openLimit: settings.encoderOpenLimit.nanoseconds,
                    lagLimit: settings.encoderLagLimit.nanoseconds
                ) { () throws(LibAVError) in try open(codec, encoding, track) }
                let encoder = TrackEncoder(watched) { () throws(LibAVError) in
                    try open(.libx264, encoding, track)
                }
                return (encoder, watched.parameters)
            } catch {
                failure = error
            }
        }
        throw failure
    }
}
