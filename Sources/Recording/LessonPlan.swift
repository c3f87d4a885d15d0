internal import Camera
internal import LibAV
internal import LinuxSystem
internal import MediaTime
internal import Microphone
internal import Pipeline

/// Encoders, muxer, buffers and queues of one lesson, made before any of its threads runs them.
struct LessonPlan {
    let captureOrders: [CaptureOrder]
    /// One body per encode thread, in the order of the sources.
    let encodeStages: [@Sendable () -> Void]
    let mux: MuxStage
    let queues: [HandoffQueue<TrackMessage>]
    let output: HandoffQueue<SinkMessage>
    let spares: HandoffQueue<MediaBytes>

    /// One track: what the encode thread runs, and what the muxer has to know.
    private struct Track {
        let order: CaptureOrder
        let stage: @Sendable () -> Void
        let queue: HandoffQueue<TrackMessage>
        let parameters: TrackParameters
        let description: TrackDescription
        let segmentation: Segmenter.Track
    }

    init(
        _ session: Session,
        _ formats: [CaptureSet.Format],
        _ settings: LessonSettings
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
                    tracks.append(try Self.camera(format, index, session, settings, bell))
                case .microphone(let format):
                    tracks.append(try Self.microphone(format, index, session, settings, bell))
                }
            } catch {
                throw .encoderFailed(source: source.status.name, error)
            }
        }
        captureOrders = tracks.map(\.order)
        encodeStages = tracks.map(\.stage)
        queues = tracks.map(\.queue)
        output = HandoffQueue(capacity: settings.segmentQueue, overflow: .wait)
        spares = HandoffQueue(capacity: 2, overflow: .refuse)
        do throws(LibAVError) {
            mux = MuxStage(
                session: session,
                inputs: queues,
                bell: bell,
                output: output,
                spares: spares,
                tracks: tracks.map(\.description),
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
        _ bell: Doorbell
    ) throws(LibAVError) -> Track {
        let source = session.sources[index]
        let interval = format.frameInterval
        let encoding = videoSettings(format, settings)
        let encoder = try VideoEncoder(encoding, track: index)
        let parameters = encoder.parameters
        let pool = try VideoFramePool(
            count: settings.pictureBuffers + 1,
            width: format.width,
            height: format.height,
            colour: encoding.colour
        )
        let port = PicturePort(pool: pool)
        let queue = HandoffQueue<TrackMessage>(
            capacity: settings.packetQueue,
            overflow: .wait,
            bell: bell
        )
        let stage = VideoStage(
            session: session,
            source: source,
            port: port,
            encoder: encoder,
            packets: queue,
            interval: MediaTime(nanoseconds: interval.nanoseconds),
            settings: settings
        )
        return Track(
            order: .camera(port),
            stage: { stage.run() },
            queue: queue,
            parameters: parameters,
            description: TrackDescription(
                name: source.status.name,
                kind: .video(
                    width: format.width,
                    height: format.height,
                    rateNumerator: interval.denominator,
                    rateDenominator: interval.numerator
                ),
                codec: parameters.codec
            ),
            segmentation: Segmenter.Track(
                isVideo: true,
                timeBase: .video,
                nominalDuration: MediaTime(nanoseconds: interval.nanoseconds).ticks(of: .video)
            )
        )
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
