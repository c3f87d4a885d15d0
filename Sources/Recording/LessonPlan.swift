internal import Camera
internal import LibAV
internal import LinuxSystem
internal import MediaTime
internal import Microphone
internal import Pipeline
internal import PixelConversion

/// Encoders, muxer, buffers and queues of one lesson, made before any of its threads runs them.
struct LessonPlan {
    let captureOrders: [CaptureOrder]
    /// One body for each decode and encode thread, by the thread's name.
    let stages: [(name: String, run: @Sendable () -> Void)]
    let mux: MuxStage
    let queues: [HandoffQueue<TrackMessage>]
    let output: HandoffQueue<SinkMessage>
    let spares: HandoffQueue<MediaBytes>

    /// One track: what the encode thread runs, and what the muxer has to know.
    private struct Track {
        let order: CaptureOrder
        let stage: @Sendable () -> Void
        /// Of a camera whose pictures are not captured as the encoder takes them.
        var decodeStage: (@Sendable () -> Void)?
        let queue: HandoffQueue<TrackMessage>
        let parameters: TrackParameters
        let description: TrackDescription
        let segmentation: Segmenter.Track
    }

    init(
        _ session: Session,
        _ formats: [CaptureSet.Format],
        _ settings: LessonSettings,
        _ encoders: EncoderFactory
    )
        throws(RecordingError)
    {
        let bell: Doorbell
        do throws(SystemError) { bell = try Doorbell(clock: session.clock) } catch {
            throw .systemFailed(error)
        }
        var tracks: [Track] = []
        for (index, format) in formats.enumerated() {
            let source = session.sources[index]
            do throws(LibAVError) {
                switch format {
                case .camera(let format):
                    tracks.append(
                        try Self.camera(format, index, session, settings, encoders, bell)
                    )
                case .microphone(let format):
                    tracks.append(try Self.microphone(format, index, session, settings, bell))
                }
            } catch {
                throw .encoderFailed(source: source.status.name, error)
            }
        }
        captureOrders = tracks.map(\.order)
        stages = zip(session.sources, tracks).flatMap { source, track in
            let name = source.status.name
            let decoding = track.decodeStage.map { [("dec-" + name, $0)] } ?? []
            return decoding + [("enc-" + name, track.stage)]
        }
        queues = tracks.map(\.queue)
        output = HandoffQueue(capacity: settings.segmentQueue, overflow: .wait)
        spares = HandoffQueue(capacity: 1, overflow: .refuse)
        do throws(LibAVError) {
            mux = MuxStage(
                session: session,
                inputs: queues,
                bell: bell,
                output: output,
                spares: spares,
                tracks: tracks.map(\.description),
                parameters: tracks.map(\.parameters),
                muxer: try FragmentMuxer(tracks: tracks.map(\.parameters)),
                segmenter: Segmenter(
                    tracks: tracks.map(\.segmentation),
                    length: settings.segmentLength,
                    lagLimit: settings.lagLimit
                ),
                absenceLimit: settings.absenceLimit
            )
        } catch {
            throw .muxerFailed(error)
        }
    }

    private static func camera(
        _ format: CameraFormat,
        _ index: Int,
        _ session: Session,
        _ settings: LessonSettings,
        _ factory: EncoderFactory,
        _ bell: Doorbell
    ) throws(LibAVError) -> Track {
        let source = session.sources[index]
        let interval = format.frameInterval
        let queue = HandoffQueue<TrackMessage>(
            capacity: settings.packetQueue,
            overflow: .wait,
            bell: bell
        )
        let way: CameraWay
        if format.pixelFormat == .h264 {
            way = try passedThrough(format, index, session, settings, queue)
        } else {
            way = try encoded(format, index, session, settings, factory, queue)
        }
        return Track(
            order: .camera(way.port),
            stage: way.stage,
            decodeStage: way.decodeStage,
            queue: queue,
            parameters: way.parameters,
            description: TrackDescription(
                name: source.status.name,
                kind: .video(
                    width: format.width,
                    height: format.height,
                    rateNumerator: interval.denominator,
                    rateDenominator: interval.numerator
                ),
                codec: way.parameters.codec
            ),
            segmentation: Segmenter.Track(
                isVideo: true,
                timeBase: .video,
                nominalDuration: MediaTime(nanoseconds: interval.nanoseconds).ticks(of: .video)
            )
        )
    }

    /// What lies between a camera's capture thread and the muxer.
    private struct CameraWay {
        let port: CapturePort
        let stage: @Sendable () -> Void
        var decodeStage: (@Sendable () -> Void)?
        let parameters: TrackParameters
    }

