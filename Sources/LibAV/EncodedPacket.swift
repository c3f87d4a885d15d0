internal import CLibAV
package import MediaTime

/// One compressed picture or block of sound, with its place on the track's timeline.
package struct EncodedPacket: ~Copyable, @unchecked Sendable {
    // Unchecked: the value is the only owner of the packet and of its bytes, so that moving it to
    // another thread leaves nothing behind.
    let packet: UnsafeMutablePointer<AVPacket>

    /// The track that the muxer will put it in.
    package let track: Int
    /// The tick of `presentation`, `decoding` and `duration`.
    package let timeBase: TimeBase

    init(adopting packet: UnsafeMutablePointer<AVPacket>, track: Int, timeBase: TimeBase) {
        self.packet = packet
        self.track = track
        self.timeBase = timeBase
    }

    /// Copies what a camera encoded; its pictures are decoded in the order in which they are shown.
    package init(
        copying bytes: UnsafeRawBufferPointer,
        track: Int,
        timeBase: TimeBase,
        presentation: Int64,
        isKeyFrame: Bool
    ) throws(LibAVError) {
        let made = try allocated(av_packet_alloc())
        guard av_new_packet(made, Int32(clamping: bytes.count)) == 0,
            let data = made.pointee.data, Int(made.pointee.size) == bytes.count
        else {
            var pointer: UnsafeMutablePointer<AVPacket>? = made
            av_packet_free(&pointer)
            throw .noMemory
        }
        UnsafeMutableRawBufferPointer(start: data, count: bytes.count).copyMemory(from: bytes)
        made.pointee.pts = presentation
        made.pointee.dts = presentation
        if isKeyFrame { made.pointee.flags |= AV_PKT_FLAG_KEY }
        self.init(adopting: made, track: track, timeBase: timeBase)
    }

    deinit {
        var pointer: UnsafeMutablePointer<AVPacket>? = packet
        av_packet_free(&pointer)
    }

    /// When to show it, in ticks of ``timeBase``.
    package var presentation: Int64 { packet.pointee.pts }

    /// When to decode it; never after ``presentation``.
    package var decoding: Int64 { packet.pointee.dts }

    /// How long it lasts; 0 until the successor is known.
    package var duration: Int64 {
        get { packet.pointee.duration }
        set { packet.pointee.duration = newValue }
    }

    package var isKeyFrame: Bool { packet.pointee.flags & AV_PKT_FLAG_KEY != 0 }

    package var byteCount: Int { Int(packet.pointee.size) }

    /// The packet's data, as long as the packet lives.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: packet.pointee.data, count: byteCount)
    }
}
