internal import CLibAV

/// libswresample, stretching or shortening sound by some millionths: interleaved 16-bit samples
/// in and out, at one nominal rate.
///
/// Owns its context and the memory that it writes to. Thread-bound.
package struct SoundResampler: ~Copyable {
    private let context: OpaquePointer
    private let output: UnsafeMutableBufferPointer<Int16>
    private let channels: Int
    private let sampleRate: Int

    /// Output samples for which one setting holds unless it is replaced.
    private static let span: Int32 = 10_000_000
    /// Sample frames that ``convert(_:_:)`` takes at once.
    private static let block = 4_096
    /// More than the filter holds back, and than 1 % of stretching adds to a block.
    private static let room = block + block / 50 + 256

    package init(sampleRate: Int, channels: Int) throws(LibAVError) {
        var made: OpaquePointer?
        var layout = AVChannelLayout()
        av_channel_layout_default(&layout, Int32(channels))
        var same = layout
        do throws(LibAVError) {
            let rate = Int32(sampleRate)
            try settingUp(
                "swr_alloc_set_opts2",
                swr_alloc_set_opts2(
                    &made,
                    &same,
                    AV_SAMPLE_FMT_S16,
                    rate,
                    &layout,
                    AV_SAMPLE_FMT_S16,
                    rate,
                    0,
                    nil
                )
            )
            let options = UnsafeMutableRawPointer(made)
            // Also where the rates are equal; in floats; with a phase for every ratio from the
            // start, so that no setting builds the filter anew.
            try setOption(options, "flags", "+res")
            try setOption(options, "internal_sample_fmt", "fltp")
            try setOption(options, "exact_rational", "0")
            try settingUp("swr_init", swr_init(made))
        } catch {
            swr_free(&made)
            throw error
        }
        guard let made else { throw .noMemory }
        context = made
        self.channels = channels
        self.sampleRate = sampleRate
        output = .allocate(capacity: Self.room * channels)
    }

    deinit {
        var pointer: OpaquePointer? = context
        swr_free(&pointer)
        output.deallocate()
    }

    /// How long (ns) the sound inside is that has not come out yet.
    package var delay: Int64 { swr_get_delay(context, 1_000_000_000) }

    /// From now on the output is `ppm` millionths longer than the input.
    package mutating func stretch(ppm: Double) throws(LibAVError) {
        let extra = Int32((ppm * Double(Self.span) / 1_000_000).rounded())
        try running("swr_set_compensation", swr_set_compensation(context, extra, Self.span))
    }

    /// Takes whole sample frames and lends what came out of them to `body`, in pieces.
    package mutating func convert(
        _ samples: UnsafeBufferPointer<Int16>,
        _ body: (UnsafeBufferPointer<Int16>) throws(LibAVError) -> Void
    ) throws(LibAVError) {
        var rest = samples
        while !rest.isEmpty {
            let count = min(rest.count / channels, Self.block)
            try body(try convert(rest.baseAddress, count))
            rest = UnsafeBufferPointer(rebasing: rest[(count * channels)...])
        }
    }

    /// Lends what is still inside to `body`, and begins anew, unstretched.
    package mutating func drain(
        _ body: (UnsafeBufferPointer<Int16>) throws(LibAVError) -> Void
    ) throws(LibAVError) {
        try body(try convert(nil, 0))
        try running("swr_init", swr_init(context))
    }

    private func convert(
        _ samples: UnsafePointer<Int16>?,
        _ count: Int
    )
        throws(LibAVError) -> UnsafeBufferPointer<Int16>
    {
        let made = withUnsafeBytes(of: UnsafeRawPointer(samples)) { input in
            withUnsafeBytes(of: UnsafeMutableRawPointer(output.baseAddress)) { result in
                swr_convert(
                    context,
                    UnsafeMutablePointer(
                        mutating: result.assumingMemoryBound(to: UnsafeMutablePointer<UInt8>?.self)
                            .baseAddress
                    ),
                    Int32(Self.room),
                    samples == nil
                        ? nil
                        : UnsafeMutablePointer(
                            mutating: input.assumingMemoryBound(to: UnsafePointer<UInt8>?.self)
                                .baseAddress
                        ),
                    Int32(count)
                )
            }
        }
        try running("swr_convert", made)
        return UnsafeBufferPointer(rebasing: output[..<(Int(made) * channels)])
    }
}
