import LinuxSystem
import Testing

extension EndToEndTests {
    @Suite struct LongLessons {
        /// Runs `lenscap` and gives the most memory that it ever had, in KiB.
        private func peak(_ arguments: [String]) throws -> Int {
            let script = """
                import resource, subprocess, sys
                subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr)
                print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
                """
            let output = try Tool.succeed(
                "python3",
                ["-c", script, try Programs.path("lenscap")] + arguments
            )
            guard let kibibytes = Int(output.dropLast()) else { throw Failure(output) }
            return kibibytes
        }

        @Test("Opening takes no more memory for a lesson ten times as long")
        func memory() throws {
            try withClassroom { room in
                let authority = try room.startAuthority()
                _ = try School(room)
                let short = try room.startLesson()
                try room.waitForCommitted(2)
                try room.stopLesson()
                authority.end()
                let source = try LongRecording(short, room)
                let peaks = try [20, 200].map { count in
                    let recording = try source.write(segments: count, to: "\(room.root)/\(count)")
                    return try peak(["open", recording, "--check", "--root", room.root])
                }
                // Were each segment kept, it would be 180 × 30 KB more.
                #expect(peaks[1] < peaks[0] + 2_000, "\(peaks) KiB")
                let recording = "\(room.root)/200/\(short)"
                let lenscap = try Programs.path("lenscap")
                let command = "'\(lenscap)' open '\(recording)' --check --root '\(room.root)'"
                #expect(try !Tool.succeed("sh", ["-c", command + " 2>&1"]).contains(" %"))
                let shown = try Tool.succeed("script", ["-qec", command, "/dev/null"])
                let steps = shown.split(separator: "opening ").dropFirst().compactMap {
                    Int($0.prefix { $0 != " " })
                }
                #expect(steps.count > 90 && steps == steps.sorted() && steps.last == 100)
            }
        }

        @Test("What is salvaged of a segment that is cut short plays, and so does all after it")
        func salvage() throws {
            try withClassroom { room in
                try room.configure(
                    """
                    [encoder]
                    preset = "ultrafast"
                    bitrate = 4_000_000
                    [source.front]
                    device = "test:"
                    width = 960
                    height = 540
                    frame-rate = 15
                    [source.desk]
                    device = "test:"
                    """
                )
                try room.startAuthority()
                _ = try School(room)
                let recording = try room.startLesson()
                try room.waitForCommitted(4)
                try room.stopLesson()
                let folder = "\(room.spool)/\(recording)"
                let whole = try open(room, recording, "whole.mp4", code: 0)
                let size = try Descriptor.open("\(folder)/000001.m4s.age").status().size
                let half = "\(size - 20_000)"
                try Tool.succeed("truncate", ["-s", half, "\(folder)/000001.m4s.age"])
                let without = try open(room, recording, "without.mp4", code: 1)
                let salvaged = try open(room, recording, "salvaged.mp4", "--salvage", code: 1)
                #expect(without < salvaged && salvaged < whole)
            }
        }

        /// Opens a lesson and gives the number of pictures that ffmpeg decodes of it.
        private func open(
            _ room: Classroom,
            _ recording: String,
            _ name: String,
            _ options: String...,
            code: Int32
        ) throws -> Int {
            let output = "\(room.root)/\(name)"
            let arguments = ["open", "\(room.spool)/\(recording)", "-o", output] + options
            let outcome = try Programs.run("lenscap", arguments + ["--root", room.root])
            #expect(outcome.code == code, "\(outcome)")
            let decoded = try Tool.succeed(
                "ffmpeg",
                ["-v", "quiet", "-i", output, "-map", "0:v", "-f", "framemd5", "-"]
            )
            return decoded.split(separator: "\n").count { !$0.hasPrefix("#") }
        }
    }
}
