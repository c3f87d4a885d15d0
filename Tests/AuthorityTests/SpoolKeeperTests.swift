import Consent
import CryptoPrimitives
import LinuxSystem
import Spool
import Testing
import TransparencyLog

@testable import Authority

/// A spool with recordings of one school's teachers.
struct Workshop {
    static let second: Int64 = 1_000_000_000
    let folder: TemporaryFolder
    let school: School

    init(room change: (inout Members) -> Void = { _ in }) throws {
        folder = try TemporaryFolder()
        school = try School(room: change)
        try folder.make("spool")
        try folder.make("outbox")
    }

    var spool: String { folder.path + "/spool" }
    var outbox: String { folder.path + "/outbox" }

    static func identifier(_ number: UInt8) -> [UInt8] { [UInt8](repeating: number, count: 16) }
    static func name(_ number: UInt8) -> String { Hex.encode(identifier(number)) }

    func start(_ number: UInt8 = 1) throws -> VerifiedStart {
        let token = try school.token(claims: {
            $0["jti"] = .string(Base64URL.encode(Workshop.identifier(number)))
        })
        return try StartVerification(
            trust: try school.trust(),
            challenge: school.challenge,
            time: JudgementTime(clock: School.now, isTrusted: true, floor: 0),
            isUsed: { _ in false }
        ).verify(token: token, details: School.details)
    }

    var signer: RecordingSigner { RecordingSigner(key: school.box) }

    func recover(time: Int64) -> [SpoolError] {
        SpoolKeeper.recover(spool: spool, time: time, signer: signer)
    }

    func records(_ number: UInt8 = 1) throws -> SessionRecords {
        let records = SessionRecords(spool: spool, recorderGroup: nil, signer: signer)
        try records.create(start(number), receipt: Array("the sealed receipt".utf8))
        return records
    }

    /// Writes an object as the recorder does, and gives what it would report.
    func object(_ name: String, in number: UInt8 = 1) throws -> Leaf.Object {
        try ObjectWriter(recording: Workshop.name(number), spool: spool)
            .write(name, Array("<\(name)>".utf8))
    }

    static let tracks = [Leaf.Track(source: "board", kind: "video")]

    /// A recording of three segments of two seconds; with `ended`, one that ended then.
    func record(_ number: UInt8, ended: Int64? = nil) throws {
        let records = try records(number)
        try report(
            .run(initial: object(SpoolName.initial(0), in: number), tracks: Self.tracks),
            to: records
        )
        for index in 1...3 {
            let object = try object(SpoolName.media(index), in: number)
            let start = Int64(index - 1) * 2 * Self.second
            try report(.segment(object, start: start, duration: 2 * Self.second), to: records)
        }
        if let ended { try records.seal(.stopped, time: ended) }
    }

    func report(_ leaf: Leaf, to records: SessionRecords) throws {
        _ = try records.append(line: String(decoding: leaf.line, as: UTF8.self))
    }

    func log(_ number: UInt8) throws -> RecordingLog {
        try RecordingLog(
            parsing: folder.read("spool/\(Workshop.name(number))/log"),
            recording: Workshop.name(number)
        )
    }

    func names(_ number: UInt8) throws -> [String] {
        try folder.names("spool/\(Workshop.name(number))")
    }

    /// The checkpoint of a recording, by the school's box.
    func checkpoint(_ number: UInt8) throws -> Checkpoint {
        try Checkpoint(
            verifying: folder.read("spool/\(Workshop.name(number))/checkpoint"),
            origin: Checkpoint.recordingOrigin(
                box: school.box.verificationKey.thumbprint,
                recording: Workshop.name(number)
            ),
            key: school.box.verificationKey
        )
    }

    /// Every object that a log names is there and whole, and every line is signed for.
    func expectSound(_ number: UInt8) throws {
        let lines = try log(number).lines
        #expect(try checkpoint(number).covers(lines))
        #expect(try checkpoint(number).size == lines.count)
        for content in try log(number).contents {
            let bytes = try folder.read("spool/\(Workshop.name(number))/\(content.name)")
            #expect(SHA256.hash(bytes) == content.sha256, "\(content.name)")
        }
    }

