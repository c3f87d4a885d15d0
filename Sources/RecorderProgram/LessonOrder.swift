internal import Age
internal import Camera
internal import Configuration
internal import Consent
internal import CryptoPrimitives
internal import LibAV
internal import Microphone
internal import RecorderProtocol
internal import Recording

/// What a `begin` message comes to, checked once more on this side of the connection.
///
/// Recipient, sources and duration are the token's. The token must be signed by the key on the
/// card, and the card must be the one that the token names: a recorder that was handed anything
/// else opens nothing.
struct LessonOrder {
    let recording: String
    let recipient: AgeRecipient
    let sources: [LessonSource]
    let settings: LessonSettings

    init(_ begin: ToRecorder.Begin, _ configuration: BoxConfiguration) throws {
        let token = try SignedStart(token: begin.token, card: Array(begin.card.utf8)).token
        guard token.recording == begin.recording else {
            throw Refusal(.replayed, "The token is another recording's.")
        }
        let details = StartDetails(purpose: begin.details.purpose, salt: begin.details.salt)
        guard details.hash == token.details else {
            throw Refusal(.details, "The details are not those that the token signs.")
        }
        recording = token.recording
        recipient = try AgeRecipient(token.recipient)
        sources = try LessonOrder.sources(token, begin.sources, configuration)
        settings = LessonOrder.settings(configuration)
    }

    private static func settings(_ configuration: BoxConfiguration) -> LessonSettings {
        let encoder = configuration.encoder
        let priority = Int32(configuration.capture.priority)
        var settings = LessonSettings()
        settings.videoBitRate = encoder.bitrate
        settings.audioBitRate = encoder.audioBitrate
        settings.videoThreads = encoder.threads
        settings.videoCodecs =
            switch encoder.video {
            // Looking for a memory-to-memory device, libavcodec opens every camera's node: it is
            // done only where the configuration asks for it.
            case .automatic: [.vaapi, .libx264]
            case .v4l2m2m: [.v4l2m2m]
            case .vaapi: [.vaapi]
            case .libx264: [.libx264]
            }
        settings.capturePriority = priority == 0 ? nil : priority
        settings.videoPreset =
            switch encoder.preset {
            case .ultrafast: .ultrafast
            case .superfast: .superfast
            case .veryfast: .veryfast
            }
        return settings
    }

    private static let defaultSize = BoxConfiguration.PictureSize(width: 1280, height: 720)
    private static let defaultFrameRate = 30

    /// What a camera that encodes by itself has to keep to; nil where an encoder is named.
    private static func passThrough(_ configuration: BoxConfiguration) -> PassThroughLimits? {
        guard configuration.encoder.video == .automatic else { return nil }
        return PassThroughLimits(
            bitRate: configuration.encoder.bitrate,
            // Half a segment: so much may a segment hold of the one after it.
            keyFrameInterval: LessonSettings().segmentLength.nanoseconds / 2
        )
    }

    private static func sources(
        _ token: StartToken,
        _ given: [ToRecorder.Source],
        _ configuration: BoxConfiguration
    ) throws -> [LessonSource] {
        let named = Dictionary(given.map { ($0.name, $0) }) { first, _ in first }
        var sources: [LessonSource] = []
        for name in token.cameras {
            guard let source = named[name], source.kind == "camera" else {
                throw Refusal(.sources, "The order does not say where camera \(name) is.")
            }
            let options = configuration.source(name)
            var request = CameraRequest(
                path: source.path,
                width: options.size?.width ?? defaultSize.width,
                height: options.size?.height ?? defaultSize.height,
                frameRate: options.frameRate ?? defaultFrameRate
            )
            request.passThrough = passThrough(configuration)
            sources.append(LessonSource(name: name, device: .camera(request)))
        }
        for name in token.microphones {
            guard let source = named[name], source.kind == "microphone" else {
                throw Refusal(.sources, "The order does not say where microphone \(name) is.")
            }
            let options = configuration.source(name)
            sources.append(
                LessonSource(
                    name: name,
                    device: .microphone(
                        MicrophoneRequest(
                            path: source.path,
                            sampleRate: options.sampleRate,
                            channels: options.channels ?? 1
                        )
                    )
                )
            )
        }
        return sources
    }
}
