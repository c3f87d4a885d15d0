import CryptoPrimitives
import LinuxSystem
import Testing

@testable import Spool

@Suite("The journal of acknowledgements")
struct AcknowledgementJournalTests {
    let outbox: TemporaryFolder

    init() throws { outbox = try TemporaryFolder() }

    private func entry(_ number: UInt8) -> Acknowledgement {
        Acknowledgement(
            recording: Lesson.recording,
            name: "00000\(number).m4s.age",
            sha256: [UInt8](repeating: number, count: 32)
        )
    }

    @Test("gives back what was appended, and nothing where there is none")
    func roundTrip() throws {
        #expect(try AcknowledgementJournal.read(outbox: outbox.path).isEmpty)
        #expect(try AcknowledgementJournal.read(outbox: outbox.path + "/none").isEmpty)
        for number: UInt8 in 0..<5 {
            try AcknowledgementJournal.append(entry(number), outbox: outbox.path)
            try AcknowledgementJournal.append(entry(0), outbox: outbox.path)
        }
        #expect(
            try AcknowledgementJournal.read(outbox: outbox.path) == Set((0..<5).map { entry($0) })
        )
    }

    @Test("loses at most the line that a crash tore, at every length of it")
    func torn() throws {
        let line = entry(7).line
        for count in 0..<line.count {
            try outbox.write("acknowledged", entry(1).line + [0x0A] + line.prefix(count))
            #expect(try AcknowledgementJournal.read(outbox: outbox.path) == [entry(1)])
            try AcknowledgementJournal.append(entry(2), outbox: outbox.path)
            #expect(try AcknowledgementJournal.read(outbox: outbox.path) == [entry(1), entry(2)])
        }
    }

    @Test("takes no other spelling for an acknowledgement")
    func hostile() throws {
        let good = String(decoding: entry(3).line, as: UTF8.self)
        let lines: [String] = [
            " " + good, good + " ", good + "\r", good + good, good.replacing(":", with: ": "),
            good.replacing("\"name\"", with: "\"Name\""), String(good.dropLast()) + ",\"zz\":1}",
            String(good.dropLast(2)) + "A\"}", String(good.dropLast(3)) + "\"}",
            String(good.dropLast(2)) + "=\"}",
            "[\(good)]", "{}", "\0", "\u{FEFF}" + good, good.uppercased(),
            good.replacing("\"name\":", with: "\"name\":\"x\",\"name\":"),
        ]
        #expect(lines.count == 16)
        try outbox.write("acknowledged", Array(lines.joined(separator: "\n").utf8))
        #expect(try AcknowledgementJournal.read(outbox: outbox.path).isEmpty)
    }

    @Test("is not followed through a link")
    func planted() throws {
        try outbox.write("elsewhere", [])
        _ = try runCommand(
            "ln",
            ["-s", "\(outbox.path)/elsewhere", "\(outbox.path)/acknowledged"]
        )
        #expect(kind { try AcknowledgementJournal.append(entry(1), outbox: outbox.path) } == "link")
        #expect(kind { _ = try AcknowledgementJournal.read(outbox: outbox.path) } == "link")
        #expect(try outbox.folder().read("elsewhere", limit: 100).isEmpty)
    }
}

@Suite("The spool")
struct SpoolFolderTests {
    let spool: TemporaryFolder

    init() throws { spool = try TemporaryFolder() }

    private func remove(_ acknowledged: Set<Acknowledgement>) throws -> Bool {
        try SpoolFolder.removeIfDelivered(
            Lesson.recording,
            spool: spool.path,
            acknowledged: acknowledged
        )
    }

    @Test("lists recordings and nothing else")
    func recordings() throws {
        try Lesson.record(in: spool.path)
        try spool.write(Lesson.recording + ".deleted", [])
        _ = try runCommand("mkdir", ["\(spool.path)/lost+found", "\(spool.path)/.x"])
        #expect(try SpoolFolder.recordings(spool.path) == [Lesson.recording])
        #expect(kind { _ = try SpoolFolder.recordings(spool.path + "/none") } == "missing")
    }

    @Test("keeps a recording until everything of it, its log too, is acknowledged")
    func delivered() throws {
        try Lesson.record(in: spool.path)
        let all = try Lesson.acknowledgements(in: spool.path)
        #expect(all.count == 9)
        let names = try spool.names(Lesson.recording)
        #expect(try !remove([]))
        for missing in all {
            #expect(try !remove(all.subtracting([missing])), "\(missing.name)")
            var others = all.subtracting([missing])
            others.insert(
                Acknowledgement(
                    recording: missing.recording,
                    name: missing.name,
                    sha256: missing.sha256.map { $0 ^ 1 }
                )
            )
            others.insert(
                Acknowledgement(
                    recording: String(missing.recording.reversed()),
                    name: missing.name,
                    sha256: missing.sha256
                )
            )
            others.insert(
                Acknowledgement(
                    recording: missing.recording,
                    name: missing.name + " ",
                    sha256: missing.sha256
                )
            )
            #expect(try !remove(others), "\(missing.name)")
        }
        #expect(try spool.names(Lesson.recording) == names)
        #expect(try remove(all))
        #expect(try spool.folder().names().isEmpty)
    }

