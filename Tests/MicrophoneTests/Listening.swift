import Camera
import Glibc
import LinuxSystem
import Microphone
import Synchronization
import Testing

func open(_ path: String, channels: Int = 1) throws -> any Microphone {
    try openMicrophone(MicrophoneRequest(path: path, channels: channels))
}

func next(_ microphone: any Microphone, deadline: Int64 = .max) throws -> MicrophoneOutcome {
    var samples = [Int16](repeating: 0, count: 1920)
    return try samples.withUnsafeMutableBufferPointer {
        try microphone.next(deadline: deadline, into: $0)
    }
}

struct Block {
    let timestamp: Int64
    let samples: [Int16]
    let seen: Int64
}

func take(_ count: Int, from microphone: any Microphone, channels: Int = 1) throws -> [Block] {
    var blocks: [Block] = []
    var samples = [Int16](repeating: 0, count: 960 * channels)
    while blocks.count < count {
        let outcome = try samples.withUnsafeMutableBufferPointer {
            try microphone.next(deadline: Clock.monotonic.now() + 10_000_000_000, into: $0)
        }
        guard case .samples(let frames, let timestamp) = outcome else {
            // A reader that a busy machine held up: start the count anew.
            try #require(outcome == .overrun)
            blocks = []
            continue
        }
        let heard = Array(samples.prefix(frames * channels))
        blocks.append(Block(timestamp: timestamp, samples: heard, seen: Clock.monotonic.now()))
    }
    return blocks
}

/// When a mono recording is louder than its bed.
struct Loud {
    private(set) var begins: [Int64] = []
    private(set) var ends: [Int64] = []
    /// Between rises through zero inside a beep, ns.
    private(set) var periods: [Int64] = []

    init(_ blocks: [Block], ppm: Int) {
        let interval = 1_000_000_000 / (48_000 * (1 + Double(ppm) / 1_000_000))
        var lastLoud: Int64?
        var lastRise: Int64?
        var previous: Int16?
        for block in blocks {
            for (index, sample) in block.samples.enumerated() {
                let time = block.timestamp + Int64((Double(index) * interval).rounded())
                if abs(Int32(sample)) > 500 {
                    // Silent for longer than any part of a 1 kHz wave; a beep that was under way
                    // when the recording began does not count.
                    if time - (lastLoud ?? blocks[0].timestamp) > 5_000_000 {
                        if let lastLoud { ends.append(lastLoud) }
                        begins.append(time)
                        lastRise = nil
                    }
                    lastLoud = time
                }
                if let before = previous, before < -500, sample >= -500 {
                    if let lastRise { periods.append(time - lastRise) }
                    lastRise = time
                }
                previous = sample
            }
        }
        if let lastLoud { ends.append(lastLoud) }
    }
}

/// Notes the whole seconds at which a test camera's picture is white.
final class FlashFinder: Sendable {
    private let found = Mutex<[Int64]>([])

    var seconds: [Int64] { found.withLock { $0 } }

    /// Watches until the camera is stopped; a picture on a whole second that is not white is not
    /// noted.
    func watch(_ camera: any Camera) {
        while true {
            let outcome = try? camera.next(deadline: .max) { bytes, timestamp in
                let format = camera.format
                let line = format.height / 2 * format.bytesPerLine
                let isWhite = bytes[line..<line + format.width].allSatisfy { $0 == 235 }
                if isWhite, timestamp % 1_000_000_000 == 0 {
                    found.withLock { $0.append(timestamp / 1_000_000_000) }
                }
            }
            guard let outcome, outcome != .stopped else { return }
        }
    }
}

/// How many of this process's descriptors are for the file.
func holders(of path: String) throws -> Int {
    try Folder(path: "/proc/self/fd").names().count { name in
        var target = [UInt8](repeating: 0, count: 256)
        let count = readlink("/proc/self/fd/\(name)", &target, target.count)
        return String(decoding: target.prefix(max(0, count)), as: UTF8.self) == path
    }
}