    func acknowledge(_ number: UInt8, without missing: String = "") throws {
        let log = try folder.read("spool/\(Workshop.name(number))/log")
        let note = try folder.read("spool/\(Workshop.name(number))/checkpoint")
        let contents =
            try self.log(number).contents + [
                RecordingLog.Content(name: "log", sha256: SHA256.hash(log)),
                RecordingLog.Content(name: "checkpoint", sha256: SHA256.hash(note)),
            ]
        for content in contents where content.name != missing {
            try AcknowledgementJournal.append(
                Acknowledgement(
                    recording: Workshop.name(number),
                    name: content.name,
                    sha256: content.sha256
                ),
                outbox: outbox
            )
        }
    }

    static func order(_ number: UInt8, from: Int64, to: Int64) -> DeleteOrder {
        DeleteOrder(
            audience: "",
            challenge: "",
            from: from,
            to: to,
            identifier: identifier(9),
            recording: name(number),
            teacher: ""
        )
    }
}

@Suite("The keeper of the spool")
struct SpoolKeeperTests {
    private static let cut = Leaf.cut(
        from: 0,
        to: 3 * Workshop.second,
        order: [UInt8](repeating: 1, count: 32)
    )

    private func open(_ shop: Workshop, _ number: UInt8) throws -> OpenRecording {
        try OpenRecording.recover(Workshop.name(number), in: try Folder(path: shop.spool))
    }

    @Test("ends what a crash left open as interrupted, and takes away what was half written")
    func interrupted() throws {
        let shop = try Workshop()
        try shop.record(1)
        let place = "spool/\(Workshop.name(1))"
        let log = try shop.folder.read("\(place)/log")
        try shop.folder.write("\(place)/log", log + Array("{\"bytes\":12".utf8))
        try shop.folder.write("\(place)/.000004.m4s.age.part", [1, 2])
        #expect(shop.recover(time: 77).isEmpty)
        let end = try #require(try shop.log(1).end)
        #expect((end.reason, end.time) == ("interrupted", 77))
        #expect(try shop.log(1).order.segments == 3)
        #expect(try !shop.names(1).contains { $0.hasPrefix(".") })
        try shop.expectSound(1)
        // What has its end is not touched again.
        let after = try shop.folder.read("\(place)/log")
        #expect(shop.recover(time: 99).isEmpty)
        #expect(try shop.folder.read("\(place)/log") == after)
    }

    @Test("knows what is unfinished, and finishes that alone")
    func unfinished() throws {
        let shop = try Workshop()
        let place = { (number: UInt8) in "spool/\(Workshop.name(number))" }
        for number: UInt8 in 1...6 { try shop.record(number, ended: number == 2 ? nil : 5) }
        let signed = try shop.folder.read("\(place(3))/checkpoint")
        var cut = try open(shop, 3)
        try cut.append(Self.cut)
        try shop.folder.write("\(place(4))/.checkpoint.part", Array(signed.prefix(9)))
        try shop.folder.write("\(place(5)).deleted", [7])
        try shop.folder.make(place(7))
        let inventory = SpoolKeeper.inventory(spool: shop.spool)
        #expect(inventory.unfinished == Set([2, 3, 4, 5, 7].map(Workshop.name)))
        let chosen = inventory.unfinished.subtracting([Workshop.name(4)])
        let problems = SpoolKeeper.recover(
            spool: shop.spool,
            only: chosen,
            time: 9,
            signer: shop.signer
        )
        #expect(problems.isEmpty)
        #expect(SpoolKeeper.inventory(spool: shop.spool).unfinished == [Workshop.name(4)])
        #expect(try shop.log(2).end?.reason == "interrupted")
        for number: UInt8 in [1, 2, 6] { try shop.expectSound(number) }
    }

