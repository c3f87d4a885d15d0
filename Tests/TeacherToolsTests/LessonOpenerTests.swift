import Age
import Consent
import CryptoPrimitives
import LinuxSystem
import Spool
import Testing

@testable import TeacherTools

@Suite("Opening a lesson")
struct LessonOpenerTests {
    let room: Staffroom

    init() throws { room = try Staffroom() }

    private var output: String { room.path + "/out/lesson.mp4" }

    private func open(_ folder: String, identities: [AgeIdentity]? = nil) throws -> OpenReport {
        _ = try Folder.make(path: room.path + "/out")
        return try room.opener(identities: identities).open(folder, to: output) { _ in }
    }

    private static let first =
        Staffroom.plain("000000.init.age") + Staffroom.plain("000001.m4s.age")
        + Staffroom.plain("000002.m4s.age")
    private static let second =
        Staffroom.plain("000003.init.age") + Staffroom.plain("000004.m4s.age")
        + Staffroom.plain("000005.m4s.age")

    @Test(
        "gives every run whole, from the spool's names and from the account's",
        arguments: [false, true]
    )
    func complete(isDelivered: Bool) throws {
        try room.record()
        let report = try open(isDelivered ? room.deliver() : room.spooled)
        #expect(report.isComplete)
        #expect(report.problems.isEmpty)
        #expect(report.recording == Staffroom.recording)
        #expect((report.segments, report.seconds, report.bytes) == (4, 8, 64))
        #expect(report.end == "stopped")
        #expect((report.purpose, report.room) == ("coaching", "Science 2"))
        #expect(report.gaps == ["board: stall, 0.0 s to 1.5 s", "board: stall, 0.0 s to 1.5 s"])
        #expect(report.files == [output, room.path + "/out/lesson-2.mp4"])
        #expect(try room.read("out/lesson.mp4") == Self.first)
        #expect(try room.read("out/lesson-2.mp4") == Self.second)
        #expect(try room.names("out") == ["lesson-2.mp4", "lesson.mp4"])
        let mode = try Descriptor.open(output).status().permissions
        #expect(mode == 0o600)
    }

    @Test("only checks where there is no output, and writes nothing")
    func check() throws {
        try room.record()
        var fractions: [Double] = []
        let report = try room.opener().open(room.spooled, to: nil) { fractions.append($0) }
        #expect(report.isComplete)
        #expect(report.segments == 4)
        #expect(report.files.isEmpty)
        #expect(fractions.last == 1)
        #expect(fractions == fractions.sorted())
        #expect(try !Folder(path: room.path).contains("out"))
    }

    @Test(
        "names what is missing, altered, cut short or swapped, and opens the rest",
        arguments: ["missing", "altered", "truncated", "emptied", "lengthened", "swapped", "link"],
        [
            "000001.m4s.age", "000005.m4s.age", "000000.init.age", "summary.json.age",
            "receipt.json.age",
        ]
    )
    func damaged(how: String, name: String) throws {
        try room.record()
        let folder = try room.deliver()
        let files = try room.names("account")
        let file = try #require(files.first { $0.hasPrefix(name) })
        let good = try room.read("account/\(file)")
        switch how {
        case "missing": try room.run("rm", "\(folder)/\(file)")
        case "altered":
            var bad = good
            bad[bad.count - 3] ^= 1
            try room.write("account/\(file)", bad)
        case "truncated": try room.write("account/\(file)", Array(good.dropLast()))
        case "emptied": try room.write("account/\(file)", [])
        case "lengthened": try room.write("account/\(file)", good + [0])
        case "swapped":
            let other = try #require(files.first { $0.hasPrefix("000004.m4s.age") })
            try room.write("account/\(file)", try room.read("account/\(other)"))
        default:
            // A good file in a place that another may change: not followed.
            try room.run("mv", "\(folder)/\(file)", "\(room.path)/elsewhere")
            try room.run("ln", "-s", "\(room.path)/elsewhere", "\(folder)/\(file)")
        }
        let report = try open(folder)
        #expect(!report.isComplete)
        #expect(report.problems.count == 1)
        #expect(report.problems.first?.hasPrefix(name) == true, "\(report.problems)")
        #expect(report.segments == (name.hasSuffix("m4s.age") ? 3 : 4))
        let written = name == "000000.init.age" ? ["lesson-2.mp4"] : ["lesson-2.mp4", "lesson.mp4"]
        #expect(try room.names("out") == written)
    }

