import LinuxSystem

/// Judges that share no code with the programs: Python, OpenSSL, age, ffprobe, ffmpeg.
enum Judge {
    static let folder: String = {
        "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    }()

    /// Verifies a delivered recording by the format's description: names and hashes, the signatures
    /// of token and checkpoint, and every sealed object with `age`.
    ///
    /// The number of sealed objects.
    static func delivered(_ recording: String, _ room: Classroom) throws -> Int {
        try signed(recording, room)
        let identity = "\(room.root)/teacher/identity.txt"
        let output = try python("delivered.py", [recording, identity])
        guard let count = Int(output.split(separator: "\n").last ?? "") else {
            throw Failure("delivered.py: \(output)")
        }
        return count
    }

    /// Verifies that the box signed for a recording and that all of it is there.
    static func signed(_ recording: String, _ room: Classroom) throws {
        try room.write(try room.succeed("box", "show").output, to: "box.jwk")
        let verifier = "\(folder)/../Verifier/verify_recording.py"
        try Tool.succeed("python3", [verifier, recording, "\(room.root)/box.jwk"])
    }

    /// Searches every file below `root`, but MP4 output, for plaintext of a lesson; the files
    /// found.
    ///
    /// With `lesson` it also makes sure that it would find it there.
    static func plaintext(below root: String, lesson: String? = nil) throws -> [String] {
        try python("plaintext.py", [root] + (lesson.map { [$0] } ?? []))
            .split(separator: "\n").map { String($0) }
    }

    static func python(_ script: String, _ arguments: [String]) throws -> String {
        try Tool.succeed("python3", ["\(folder)/Judges/\(script)"] + arguments)
    }

    struct Film: Equatable {
        var video = ""
        var size = ""
        var pictures = 0
        var audio = ""
        /// Decoded sound.
        var seconds = 0.0
    }

    /// What ffprobe counts in a lesson, which ffmpeg must decode without a complaint.
    static func film(_ path: String) throws -> Film {
        var film = Film()
        let streams = try Tool.succeed(
            "ffprobe",
            [
                "-v", "error", "-count_frames", "-show_entries",
                "stream=codec_type,codec_name,width,height,sample_rate,nb_read_frames",
                "-of", "compact=p=0", path,
            ]
        )
        for line in streams.split(separator: "\n") {
            var entries: [String: String] = [:]
            for entry in line.split(separator: "|") {
                let parts = entry.split(separator: "=", maxSplits: 1).map { String($0) }
                if parts.count == 2 { entries[parts[0]] = parts[1] }
            }
            let frames = Int(entries["nb_read_frames"] ?? "") ?? 0
            if entries["codec_type"] == "video" {
                film.video = entries["codec_name"] ?? ""
                film.size = "\(entries["width"] ?? "")x\(entries["height"] ?? "")"
                film.pictures = frames
            } else {
                film.audio = entries["codec_name"] ?? ""
                film.seconds = Double(frames * 1024) / (Double(entries["sample_rate"] ?? "") ?? 1)
            }
        }
        let decoding = try Tool.run(
            "ffmpeg",
            // Pictures keep their own times: rounded to the frame rate, two may meet in one place.
            [
                "-v", "error", "-xerror", "-nostdin", "-i", path, "-fps_mode", "passthrough",
                "-enc_time_base:v", "1/90000", "-f", "null", "-",
            ]
        )
        guard decoding.code == 0, decoding.errors.isEmpty else {
            throw Failure("ffmpeg does not decode \(path): \(decoding.errors)")
        }
        return film
    }
}