    @Test("keeps a recording that has not ended, whatever is acknowledged")
    func notEnded() throws {
        try Lesson.record(in: spool.path, ends: false)
        #expect(try !remove(try Lesson.acknowledgements(in: spool.path)))
        #expect(try spool.names(Lesson.recording).count == 7)
    }

    @Test("finishes a removal that was interrupted after any of its files")
    func interrupted() throws {
        for count in 0...9 {
            let other = try TemporaryFolder()
            try Lesson.record(in: other.path)
            let all = try Lesson.acknowledgements(in: other.path)
            let order =
                try other.names(Lesson.recording).filter {
                    !["checkpoint", "log"].contains($0)
                } + ["log", "checkpoint"]
            #expect(order.count == 9)
            for name in order.prefix(count) {
                try other.folder().folder(Lesson.recording).remove(name)
            }
            #expect(
                try SpoolFolder.removeIfDelivered(
                    Lesson.recording,
                    spool: other.path,
                    acknowledged: all
                )
            )
            #expect(try other.folder().names().isEmpty)
        }
    }

    @Test("removes a folder whose log was never begun and keeps every other")
    func unbegun() throws {
        try Lesson.record(in: spool.path, ends: false)
        #expect(try !SpoolFolder.removeIfUnbegun(Lesson.recording, spool: spool.path))
        let files = ["token.jws", "card.json", "receipt.json.age", "log", ".log.part"]
        for count in 0...files.count {
            let other = try TemporaryFolder()
            _ = try runCommand("mkdir", ["\(other.path)/\(Lesson.recording)"])
            for name in files.prefix(count) {
                // A torn leaf 0 is no leaf.
                try other.write("\(Lesson.recording)/\(name)", Array("{\"card\":\"".utf8))
            }
            #expect(try SpoolFolder.removeIfUnbegun(Lesson.recording, spool: other.path))
            #expect(try other.folder().names().isEmpty)
        }
    }

    @Test("keeps sealed files that have lost their log")
    func lostLog() throws {
        try Lesson.record(in: spool.path)
        try spool.folder().folder(Lesson.recording).remove("log")
        let all = try spool.names(Lesson.recording)
        #expect(
            kind { _ = try SpoolFolder.removeIfUnbegun(Lesson.recording, spool: spool.path) }
                == "damaged"
        )
        #expect(try !remove([]))
        #expect(try spool.names(Lesson.recording) == all)
    }

    @Test("removes nothing through a planted link")
    func planted() throws {
        try Lesson.record(in: spool.path)
        let all = try Lesson.acknowledgements(in: spool.path)
        let other = try TemporaryFolder()
        _ = try runCommand(
            "ln",
            ["-s", "\(spool.path)/\(Lesson.recording)", "\(other.path)/\(Lesson.recording)"]
        )
        #expect(
            kind {
                _ = try SpoolFolder.removeIfDelivered(
                    Lesson.recording,
                    spool: other.path,
                    acknowledged: all
                )
            } != "none"
        )
        #expect(
            kind { _ = try SpoolFolder.removeIfUnbegun(Lesson.recording, spool: other.path) }
                != "none"
        )
        #expect(try spool.names(Lesson.recording).count == 9)
        // A link inside is taken away itself, not what it leads to.
        try other.write("precious", [1])
        _ = try runCommand(
            "ln",
            ["-s", "\(other.path)/precious", "\(spool.path)/\(Lesson.recording)/extra"]
        )
        #expect(try remove(all))
        #expect(try other.folder().read("precious", limit: 10) == [1])
    }
}

@Suite("The uploader's report")
struct UploaderReportTests {
    @Test("is read back as it was written, and replaced whole")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/uploader.json"
        #expect(UploaderReport(reading: path) == nil)
        for error in ["", "the account's folder is not there", "quotes \" and \\ and \u{1}"] {
            let report = UploaderReport(
                time: 1_800_000_000,
                pending: 3,
                lastError: error,
                nextTry: 1_800_000_060
            )
            try report.write(to: path)
            #expect(UploaderReport(reading: path) == report)
        }
        try UploaderReport(time: 1, pending: 0, lastError: "é!", nextTry: 0).write(to: path)
        #expect(UploaderReport(reading: path)?.lastError == "!")
        #expect(try folder.folder().names() == ["uploader.json"])
        try folder.write("uploader.json", Array("{\"lastError\":\"\"".utf8))
        #expect(UploaderReport(reading: path) == nil)
    }
}