    @Test("finds two files that were swapped, both of them")
    func swapped() throws {
        try room.record()
        let one = try room.read("spool/\(Staffroom.recording)/000001.m4s.age")
        let two = try room.read("spool/\(Staffroom.recording)/000002.m4s.age")
        try room.write("spool/\(Staffroom.recording)/000001.m4s.age", two)
        try room.write("spool/\(Staffroom.recording)/000002.m4s.age", one)
        let report = try open(room.spooled)
        #expect(report.problems.count == 2)
        #expect(
            report.problems == [
                "000001.m4s.age (2.0 s to 4.0 s) was swapped with 000002.m4s.age: "
                    + "it lies under 000002.m4s.age",
                "000002.m4s.age (4.0 s to 6.0 s) was swapped with 000001.m4s.age: "
                    + "it lies under 000001.m4s.age",
            ]
        )
        // Their hashes say where they belong.
        #expect(report.segments == 4)
        #expect(try room.read("out/lesson.mp4") == Self.first)
    }

    @Test("is not misled by other files that lie beside the right ones")
    func beside() throws {
        try room.record()
        let folder = try room.deliver()
        for name in ["000001.m4s.age", "token.jws", "card.json", "receipt.json.age"] {
            try room.write("account/\(name)-" + String(repeating: "f", count: 64), [1, 2, 3])
            try room.write("account/\(name)", [1, 2, 3])
        }
        try room.write("account/README-first", [1])
        let report = try open(folder)
        #expect(
            report.problems
                == [
                    "000001.m4s.age", "000001.m4s.age-" + String(repeating: "f", count: 64),
                    "receipt.json.age", "receipt.json.age-" + String(repeating: "f", count: 64),
                ].map { "\($0) is foreign: the box did not sign for it" }
        )
        #expect(report.segments == 4)
        #expect(try room.read("out/lesson.mp4") == Self.first)
    }

    @Test("of an interrupted recording says so and gives what is there")
    func interrupted() throws {
        try room.record(ends: false)
        let report = try open(room.spooled)
        #expect(!report.isComplete)
        #expect(report.end == nil)
        #expect(report.problems.count == 1)
        #expect(report.segments == 4)
        // And so with a last line that a crash tore.
        let log = try room.read("spool/\(Staffroom.recording)/log")
        try room.write("spool/\(Staffroom.recording)/log", log + Array("{\"dur".utf8))
        #expect(try open(room.spooled).end == nil)
        // And with the log cut after any of its lines: less of it, never another lesson.
        var length = 0
        var segments: [Int] = []
        for line in log.split(separator: 0x0A) {
            length += line.count + 1
            try room.write("spool/\(Staffroom.recording)/log", Array(log.prefix(length)))
            let report = try open(room.spooled)
            #expect(!report.isComplete)
            segments.append(report.segments)
        }
        #expect(segments == [0, 0, 1, 2, 2, 2, 3, 4, 4])
    }

    @Test("needs the identity of the teacher who recorded it")
    func foreign() throws {
        try room.record()
        let stranger = try AgeIdentity.generate()
        #expect(
            kind { _ = try open(room.spooled, identities: [stranger]) } == "sealed to somebody else"
        )
        #expect(kind { _ = try open(room.spooled, identities: []) } == "sealed to somebody else")
        #expect(try room.names("out").isEmpty)
        let both = try [stranger] + room.folder.identities()
        #expect(try open(room.spooled, identities: both).isComplete)
    }

    @Test("refuses a folder whose token, card and log do not belong together")
    func records() throws {
        try room.record()
        let place = "spool/\(Staffroom.recording)"
        for name in ["token.jws", "card.json", "log"] {
            let good = try room.read("\(place)/\(name)")
            for bad in [[], Array(good.dropFirst()), good.map { $0 ^ 1 }] {
                try room.write("\(place)/\(name)", bad)
                #expect(kind { _ = try open(room.spooled) } == "not a recording", "\(name)")
            }
            try room.run("rm", "\(room.spooled)/\(name)")
            #expect(kind { _ = try open(room.spooled) } == "not a recording", "\(name)")
            try room.write("\(place)/\(name)", good)
        }
        #expect(try open(room.spooled).isComplete)
        #expect(kind { _ = try open(room.path + "/nothing") } == "system")
        _ = try Folder.make(path: room.path + "/empty")
        #expect(kind { _ = try open(room.path + "/empty") } == "not a recording")
    }

    @Test("leaves an earlier output as it was until the new one is whole")
    func whole() throws {
        try room.record()
        _ = try Folder.make(path: room.path + "/out")
        try room.write("out/lesson.mp4", Array("earlier".utf8))
        try room.write("out/.lesson.mp4.part", Array("left by a crash".utf8))
        // The second run cannot be written: the first was whole by then.
        _ = try Folder.make(path: room.path + "/out/lesson-2.mp4/in the way")
        #expect(kind { _ = try open(room.spooled) } == "system")
        #expect(try room.read("out/lesson.mp4") == Self.first)
        #expect(try room.names("out") == ["lesson-2.mp4", "lesson.mp4"])
    }
}