    private static func passedThrough(
        _ format: CameraFormat,
        _ index: Int,
        _ session: Session,
        _ settings: LessonSettings,
        _ queue: HandoffQueue<TrackMessage>
    ) throws(LibAVError) -> CameraWay {
        let source = session.sources[index]
        let port = CompressedPort(
            count: settings.pictureBuffers,
            capacity: format.capacity,
            bell: source.bell
        )
        let stage = PassStage(
            session: session,
            source: source,
            port: port,
            header: format.header,
            track: index,
            packets: queue,
            settings: settings
        )
        return CameraWay(
            port: .compressed(port),
            stage: { stage.run() },
            parameters: try TrackParameters(
                h264: format.header,
                width: format.width,
                height: format.height
            )
        )
    }

    private static func encoded(
        _ format: CameraFormat,
        _ index: Int,
        _ session: Session,
        _ settings: LessonSettings,
        _ factory: EncoderFactory,
        _ queue: HandoffQueue<TrackMessage>
    ) throws(LibAVError) -> CameraWay {
        let source = session.sources[index]
        let interval = format.frameInterval.nanoseconds
        let encoding = videoSettings(format, settings)
        let (encoder, parameters) = try factory.encoder(
            encoding,
            track: index,
            source: source.status.name,
            interval: interval,
            settings
        )
        let isCompressed = format.pixelFormat.isCompressed
        let pool = try VideoFramePool(
            count: 1 + (isCompressed ? settings.decodedBuffers : settings.pictureBuffers),
            width: format.width,
            height: format.height,
            colour: encoding.colour
        )
        let port = PicturePort(
            pool: pool,
            bell: source.bell,
            roomBell: isCompressed ? source.decodeBell : nil
        )
        let intake = try intake(format, port, session, source, settings)
        let stage = VideoStage(
            session: session,
            source: source,
            port: port,
            encoder: encoder,
            packets: queue,
            interval: MediaTime(nanoseconds: interval),
            settings: settings
        )
        return CameraWay(
            port: intake.port,
            stage: { stage.run() },
            decodeStage: intake.stage,
            parameters: parameters
        )
    }

    /// Where the capture thread puts a camera's pictures, and the thread between that and `port`.
    private static func intake(
        _ format: CameraFormat,
        _ port: PicturePort,
        _ session: Session,
        _ source: SourceControl,
        _ settings: LessonSettings
    ) throws(LibAVError) -> (port: CapturePort, stage: (@Sendable () -> Void)?) {
        guard format.pixelFormat.isCompressed else { return (.converted(port), nil) }
        guard let decoder = JPEGDecoder(width: format.width, height: format.height) else {
            throw .noMemory
        }
        let compressed = CompressedPort(
            count: settings.pictureBuffers,
            capacity: format.capacity,
            bell: source.decodeBell
        )
        let stage = DecodeStage(
            session: session,
            source: source,
            input: compressed,
            output: port,
            decoder: decoder
        )
        return (.compressed(compressed), { stage.run() })
    }

    private static func videoSettings(
        _ format: CameraFormat,
        _ settings: LessonSettings
    )
        -> VideoEncoderSettings
    {
        let interval = format.frameInterval
        var encoding = VideoEncoderSettings(
            width: format.width,
            height: format.height,
            frameRate: TimeRate(interval.denominator, interval.numerator),
            bitRate: settings.videoBitRate,
            colour: ColourDescription(
                fullRange: format.fullRange,
                matrix: format.matrix == .bt601 ? .bt601 : .bt709
            )
        )
        encoding.preset = settings.videoPreset
        encoding.threads = settings.videoThreads
        return encoding
    }

    private static func microphone(
        _ format: MicrophoneFormat,
        _ index: Int,
        _ session: Session,
        _ settings: LessonSettings,
        _ bell: Doorbell
    ) throws(LibAVError) -> Track {
        let source = session.sources[index]
        let encoding = AudioEncoderSettings(
            sampleRate: format.sampleRate,
            channels: format.channels,
            bitRate: settings.audioBitRate
        )
        let encoder = try AudioEncoder(encoding, track: index)
        let parameters = encoder.parameters
        let port = SoundPort(sampleRate: format.sampleRate, channels: format.channels)
        let queue = HandoffQueue<TrackMessage>(
            capacity: settings.soundQueue,
            overflow: .wait,
            bell: bell
        )
        let stage = SoundStage(
            session: session,
            source: source,
            port: port,
            encoder: encoder,
            resampler: try SoundResampler(
                sampleRate: format.sampleRate,
                channels: format.channels
            ),
            packets: queue,
            settings: settings
        )
        return Track(
            order: .microphone(port),
            stage: { stage.run() },
            queue: queue,
            parameters: parameters,
            description: TrackDescription(
                name: source.status.name,
                kind: .sound(sampleRate: format.sampleRate, channels: format.channels),
                codec: parameters.codec
            ),
            segmentation: Segmenter.Track(
                isVideo: false,
                timeBase: parameters.timeBase,
                nominalDuration: 1024
            )
        )
    }
}
