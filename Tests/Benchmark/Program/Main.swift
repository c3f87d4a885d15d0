internal import LinuxSystem

/// What `Tests/Benchmark/run` times: the recorder's pipeline and pieces of it, one a process.
@main
struct Benchmark {
    private static let usage = """
        record SECONDS FOLDER SOURCE…    NAME=ADDRESS for a microphone, NAME=ADDRESS@WIDTHxHEIGHT for a camera
        encode FILE FORMAT WIDTHxHEIGHT PICTURES SOUND
        sound SECONDS FILE

        """

    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("record", 4...):
            try RecordBenchmark(
                seconds: Int64(arguments[1]) ?? 10,
                folder: arguments[2],
                sources: Array(arguments[3...])
            ).run()
        case ("encode", 6):
            try EncodeBenchmark(
                clip: arguments[1],
                format: arguments[2],
                size: PictureSize(arguments[3]),
                pictures: Int(arguments[4]) ?? 300,
                sound: arguments[5]
            ).run()
        case ("sound", 3): try recordSound(seconds: Int(arguments[1]) ?? 10, to: arguments[2])
        default: throw BenchmarkFailure(usage)
        }
    }
}

struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

struct PictureSize {
    let width: Int
    let height: Int

    init(_ text: some StringProtocol) throws {
        let sides = text.split(separator: "x").compactMap { Int($0) }
        guard sides.count == 2 else { throw BenchmarkFailure("\(text) is no size") }
        (width, height) = (sides[0], sides[1])
    }
}
