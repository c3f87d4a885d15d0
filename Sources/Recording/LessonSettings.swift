package import Camera
package import LibAV
package import MediaTime
package import Microphone

/// One camera or microphone of a lesson; its place in the list is its track.
package struct LessonSource: Hashable, Sendable {
    package enum Device: Hashable, Sendable {
        case camera(CameraRequest)
        case microphone(MicrophoneRequest)
    }

    /// From the room record: `[a-z0-9-]{1,32}`, unique in the lesson.
    package let name: String
    package let device: Device

    package init(name: String, device: Device) {
        self.name = name
        self.device = device
    }
}

/// How a lesson is encoded and how patient each part is.
package struct LessonSettings: Hashable, Sendable {
    /// Bits per second and camera.
    package var videoBitRate = 4_000_000
    package var videoPreset = VideoPreset.superfast
    /// The first of them that opens is taken; one that fails later is replaced by libx264.
    package var videoCodecs = [VideoCodec.libx264]
    /// How long an encoder that is a device may take to open.
    package var encoderOpenLimit = MediaTime.seconds(3)
    /// How far such an encoder may fall behind the pictures before it is replaced.
    package var encoderLagLimit = MediaTime.seconds(1)
    /// Per camera.
    package var videoThreads = 2
    /// Bits per second and microphone.
    package var audioBitRate = 128_000
    /// From one bound to the next.
    package var segmentLength = MediaTime.seconds(2)
    /// How far a track may be behind the others before a segment closes without it.
    package var lagLimit = MediaTime.seconds(2)
    /// How long the start waits for a device node that is not there, or not permitted, yet: a USB
    /// device that was just authorised has its node and udev's permissions a moment later.
    package var openLimit = MediaTime.seconds(3)
    /// How long the first instant waits for sources that opened and deliver nothing.
    package var startLimit = MediaTime.seconds(2)
    /// A camera that gives nothing for so long has a gap.
    package var stallLimit = MediaTime.seconds(2)
    /// A microphone that gives nothing but zeros for so long is said to have no signal.
    package var noSignalLimit = MediaTime.seconds(5)
    /// A device that gives nothing for so long is closed and opened again.
    package var restartLimit = MediaTime.seconds(5)
    /// A lesson to which no source has given anything for so long ends: time enough to put a plug
    /// back in, too short to fill a disk with silence.
    package var absenceLimit = MediaTime.seconds(60)
    /// Pictures between capture and encoder, per camera, as the camera sends them.
    package var pictureBuffers = 6
    /// Decoded pictures of a camera that sends compressed ones: one that is being decoded, and one
    /// with the encoder.
    package var decodedBuffers = 2
    /// Encoded pictures between encoder and muxer, per camera.
    package var packetQueue = 64
    /// Encoded blocks of sound that wait for a slow sink, per microphone: 85 s at 48 kHz.
    package var soundQueue = 4_000
    /// Finished segments that wait for a slow sink.
    package var segmentQueue = 4
    /// SCHED_FIFO priority of the capture threads, where the system permits it.
    package var capturePriority: Int32? = 10

    package init() {}

    /// How long nothing may come from a source until silence, or its last picture, stands in for
    /// it: below the lag limit, so that no segment closes without it.
    var patience: MediaTime { MediaTime(nanoseconds: lagLimit.nanoseconds / 2) }
}
