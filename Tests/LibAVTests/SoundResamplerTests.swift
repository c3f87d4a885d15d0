import Glibc
import Testing

@testable import LibAV

@Suite struct SoundResamplerTests {
    private static let rate = 48_000

    /// A tone of `frequency` Hz at half of full scale, both channels alike.
    private func tone(_ frequency: Double, seconds: Double, channels: Int = 1) -> [Int16] {
        (0..<Int(seconds * Double(Self.rate))).flatMap { index -> [Int16] in
            let phase = 2 * Double.pi * frequency * Double(index) / Double(Self.rate)
            return Array(repeating: Int16((16_384 * sin(phase)).rounded()), count: channels)
        }
    }

    private func convert(_ samples: [Int16], channels: Int = 1, ppm: Double) throws -> [Int16] {
        var resampler = try SoundResampler(sampleRate: Self.rate, channels: channels)
        try resampler.stretch(ppm: ppm)
        var result: [Int16] = []
        for start in stride(from: 0, to: samples.count, by: 960 * channels) {
            try samples[start..<min(start + 960 * channels, samples.count)].withUnsafeBufferPointer
            {
                try resampler.convert($0) { result += $0 }
            }
        }
        try resampler.drain { result += $0 }
        return result
    }

    @Test(
        "The output is longer by the millionths asked for",
        arguments: [-2_000.0, -500, 0, 1, 500]
    )
    func length(ppm: Double) throws {
        let samples = tone(440, seconds: 20)
        let ideal = Double(samples.count) * (1 + ppm / 1_000_000)
        let count = try convert(samples, ppm: ppm).count
        #expect(abs(Double(count) - ideal) < 5, "\(count) for \(ideal)")
    }

    @Test(
        "A tone stays a tone: noise and distortion lie 80 dB below it",
        arguments: [1_000.0, 12_000]
    )
    func quality(frequency: Double) throws {
        let result = try convert(tone(frequency, seconds: 2), ppm: 500)
        let piece = result[48_000..<52_800].map { Double($0) }
        var best = -Double.infinity
        for step in -20...20 {
            let offset = 500 + Double(step) / 10
            let omega = 2 * .pi * frequency / (1 + offset / 1_000_000) / Double(Self.rate)
            best = max(best, ratio(piece, omega))
        }
        #expect(best > 80, "\(best) dB")
    }

    /// How far (dB) what is not the tone lies below it.
    private func ratio(_ piece: [Double], _ omega: Double) -> Double {
        var (ss, cc, sc, ys, yc) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for (index, value) in piece.enumerated() {
            let (s, c) = (sin(omega * Double(index)), cos(omega * Double(index)))
            (ss, cc, sc) = (ss + s * s, cc + c * c, sc + s * c)
            (ys, yc) = (ys + value * s, yc + value * c)
        }
        let determinant = ss * cc - sc * sc
        let (a, b) = ((ys * cc - yc * sc) / determinant, (yc * ss - ys * sc) / determinant)
        var (signal, noise) = (0.0, 0.0)
        for (index, value) in piece.enumerated() {
            let fit = a * sin(omega * Double(index)) + b * cos(omega * Double(index))
            signal += fit * fit
            noise += (value - fit) * (value - fit)
        }
        return 10 * log10(signal / noise)
    }

    @Test("What went in is what came out and what is inside", arguments: [1, 2])
    func delay(channels: Int) throws {
        var resampler = try SoundResampler(sampleRate: Self.rate, channels: channels)
        let samples = tone(440, seconds: 5, channels: channels)
        try resampler.stretch(ppm: 0)
        var inside: [Int64] = []
        var made = 0
        for start in stride(from: 0, to: samples.count, by: 960 * channels) {
            try samples[start..<start + 960 * channels].withUnsafeBufferPointer {
                try resampler.convert($0) { made += $0.count / channels }
            }
            let taken = start / channels + 960
            inside.append(Int64(taken - made) * 1_000_000_000 / 48_000 - resampler.delay)
        }
        #expect(inside.allSatisfy { abs($0) < 25_000 }, "\(inside.map(abs).max() ?? 0) ns")
        try resampler.drain { made += $0.count / channels }
        #expect(abs(made - samples.count / channels) <= 1)
        #expect(resampler.delay == 0)
    }

    @Test("After draining it begins anew, with nothing of what it held")
    func drain() throws {
        var resampler = try SoundResampler(sampleRate: Self.rate, channels: 1)
        try tone(440, seconds: 0.1).withUnsafeBufferPointer { try resampler.convert($0) { _ in } }
        try resampler.drain { _ in }
        var rest: [Int16] = []
        try [Int16](repeating: 0, count: 9_600).withUnsafeBufferPointer {
            try resampler.convert($0) { rest += $0 }
        }
        try resampler.drain { rest += $0 }
        #expect(rest.count == 9_600)
        #expect(rest.allSatisfy { $0 == 0 })
    }
}
