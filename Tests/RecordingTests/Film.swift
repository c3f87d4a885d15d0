internal import TestSupport

/// A recorded film as ffprobe and ffmpeg see it.
struct Film {
    let path: String

    struct Packet {
        let time: Double
        let isKeyFrame: Bool
    }

    /// What ffmpeg complains of when it decodes everything; empty when nothing.
    var complaints: String {
        // Pictures keep their own times: rounded to the frame rate, two may meet in one place.
        let times = "-fps_mode passthrough -enc_time_base:v 1/90000"
        let result = tool("ffmpeg -v error -xerror -i \(path) \(times) -f null - 2>&1")
        return result.succeeded ? result.output : "failed: " + result.output
    }

    /// The packets of a stream (`0`, `v:0`, `a`) in order.
    func packets(_ stream: String) -> [Packet] {
        lines("-select_streams \(stream) -show_entries packet=pts_time,flags \(path)").compactMap {
            let fields = $0.split(separator: ",")
            guard fields.count >= 2, let time = Double(fields[0]) else { return nil }
            return Packet(time: time, isKeyFrame: fields[1].hasPrefix("K"))
        }
    }

    /// The times of the first picture of each flash.
    var flashes: [Double] {
        let entries = "frame=pts_time:frame_tags=lavfi.signalstats.YAVG"
        let frames = lines("-f lavfi -i 'movie=\(path),signalstats' -show_entries \(entries)")
        var result: [Double] = []
        var wasBright = true
        for frame in frames {
            let fields = frame.split(separator: ",").compactMap { Double($0) }
            guard fields.count == 2 else { continue }
            let isBright = fields[1] > 160
            if isBright && !wasBright { result.append(fields[0]) }
            wasBright = isBright
        }
        return result
    }

    /// When each beep begins: the first loud sample after a tenth of a second without one.
    var beeps: [Double] {
        let program =
            "import sys,array\na=array.array('f',sys.stdin.buffer.read())\nlast=-9999\n"
            + "for i,x in enumerate(a):\n  if abs(x)>0.2:\n"
            + "    if i-last>4800: print(i/48000)\n    last=i\n"
        let script = "python3 -c \"\(program)\""
        let samples = "ffmpeg -v error -i \(path) -map 0:a:0 -f f32le -ac 1 -ar 48000 -"
        return tool("\(samples) | \(script)").output.split(separator: "\n").compactMap {
            Double($0)
        }
    }

    private func lines(_ arguments: String) -> [Substring] {
        tool("ffprobe -v error -of csv=p=0 \(arguments) 2>&1").output.split(separator: "\n")
    }
}
