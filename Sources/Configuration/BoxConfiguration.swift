/// What a technician may set in `/etc/lenscap/lenscap.toml`: paths, encoder, devices, network.
///
/// Nothing in it can widen consent: which sources a lesson may use, for how long and for whom is in
/// the signed records and tokens only.
package struct BoxConfiguration: Hashable, Sendable {
    /// `[paths]`: other places than those of ``Locations``.
    package struct Paths: Hashable, Sendable {
        package var spool: String?
        package var outbox: String?

        package init() {}
    }

    package enum VideoEncoder: String, CaseIterable, Hashable, Sendable {
        /// The best that works on this machine.
        case automatic = "auto"
        case v4l2m2m = "h264_v4l2m2m"
        case vaapi = "h264_vaapi"
        case libx264
    }

    /// Of libx264, from the cheapest to the one with the smallest files.
    package enum Preset: String, CaseIterable, Hashable, Sendable {
        case ultrafast, superfast, veryfast
    }

    /// `[encoder]`.
    package struct Encoder: Hashable, Sendable {
        package var video = VideoEncoder.automatic
        package var preset = Preset.superfast
        /// Bits per second of one camera.
        package var bitrate = 4_000_000
        /// Bits per second of one microphone.
        package var audioBitrate = 96_000
        /// Threads of one video encoder.
        package var threads = 2

        package init() {}
    }

    /// `[capture]`.
    package struct Capture: Hashable, Sendable {
        /// SCHED_FIFO priority of the threads that read the devices, where the system permits it;
        /// 0 for none.
        package var priority = 10

        package init() {}
    }

    package struct PictureSize: Hashable, Sendable {
        package let width: Int
        package let height: Int

        package init(width: Int, height: Int) {
            self.width = width
            self.height = height
        }
    }

    /// `[source.<name>]`: how a source of the room record is opened.
    ///
    /// What is nil is left to the device.
    package struct Source: Hashable, Sendable {
        /// `/dev/…`, `hw:…` or `test:…`; nil for the default of its kind.
        package var device: String?
        package var size: PictureSize?
        /// Pictures per second.
        package var frameRate: Int?
        /// Samples per second.
        package var sampleRate = 48_000
        package var channels: Int?
    }

    /// `[lamp]`: the input that is active while the lamp is lit.
    ///
    /// A room record that calls the lamp sensed asks for it; it permits nothing by itself.
    package struct LampSense: Hashable, Sendable {
        package enum Kind: String, CaseIterable, Sendable {
            case key, line
            case lineLow = "line-low"
        }

        package var kind: Kind
        /// The evdev device's name or the GPIO chip's label.
        package var device: String
        /// Key code or line offset.
        package var code: Int

        package init(kind: Kind, device: String, code: Int) {
            self.kind = kind
            self.device = device
            self.code = code
        }
    }

    /// `[spool]`.
    package struct Spool: Hashable, Sendable {
        /// Bytes of the disk that no recording may use.
        package var reserve = 1 << 30
    }

    /// `[upload]`.
    package struct Upload: Hashable, Sendable {
        /// Seconds until the first retry, and at the most between two.
        package var retryMinimum = 5
        package var retryMaximum = 3600
    }

    package var paths = Paths()
    package var encoder = Encoder()
    package var capture = Capture()
    package var sources: [String: Source] = [:]
    package var lampSense: LampSense?
    package var spool = Spool()
    package var upload = Upload()

    /// The defaults.
    package init() {}

    /// The device of a camera, by default the link that the udev rules make for its name.
    package func cameraDevice(_ name: String) -> String {
        sources[name]?.device ?? "/dev/lenscap/\(name)"
    }

    /// The device of a microphone, by default the sound card that the udev rules name so.
    package func microphoneDevice(_ name: String) -> String {
        sources[name]?.device ?? "hw:\(name)"
    }

    /// `[a-z0-9-]{1,32}`, as in the room record.
    package static func isSourceName(_ name: String) -> Bool {
        (1...32).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
