internal import CLibAV

/// Writes fragmented MP4 (ISO BMFF) into memory: one init segment, then self-standing fragments.
///
/// The settings are the ones under which several tracks keep sync across stalls and from any start
/// time: absolute `tfdt` in every fragment, no edit lists, no interleaving by libavformat. A
/// fragment holds exactly the packets written since the last ``flushFragment()``; per track their
/// decoding times rise, and every duration is set. Thread-bound.
package struct FragmentMuxer: ~Copyable {
    private let context: UnsafeMutablePointer<AVFormatContext>
    // In a cell of its own because libavformat keeps the address.
    private let output: UnsafeMutablePointer<MediaBytes>
    private let tracks: [TrackParameters]

    /// The init segment is ready for ``takeBytes()`` afterwards.
    package init(tracks: [TrackParameters]) throws(LibAVError) {
        LibAVLog.keepOffStandardError
        var made: UnsafeMutablePointer<AVFormatContext>?
        try settingUp(
            "avformat_alloc_output_context2",
            avformat_alloc_output_context2(&made, nil, "mp4", nil)
        )
        let opened = try allocated(made)
        let cell = UnsafeMutablePointer<MediaBytes>.allocate(capacity: 1)
        cell.initialize(to: MediaBytes())
        do throws(LibAVError) {
            try attach(cell, to: opened)
            try configure(opened, tracks)
            try settingUp("avformat_write_header", avformat_write_header(opened, nil))
            try flush(opened)
        } catch {
            dispose(opened, cell)
            throw error
        }
        context = opened
        output = cell
        self.tracks = tracks
    }

    deinit {
        dispose(context, output)
    }

    /// Takes the init segment after `init`, or what ``flushFragment()`` completed, and goes on in
    /// the memory of `spare`.
    package mutating func takeBytes(
        replacingWith spare: consuming MediaBytes = MediaBytes()
    )
        -> MediaBytes
    {
        spare.removeAll()
        let taken = output.move()
        output.initialize(to: spare)
        return taken
    }

    /// Adds a packet to the fragment under way (`av_write_frame`).
    package mutating func write(_ packet: consuming EncodedPacket) throws(LibAVError) {
        let stream = try stream(packet.track)
        let raw = packet.packet
        raw.pointee.stream_index = Int32(packet.track)
        let base = tracks[packet.track].timeBase
        av_packet_rescale_ts(
            raw,
            AVRational(num: Int32(base.numerator), den: Int32(base.denominator)),
            stream.pointee.time_base
        )
        try running("av_write_frame", av_write_frame(context, raw))
    }

    /// Completes the fragment, if it holds any packet; ``takeBytes()`` gives it.
    package mutating func flushFragment() throws(LibAVError) {
        try running("av_write_frame", av_write_frame(context, nil))
        try flush(context)
        // The muxer forgets the flag with each fragment; without it the next one's times would
        // follow on from the durations of this one instead of standing for themselves.
        try setOption(context.pointee.priv_data, "movflags", "+frag_discont")
    }

    private func stream(_ track: Int) throws(LibAVError) -> UnsafeMutablePointer<AVStream> {
        guard tracks.indices.contains(track), let stream = context.pointee.streams[track] else {
            throw .failed(call: "av_write_frame", reason: "no track \(track)")
        }
        return stream
    }
}

private func attach(
    _ cell: UnsafeMutablePointer<MediaBytes>,
    to context: UnsafeMutablePointer<AVFormatContext>
) throws(LibAVError) {
    let size = 1 << 16
    guard let buffer = av_malloc(size) else { throw .noMemory }
    let writer = avio_alloc_context(
        buffer.assumingMemoryBound(to: UInt8.self),
        Int32(size),
        1,
        cell,
        nil,
        { cell, bytes, count in
            guard let cell, let bytes else { return lenscap_av_error_no_memory() }
            let output = cell.assumingMemoryBound(to: MediaBytes.self)
            return output.pointee.append(bytes, Int(count)) ? count : lenscap_av_error_no_memory()
        },
        nil
    )
    guard let writer else {
        av_free(buffer)
        throw .noMemory
    }
    writer.pointee.seekable = 0
    context.pointee.pb = writer
    context.pointee.flags |= AVFMT_FLAG_CUSTOM_IO
}

private func configure(
    _ context: UnsafeMutablePointer<AVFormatContext>,
    _ tracks: [TrackParameters]
) throws(LibAVError) {
    let flags = "frag_custom+empty_moov+default_base_moof+frag_discont+skip_trailer"
    try setOption(context.pointee.priv_data, "movflags", flags)
    try setOption(context.pointee.priv_data, "use_editlist", "0")
    try setOption(context.pointee.priv_data, "video_track_timescale", "90000")
    context.pointee.avoid_negative_ts = Int32(AVFMT_AVOID_NEG_TS_DISABLED)
    for track in tracks {
        let stream = try allocated(avformat_new_stream(context, nil))
        try settingUp(
            "avcodec_parameters_copy",
            avcodec_parameters_copy(stream.pointee.codecpar, track.parameters)
        )
        stream.pointee.codecpar.pointee.codec_tag = 0
        stream.pointee.time_base = AVRational(
            num: Int32(track.timeBase.numerator),
            den: Int32(track.timeBase.denominator)
        )
    }
}

private func flush(_ context: UnsafeMutablePointer<AVFormatContext>) throws(LibAVError) {
    guard let writer = context.pointee.pb else { throw .noMemory }
    avio_flush(writer)
    try running("avio_flush", writer.pointee.error)
}

private func dispose(
    _ context: UnsafeMutablePointer<AVFormatContext>,
    _ cell: UnsafeMutablePointer<MediaBytes>
) {
    if let writer = context.pointee.pb {
        av_free(writer.pointee.buffer)
        var pointer: UnsafeMutablePointer<AVIOContext>? = writer
        avio_context_free(&pointer)
        context.pointee.pb = nil
    }
    avformat_free_context(context)
    cell.deinitialize(count: 1)
    cell.deallocate()
}
