internal import LibAV
internal import MediaTime
internal import TestSupport

/// A film made without devices: grey with a white flash in the first tenth of each second, and a
/// beep of the same place and length.
struct SyntheticLesson {
    let width = 320
    let height = 240
    let rate = 25
    let sampleRate = 48_000
    let colour = ColourDescription(fullRange: false, matrix: .bt709)
    let pool: VideoFramePool
    let folder = TemporaryFolder()

    init() throws {
        pool = try VideoFramePool(count: 4, width: width, height: height, colour: colour)
    }

    var videoSettings: VideoEncoderSettings {
        VideoEncoderSettings(
            width: width,
            height: height,
            frameRate: TimeRate(rate),
            bitRate: 500_000,
            colour: colour
        )
    }

    var audioSettings: AudioEncoderSettings {
        AudioEncoderSettings(sampleRate: sampleRate, channels: 1, bitRate: 64_000)
    }

    func paint(_ index: Int, frame: Int) {
        let planes = pool.planes(index)
        let isFlash = frame % rate < 3
        for row in 0..<height {
            let line = planes.luma + row * planes.lumaStride
            for column in 0..<width {
                line[column] = isFlash ? 235 : UInt8(40 + (row + column + frame * 3) % 32)
            }
        }
        for row in 0..<height / 2 {
            (planes.chroma + row * planes.chromaStride).update(repeating: 128, count: width)
        }
    }

    /// One tenth of a second from sample `start`.
    func samples(from start: Int) -> [Int16] {
        (start..<start + sampleRate / 10).map { position in
            guard position % sampleRate < sampleRate * 3 / rate else { return 0 }
            return position % 48 < 24 ? 12_000 : -12_000
        }
    }

    /// Encodes `seconds` from second `first` on, into `init.mp4` and one `N.m4s` per two seconds.
    ///
    /// The camera is silent in the seconds of `stall`. Gives what was known of all packets, in the
    /// order of writing.
    func encode(seconds: Int, from first: Int = 0, stall: Range<Int> = 0..<0) throws -> [Written] {
        let video = try VideoEncoder(videoSettings)
        var audio = try AudioEncoder(audioSettings, track: 1)
        var muxer = try FragmentMuxer(tracks: [video.parameters, audio.parameters])
        muxer.takeBytes().withUnsafeBytes { _ = folder.append($0, to: "init.mp4") }
        var written: [Written] = []
        audio.begin(at: Int64(first * sampleRate))
        let packets = PacketBox()
        for frame in first * rate..<(first + seconds) * rate where !stall.contains(frame / rate) {
            let index = frame % pool.count
            guard pool.isFree(index) else { throw Held() }
            paint(index, frame: frame)
            try video.send(
                index,
                of: pool,
                presentation: Int64(frame * 90_000 / rate),
                asKeyFrame: frame % (2 * rate) == 0
            )
            while let packet = try video.receive() { packets.hold(packet) }
        }
        try video.finish()
        while let packet = try video.receive() { packets.hold(packet) }
        for tenth in first * 10..<(first + seconds) * 10 {
            try samples(from: tenth * sampleRate / 10).withUnsafeBufferPointer {
                try audio.encode($0, deliver: packets.hold)
            }
        }
        try audio.finish(deliver: packets.hold)
        for segment in 0..<(seconds + 1) / 2 {
            let end = (first + (segment + 1) * 2)
            for track in 0...1 {
                let limit = Int64(end * (track == 0 ? 90_000 : sampleRate))
                while let packet = packets.take(track, before: limit) {
                    written.append(Written(packet, segment: segment))
                    try muxer.write(packet)
                }
            }
            try muxer.flushFragment()
            muxer.takeBytes().withUnsafeBytes { _ = folder.append($0, to: "\(segment).m4s") }
        }
        return written
    }

    struct Held: Error {}
}

/// What was known of a packet when it was written.
struct Written {
    let track: Int
    let presentation: Int64
    let isKeyFrame: Bool
    let segment: Int

    init(_ packet: borrowing EncodedPacket, segment: Int) {
        track = packet.track
        presentation = packet.presentation
        isKeyFrame = packet.isKeyFrame
        self.segment = segment
    }
}

/// Keeps packets per track and sets each one's duration when its successor comes.
final class PacketBox {
    private final class Node {
        var packet: EncodedPacket?
        let decoding: Int64
        init(_ packet: consuming EncodedPacket) {
            decoding = packet.decoding
            self.packet = consume packet
        }
    }
    private var nodes: [[Node]] = [[], []]

    func hold(_ packet: consuming EncodedPacket) {
        let track = packet.track
        if packet.duration == 0 { packet.duration = 3_600 }
        nodes[track].append(Node(packet))
    }

    func take(_ track: Int, before limit: Int64) -> EncodedPacket? {
        guard let first = nodes[track].first, first.decoding < limit else { return nil }
        nodes[track].removeFirst()
        return first.packet.take()
    }
}
