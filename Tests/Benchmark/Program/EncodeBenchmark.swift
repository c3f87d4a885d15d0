internal import Glibc
internal import LibAV
internal import LinuxSystem
internal import Microphone
internal import PixelConversion
internal import Recording

/// libx264 and the AAC encoder alone, on pictures and sound that lie ready in memory.
///
/// In real time like the pipeline, so that caches and clock rates are the same.
/// Prints the CPU seconds that all threads of the process spent meanwhile.
struct EncodeBenchmark {
    let clip: String
    let format: String
    let size: PictureSize
    let pictures: Int
    let sound: String

    func run() throws {
        let colour = ColourDescription(fullRange: format == "mjpeg", matrix: .bt601)
        let pool = try loadPictures(colour)
        let samples = try loadSound()
        let defaults = LessonSettings()
        var settings = VideoEncoderSettings(
            width: size.width,
            height: size.height,
            frameRate: TimeRate(30),
            bitRate: defaults.videoBitRate,
            colour: colour
        )
        settings.preset = defaults.videoPreset
        settings.threads = defaults.videoThreads
        let before = processorSeconds()
        let encoder = try VideoEncoder(settings)
        let start = Clock.monotonic.now()
        for number in 0..<pictures {
            Clock.monotonic.sleep(until: start + Int64(number) * 1_000_000_000 / 30)
            let index = number % pool.count
            guard pool.isFree(index) else { throw BenchmarkFailure("the encoder keeps a picture") }
            try encoder.send(
                index,
                of: pool,
                presentation: Int64(number) * 3_000,
                asKeyFrame: number.isMultiple(of: 60)
            )
            while try encoder.receive() != nil {}
        }
        try encoder.finish()
        while try encoder.receive() != nil {}
        try encode(samples)
        print(processorSeconds() - before)
    }

    private func encode(_ samples: [Int16]) throws {
        var encoder = try AudioEncoder(
            AudioEncoderSettings(sampleRate: 48_000, channels: 1, bitRate: 96_000)
        )
        encoder.begin(at: 0)
        // As the microphone delivers them.
        let block = 960
        try samples.withUnsafeBufferPointer { samples in
            for start in 0..<pictures * 1_600 / block {
                let offset = start * block % (samples.count / block * block)
                let part = UnsafeBufferPointer(rebasing: samples[offset..<offset + block])
                try encoder.encode(part) { _ in }
            }
        }
        try encoder.finish { _ in }
    }

    private func loadPictures(_ colour: ColourDescription) throws -> VideoFramePool {
        guard format == "yuyv" else { throw BenchmarkFailure("pictures of \(format)") }
        let file = try Descriptor.open(clip)
        let bytes = size.width * size.height * 2
        let count = min(pictures, try file.status().size / bytes)
        let pool = try VideoFramePool(
            count: count,
            width: size.width,
            height: size.height,
            colour: colour
        )
        let mapping = try MemoryMapping(file, offset: 0, count: count * bytes, isWritable: false)
        for index in 0..<count {
            let planes = pool.planes(index)
            let picture = SourcePicture(
                bytes: UnsafeRawBufferPointer(
                    rebasing: mapping.bytes[index * bytes..<(index + 1) * bytes]
                ),
                bytesPerLine: size.width * 2,
                width: size.width,
                height: size.height
            )
            let target = NV12Planes(
                luma: planes.luma,
                lumaStride: planes.lumaStride,
                chroma: planes.chroma,
                chromaStride: planes.chromaStride
            )
            guard packedToNV12(picture, .yuyv, into: target) else {
                throw BenchmarkFailure("a picture does not fit")
            }
        }
        return pool
    }

    private func loadSound() throws -> [Int16] {
        let bytes = try Descriptor.open(sound).readAll(limit: 1 << 26)
        return bytes.withUnsafeBytes { Array($0.bindMemory(to: Int16.self)) }
    }
}

/// What all threads of the process have spent so far.
private func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
}

/// Writes what the test microphone hears, as raw 16-bit samples.
func recordSound(seconds: Int, to path: String) throws {
    let microphone = try openMicrophone(MicrophoneRequest(path: "test:sound"))
    defer { microphone.close() }
    let file = try Descriptor.open(path, [.write, .create])
    let buffer = UnsafeMutableBufferPointer<Int16>.allocate(capacity: 48_000)
    defer { buffer.deallocate() }
    var left = seconds * 48_000
    while left > 0 {
        let deadline = Clock.monotonic.now() + 1_000_000_000
        guard case .samples(let frames, _) = try microphone.next(deadline: deadline, into: buffer)
        else { continue }
        try file.writeAll(
            UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<(frames * 2)])
        )
        left -= frames
    }
}
