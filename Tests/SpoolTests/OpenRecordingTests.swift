import CryptoPrimitives
internal import Glibc
import LinuxSystem
import Testing

@testable import Spool

@Suite("An open recording")
struct OpenRecordingTests {
    let spool: TemporaryFolder

    init() throws { spool = try TemporaryFolder() }

    @Test("begins as a folder of the authority's alone with token, card, receipt and leaf 0")
    func layout() throws {
        let open = try Lesson.create(in: try spool.folder())
        let stage = (open.hasBegun, open.hasEnded)
        #expect(stage == (true, false))
        #expect(
            try spool.names(Lesson.recording)
                == ["card.json", "log", "receipt.json.age", "token.jws"]
        )
        #expect(try spool.read(Lesson.recording, "token.jws") == Lesson.token)
        #expect(try spool.read(Lesson.recording, "card.json") == Lesson.card)
        #expect(try spool.read(Lesson.recording, "receipt.json.age") == Lesson.receipt)
        let begin = Leaf.begin(
            token: SHA256.hash(Lesson.token),
            card: SHA256.hash(Lesson.card),
            receipt: SHA256.hash(Lesson.receipt)
        )
        #expect(try spool.read(Lesson.recording, "log") == begin.line + [0x0A])
        let folder = try spool.folder().folder(Lesson.recording)
        #expect(try folder.descriptor.status().permissions == 0o700)
        try Lesson.expectInvariant(spool.path, "after leaf 0")
    }

    @Test(
        "lets the recorder's group add files and remove none that are not its own",
        .enabled(if: getuid() == 0, "giving a folder to a group needs root")
    )
    func group() throws {
        let nobody: UInt32 = 65_534
        _ = try Lesson.create(in: try spool.folder(), group: nobody)
        let folder = try spool.folder().folder(Lesson.recording)
        #expect(try folder.descriptor.status().permissions == 0o1775)
        var status = stat()
        #expect(fstat(folder.descriptor.raw, &status) == 0)
        #expect(status.st_gid == nobody)
        _ = try runCommand("chmod", ["0755", spool.path])
        let path = "\(spool.path)/\(Lesson.recording)"
        func asRecorder(_ command: String) throws -> Bool {
            try runCommand(
                "setpriv",
                [
                    "--reuid=65533", "--regid=65534", "--clear-groups", "sh", "-c",
                    "cd \(path) && \(command)",
                ]
            ).status.isSuccess
        }
        #expect(try asRecorder("echo sealed > 000000.init.age && rm 000000.init.age"))
        #expect(try !asRecorder("rm -f token.jws"))
        #expect(try !asRecorder("mv log log2"))
        #expect(try !asRecorder("echo x >> log"))
        #expect(try !asRecorder("ln -sf /etc/passwd card.json"))
    }

    @Test("is never made over one that exists")
    func existing() throws {
        _ = try Lesson.create(in: try spool.folder())
        let before = try spool.read(Lesson.recording, "log")
        #expect(kind { _ = try Lesson.create(in: try spool.folder()) } == "exists")
        #expect(try spool.read(Lesson.recording, "log") == before)
        for plant in ["file", "link"] {
            let other = try TemporaryFolder()
            if plant == "file" {
                try other.write(Lesson.recording, [1])
            } else {
                _ = try runCommand("ln", ["-s", spool.path, "\(other.path)/\(Lesson.recording)"])
            }
            #expect(kind { _ = try Lesson.create(in: try other.folder()) } == "exists")
        }
    }

    @Test(
        "is not made under a name that leads elsewhere",
        arguments: ["", ".", "..", "../x", "a/b", "/tmp/x", "a\0b"]
    )
    func hostileName(name: String) throws {
        #expect(
            kind {
                _ = try OpenRecording.create(
                    name,
                    in: try spool.folder(),
                    token: [],
                    card: [],
                    receipt: [],
                    recorderGroup: nil
                )
            } != "none"
        )
        #expect(try spool.folder().names().isEmpty)
    }

    @Test("takes no leaf whose file is missing, of another length or content, a link or no file")
    func files() throws {
        var open = try Lesson.create(in: try spool.folder())
        let before = try spool.read(Lesson.recording, "log")
        let path = "\(spool.path)/\(Lesson.recording)"
        let content = [UInt8](repeating: 1, count: 10)
        let object = Leaf.Object(
            name: "000000.init.age",
            bytes: 10,
            sha256: SHA256.hash(content)
        )
        let leaf = Leaf.run(initial: object, tracks: Lesson.tracks)
        #expect(kind { try open.append(leaf) } == "disorder")
        try spool.write("\(Lesson.recording)/000000.init.age", content.dropLast() + [2])
        #expect(kind { try open.append(leaf) } == "disorder")
        for size in [0, 9, 11] {
            try spool.write(
                "\(Lesson.recording)/000000.init.age",
                [UInt8](repeating: 1, count: size)
            )
            #expect(kind { try open.append(leaf) } == "disorder")
        }
        try spool.write("elsewhere", [UInt8](repeating: 1, count: 10))
        for (command, arguments) in [
            ("ln", ["-sf", "\(spool.path)/elsewhere", "\(path)/000000.init.age"]),
            ("ln", ["-sf", "/nonexistent", "\(path)/000000.init.age"]),
            ("mkfifo", ["\(path)/000000.init.age"]),
            ("mkdir", ["\(path)/000000.init.age"]),
        ] {
            _ = try runCommand("rm", ["-rf", "\(path)/000000.init.age"])
            #expect(try runCommand(command, arguments).status.isSuccess)
            #expect(kind { try open.append(leaf) } == "disorder", "\(command)")
        }
        #expect(try spool.read(Lesson.recording, "log") == before)
        // None of it did harm: the right file is taken.
        _ = try runCommand("rm", ["-rf", "\(path)/000000.init.age"])
        try spool.write("\(Lesson.recording)/000000.init.age", [UInt8](repeating: 1, count: 10))
        try open.append(leaf)
        #expect(try spool.read(Lesson.recording, "log") == before + leaf.line + [0x0A])
    }

    @Test("is recovered with a last line that a crash tore, at every length of it")
    func torn() throws {
        try Lesson.record(in: spool.path, ends: false)
        let whole = try spool.read(Lesson.recording, "log")
        let last = Leaf.gap(source: "board", reason: "stall", from: 1, to: 2).line
        for count in 0...last.count {
            try spool.write("\(Lesson.recording)/log", whole + last.prefix(count))
            let open = try OpenRecording.recover(Lesson.recording, in: try spool.folder())
            let progress = (open.segments, open.committed)
            #expect(progress == (2, 4 * Lesson.second))
            #expect(try spool.read(Lesson.recording, "log") == whole)
        }
        try Lesson.recover(in: spool.path)
        let log = try RecordingLog(
            parsing: spool.read(Lesson.recording, "log"),
            recording: Lesson.recording
        )
        #expect(log.end?.reason == "interrupted")
        #expect(log.leaves.count == 5)
    }

    @Test("is not recovered, and nothing of it touched, where a whole line is not as specified")
    func damaged() throws {
        try Lesson.record(in: spool.path, ends: false)
        let whole = try spool.read(Lesson.recording, "log")
        for line in ["\n", "{}\n", "garbage\n", "\0\0\0\n", String(decoding: whole, as: UTF8.self)]
        {
            let bytes = whole + Array(line.utf8)
            try spool.write("\(Lesson.recording)/log", bytes)
            let found = kind {
                _ = try OpenRecording.recover(Lesson.recording, in: try spool.folder())
            }
            #expect(["damaged", "disorder"].contains(found))
            #expect(try spool.read(Lesson.recording, "log") == bytes)
        }
    }

    @Test("is written anew where lines of it go or nobody signed for them, and only there")
    func rewritten() throws {
        try Lesson.record(in: spool.path, ends: false)
        let whole = try spool.read(Lesson.recording, "log")
        func number() throws -> UInt64 {
            try fileNumber("\(spool.path)/\(Lesson.recording)/log")
        }
        let first = try number()
        func recover(keeping count: Int? = nil, isSigned: Bool) throws -> Int64 {
            try OpenRecording.recover(
                Lesson.recording,
                in: try spool.folder(),
                keeping: count,
                isSigned: isSigned
            ).segments
        }
        #expect(try recover(isSigned: true) == 2)
        #expect(try number() == first)
        #expect(try recover(isSigned: false) == 2)
        let second = try number()
        #expect(second != first)
        #expect(try spool.read(Lesson.recording, "log") == whole)
        #expect(try recover(keeping: 3, isSigned: true) == 1)
        #expect(try number() != second)
        let lines = whole.split(separator: 0x0A).prefix(3)
        #expect(try spool.read(Lesson.recording, "log") == lines.flatMap { $0 + [0x0A] })
        #expect(try !spool.names(Lesson.recording).contains { $0.hasPrefix(".") })
    }

    @Test("with its end is recovered as ended and takes nothing more")
    func ended() throws {
        try Lesson.record(in: spool.path)
        var open = try OpenRecording.recover(Lesson.recording, in: try spool.folder())
        let hasEnded = open.hasEnded
        #expect(hasEnded)
        #expect(
            kind { try open.append(.gap(source: "b", reason: "r", from: 0, to: 0)) } == "disorder"
        )
    }

    @Test("is not recovered through planted links")
    func planted() throws {
        try Lesson.record(in: spool.path, ends: false)
        let other = try TemporaryFolder()
        _ = try runCommand(
            "ln",
            ["-s", "\(spool.path)/\(Lesson.recording)", "\(other.path)/\(Lesson.recording)"]
        )
        #expect(
            kind { _ = try OpenRecording.recover(Lesson.recording, in: try other.folder()) }
                != "none"
        )
        #expect(
            kind { _ = try ObjectWriter(recording: Lesson.recording, spool: other.path) } != "none"
        )
        let log = "\(spool.path)/\(Lesson.recording)/log"
        _ = try runCommand("mv", [log, "\(spool.path)/log"])
        _ = try runCommand("ln", ["-s", "\(spool.path)/log", log])
        #expect(
            kind { _ = try OpenRecording.recover(Lesson.recording, in: try spool.folder()) }
                == "link"
        )
    }

    @Test("loses its temporary files and no others")
    func leftovers() throws {
        try Lesson.record(in: spool.path, ends: false)
        let before = try spool.names(Lesson.recording)
        try spool.write("\(Lesson.recording)/.000003.m4s.age.part", [1, 2, 3])
        let open = try OpenRecording.recover(Lesson.recording, in: try spool.folder())
        try open.removeLeftovers()
        #expect(try spool.names(Lesson.recording) == before)
    }

    @Test("gets objects that are never written over")
    func objects() throws {
        try Lesson.record(in: spool.path)
        let writer = try ObjectWriter(recording: Lesson.recording, spool: spool.path)
        for name in ["000001.m4s.age", "token.jws", "log"] {
            let before = try spool.read(Lesson.recording, name)
            #expect(kind { _ = try writer.write(name, [0]) } == "system")
            #expect(try spool.read(Lesson.recording, name) == before)
        }
        for name in ["", ".", "..", "../x", "a/b"] {
            #expect(kind { _ = try writer.write(name, [0]) } == "system")
        }
        #expect(try spool.folder().names() == [Lesson.recording])
        let available = try writer.available()
        #expect(available > 0)
    }
}

private func fileNumber(_ path: String) throws -> UInt64 {
    var value = stat()
    try #require(stat(path, &value) == 0)
    return UInt64(value.st_ino)
}