    @Test("finishes cuts and discards that a crash interrupted, and removes what never began")
    func finishes() throws {
        let shop = try Workshop()
        for number: UInt8 in 1...3 { try shop.record(number, ended: number == 2 ? 5 : nil) }
        for number: UInt8 in 1...2 {
            var open = try open(shop, number)
            try open.append(Self.cut)
        }
        try shop.folder.write("spool/\(SpoolName.tombstone(Workshop.name(3)))", [7])
        try shop.folder.run("rm", "\(shop.spool)/\(Workshop.name(3))/000002.m4s.age")
        try shop.folder.write("spool/.\(SpoolName.tombstone(Workshop.name(1))).part", [7])
        try shop.folder.make("spool/\(Workshop.name(4))")
        try shop.folder.write("spool/\(Workshop.name(4))/token.jws", [1])
        #expect(shop.recover(time: 88).isEmpty)
        for number: UInt8 in 1...2 {
            #expect(
                try shop.names(number).filter { $0.hasSuffix("m4s.age") } == ["000003.m4s.age"]
            )
            try shop.expectSound(number)
            #expect(try shop.log(number).end?.time == (number == 1 ? 88 : 5))
        }
        #expect(
            try shop.folder.names("spool")
                == [Workshop.name(1), Workshop.name(2), SpoolName.tombstone(Workshop.name(3))]
        )
        #expect(try shop.folder.read("spool/\(SpoolName.tombstone(Workshop.name(3)))") == [7])
    }

    @Test("names what it cannot mend, leaves it alone and mends the rest")
    func damaged() throws {
        let shop = try Workshop()
        for number: UInt8 in 1...3 { try shop.record(number) }
        try shop.folder.write("spool/\(Workshop.name(1))/log", Array("garbage\n".utf8))
        try shop.folder.run("rm", "\(shop.spool)/\(Workshop.name(2))/log")
        let names = try shop.names(2)
        #expect(shop.recover(time: 1).count == 2)
        #expect(try shop.folder.read("spool/\(Workshop.name(1))/log") == Array("garbage\n".utf8))
        #expect(try shop.names(2) == names)
        #expect(try shop.log(3).end?.reason == "interrupted")
        #expect(
            SpoolKeeper.recover(spool: shop.spool + "/none", time: 1, signer: shop.signer).count
                == 1
        )
    }

    @Test("removes what its teacher's leaving or the room's limit lets go, and leaves a tombstone")
    func expired() throws {
        let day: Int64 = 86_400
        let shop = try Workshop(room: { $0["unsentDays"] = .integer(10) })
        try shop.record(1, ended: School.now - 10 * day)
        try shop.record(2, ended: School.now - 10 * day + 1)
        try shop.record(3)
        let trust = try shop.school.trust()
        func remove(_ trust: Trust, clock: Int64, isTrusted: Bool = true) -> Int {
            SpoolKeeper.removeExpired(
                spool: shop.spool,
                trust: trust,
                time: JudgementTime(clock: clock, isTrusted: isTrusted, floor: trust.floor)
            ).problems.count
        }
        #expect(remove(trust, clock: School.now * 2, isTrusted: false) == 0)
        #expect(try shop.folder.names("spool").count == 3)
        #expect(remove(trust, clock: School.now) == 0)
        #expect(
            try shop.folder.names("spool")
                == [SpoolName.tombstone(Workshop.name(1)), Workshop.name(2), Workshop.name(3)]
        )
        // What has no end yet may still be running.
        #expect(remove(trust, clock: School.now + 100 * day) == 0)
        #expect(try shop.names(3).count == 9)
        #expect(shop.recover(time: School.now).isEmpty)
        #expect(try shop.folder.names("spool").count == 3)
    }

    @Test("keeps what another teacher recorded when one has left, and what it cannot read")
    func left() throws {
        let shop = try Workshop()
        try shop.record(1, ended: 1)
        try shop.record(2, ended: 1)
        try shop.folder.write("spool/\(Workshop.name(2))/card.json", [1])
        let school = shop.school
        let key = try SigningKey.generate(.edDSA)
        let members = [
            Authorities.Member(key: key.verificationKey, role: .representative)
        ]
        let authorities = try School.document(
            Authorities.payload(members: members, threshold: 1, sequence: 1, issued: 1),
            as: .authorities,
            by: [key]
        )
        let room = try School.document(
            School.roomRecord(box: school.box, authorities: authorities.hash).payload,
            as: .room,
            by: [key]
        )
        for (leaver, remaining) in [(school.box, 2), (school.teacher, 1)] {
            let entry = Revocations.Entry(
                keyIdentifier: leaver.verificationKey.thumbprint,
                reason: .left,
                grace: 0
            )
            let revocations = try School.document(
                Revocations.payload(entries: [entry], sequence: 1, issued: 1),
                as: .revocations,
                by: [key]
            )
            let trust = try Trust(
                TrustFiles(
                    authorities: authorities.bytes,
                    room: room.bytes,
                    revocations: revocations.bytes
                )
            )
            let expired = SpoolKeeper.removeExpired(
                spool: shop.spool,
                trust: trust,
                time: JudgementTime(clock: School.now, isTrusted: true, floor: 0)
            )
            #expect(expired.problems.isEmpty)
            #expect(try SpoolFolder.recordings(shop.spool).count == remaining)
        }
        #expect(try SpoolFolder.recordings(shop.spool) == [Workshop.name(2)])
    }

    @Test("removes what was delivered whole and nothing that was not")
    func delivered() throws {
        let shop = try Workshop()
        for number: UInt8 in 1...4 { try shop.record(number, ended: number == 3 ? nil : 5) }
        try shop.acknowledge(1)
        try shop.acknowledge(2, without: "000002.m4s.age")
        try shop.acknowledge(3)
        #expect(SpoolKeeper.removeDelivered(spool: shop.spool, outbox: shop.outbox).isEmpty)
        #expect(try SpoolFolder.recordings(shop.spool) == [2, 3, 4].map { Workshop.name($0) })
        for number: UInt8 in 2...4 { try shop.expectSound(number) }
        // One that cannot be read does not keep the others.
        try shop.folder.write("spool/\(Workshop.name(2))/log", Array("garbage\n".utf8))
        try shop.acknowledge(4)
        #expect(SpoolKeeper.removeDelivered(spool: shop.spool, outbox: shop.outbox).count == 1)
        #expect(try SpoolFolder.recordings(shop.spool) == [2, 3].map { Workshop.name($0) })
    }

    @Test("knows every recording that is or was here, so that no token is used twice")
    func inventory() throws {
        let shop = try Workshop()
        try shop.record(1, ended: 50)
        try shop.record(2, ended: 40)
        try shop.record(3)
        _ = try SpoolFolder.delete(
            Workshop.name(2),
            spool: shop.spool,
            order: [1],
            acknowledged: []
        )
        let inventory = SpoolKeeper.inventory(spool: shop.spool)
        #expect(inventory.used == Set((1...3).map { Workshop.name($0) }))
        #expect((inventory.recordings, inventory.objects) == (2, 18))
        #expect(inventory.oldest == 50)
        #expect(inventory.bytes > 0 && inventory.available > 0)
        #expect(inventory.problem == nil)
        #expect(SpoolKeeper.inventory(spool: shop.spool + "/none").problem != nil)
    }

    @Test("cuts a recording that waits, by the segments that the order names")
    func cutting() throws {
        let shop = try Workshop()
        try shop.record(1, ended: 50)
        func cut(_ from: Int64, _ to: Int64, of number: UInt8 = 1) throws -> Removal {
            try SpoolKeeper.cut(
                Workshop.order(number, from: from * Workshop.second, to: to * Workshop.second),
                text: "the order",
                spool: shop.spool,
                signer: shop.signer,
                acknowledged: []
            )
        }
        #expect(try cut(5, 99) == Removal(deleted: 1, left: 0))
        #expect(
            try shop.log(1).leaves.last
                == .cut(
                    from: 5 * Workshop.second,
                    to: 99 * Workshop.second,
                    order: SHA256.hash(Array("the order".utf8))
                )
        )
        try shop.expectSound(1)
        #expect(kind { _ = try cut(0, 1, of: 9) } == "system")
    }
}
