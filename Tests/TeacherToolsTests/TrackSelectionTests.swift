import LinuxSystem
import Testing

@testable import TeacherTools

@Suite("Selecting tracks")
struct TrackSelectionTests {
    let room: Staffroom

    init() throws { room = try Staffroom() }

    /// Two pictures and a sound, by ffmpeg: the init segment and the fragments.
    private func film() throws -> (initial: [UInt8], segments: [[UInt8]]) {
        try room.run(
            "/bin/sh",
            "-c",
            """
            ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10:duration=3 \
            -f lavfi -i testsrc2=size=128x96:rate=10:duration=3 -f lavfi -i sine=duration=3 \
            -map 0 -map 1 -map 2 -c:v libx264 -preset ultrafast -bf 0 -g 10 -c:a aac \
            -movflags empty_moov+default_base_moof+frag_keyframe+skip_trailer \
            -f mp4 \(room.path)/film.mp4
            """
        )
        let bytes = try room.read("film.mp4")
        var cuts: [Int] = []
        var place = 0
        while place < bytes.count {
            if bytes[(place + 4)..<(place + 8)].elementsEqual("moof".utf8) { cuts.append(place) }
            place += bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        let segments = zip(cuts, cuts.dropFirst() + [bytes.count]).map { Array(bytes[$0..<$1]) }
        return (Array(bytes[..<cuts[0]]), segments)
    }

    /// What every decoded picture or piece of sound is, with its time.
    private func content(_ file: String, _ stream: String) throws -> [Substring] {
        let result = try runCommand(
            "ffmpeg",
            ["-v", "error", "-xerror", "-i", file, "-map", "0:\(stream)", "-f", "framemd5", "-"]
        )
        #expect(result.status.isSuccess, "\(result.errorText)")
        return result.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
    }

    @Test("A track's pictures, sound and times are those that it had among the others")
    func selects() throws {
        let (initial, segments) = try film()
        #expect(segments.count >= 3)
        for (track, stream) in [(UInt32(1), "v:0"), (2, "v:1")] {
            let selection = TrackSelection(tracks: [track, 3])
            var bytes = try #require(selection.initial(initial))
            for segment in segments { bytes += try #require(selection.segment(segment)) }
            try room.write("one.mp4", bytes)
            let one = "\(room.path)/one.mp4"
            let pictures = try content(one, "v:0")
            #expect(pictures.count == 30)
            #expect(try pictures == content("\(room.path)/film.mp4", stream))
            #expect(try content(one, "a:0") == content("\(room.path)/film.mp4", "a:0"))
            let streams = try runCommand(
                "ffprobe",
                ["-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0", one]
            )
            #expect(streams.text == "video\naudio\n")
        }
    }

    @Test("A segment without the track becomes nothing, and all tracks stay the same content")
    func extremes() throws {
        let (initial, segments) = try film()
        #expect(TrackSelection(tracks: [9]).segment(segments[0]) == [])
        let all = TrackSelection(tracks: [1, 2, 3])
        #expect(all.initial(initial) == initial)
        #expect(all.segment(segments[1])?.count == segments[1].count)
    }

    @Test("What is no segment, or a damaged one, is told from one and never read beyond its end")
    func damaged() throws {
        let (initial, segments) = try film()
        let selection = TrackSelection(tracks: [1, 3])
        #expect(selection.segment(Array("no segment at all".utf8)) == nil)
        for length in stride(from: 1, to: initial.count, by: 7) where length != initial.count {
            _ = selection.initial(Array(initial.prefix(length)))
        }
        for place in 0..<min(1_200, segments[0].count) {
            for value in [UInt8(0), 0xFF] {
                var bytes = segments[0]
                bytes[place] = value
                _ = selection.segment(bytes)
            }
            #expect(selection.segment(Array(segments[0].prefix(place + 1))) == nil)
        }
    }
}
