import Consent
import CryptoPrimitives
import LinuxSystem
import Spool
import Testing

@testable import Uploading

@Suite("A delivery")
struct DeliveryTests {
    let classroom: Classroom

    init() throws { classroom = try Classroom() }

    private func judge(_ recording: String) -> String {
        kind { () throws(UploadError) in _ = try classroom.delivery(recording) }
    }

    @Test("sends token, card and receipt first, then every object, log and checkpoint last")
    func order() throws {
        let recording = try classroom.record(1)
        let delivery = try #require(try classroom.delivery(recording))
        #expect(
            delivery.remaining([]).map(\.name) == [
                "token.jws", "card.json", "receipt.json.age", "000000.init.age", "000001.m4s.age",
                "000002.m4s.age", "log", "checkpoint",
            ]
        )
        #expect(delivery.ended == Classroom.now - 3600)
        let first = delivery.remaining([])[0]
        #expect(delivery.remaining([delivery.acknowledgement(first)]).count == 7)
    }

    @Test("is none while the recording has not ended or has not begun")
    func unfinished() throws {
        let recording = try classroom.record(1, ended: nil)
        #expect(try classroom.delivery(recording) == nil)
        _ = try Folder.make(path: "\(classroom.spool)/\(classroom.identifier(2))")
        #expect(try classroom.delivery(classroom.identifier(2)) == nil)
    }

    @Test("is refused where any byte of token, card, log or checkpoint was altered")
    func altered() throws {
        let recording = try classroom.record(1)
        var count = 0
        for name in ["token.jws", "card.json", "log", "checkpoint"] {
            let place = "spool/\(recording)/\(name)"
            let good = try classroom.read(place)
            for position in stride(from: 0, to: good.count, by: 11) {
                var bad = good
                bad[position] ^= 1
                try classroom.write(place, bad)
                let found = judge(recording)
                #expect(
                    ["unsound", "spool"].contains(found),
                    "\(name) at \(position): \(found)"
                )
                count += 1
            }
            try classroom.write(place, good)
        }
        #expect(count > 150)
        #expect(judge(recording) == "none")
        #expect(try Folder(path: classroom.account).names() == [DirectoryAccount.markerName])
    }

    @Test("is refused where another than the token's box signed, or signed for something else")
    func signature() throws {
        let stranger = try SigningKey.generate(.edDSA)
        let recording = try classroom.record(1)
        func open() throws -> OpenRecording {
            try OpenRecording.recover(recording, in: try Folder(path: classroom.spool))
        }
        var log = try open()
        try classroom.sign(recording, &log, by: stranger)
        #expect(judge(recording) == "unsound")
        try classroom.sign(recording, &log, origin: classroom.identifier(2))
        #expect(judge(recording) == "unsound")
        try classroom.sign(recording, &log)
        #expect(judge(recording) == "none")
        let other = kind { () throws(UploadError) in
            _ = try Delivery(recording, spool: classroom.spool, box: stranger.verificationKey)
        }
        #expect(other == "unsound")
        // A log that lost its end, or anything before.
        let good = try classroom.read("spool/\(recording)/log")
        let lines = good.split(separator: 0x0A)
        for count in 0..<lines.count {
            try classroom.write(
                "spool/\(recording)/log",
                lines.prefix(count).flatMap { $0 + [0x0A] }
            )
            let isUnended = try classroom.read("spool/\(recording)/log").count < good.count
            #expect(isUnended)
            #expect(["none", "unsound"].contains(judge(recording)))
            #expect((try? classroom.delivery(recording)) ?? nil == nil)
        }
    }

    @Test("is none until the box has signed for the last line")
    func unsigned() throws {
        let recording = try classroom.record(1)
        var open = try OpenRecording.recover(recording, in: try Folder(path: classroom.spool))
        try open.append(.cut(from: 0, to: 1, order: [UInt8](repeating: 1, count: 32)))
        #expect(try classroom.delivery(recording) == nil)
        try classroom.sign(recording, &open)
        #expect(try classroom.delivery(recording) != nil)
        try classroom.run("rm", "\(classroom.spool)/\(recording)/checkpoint")
        #expect(try classroom.delivery(recording) == nil)
    }

    @Test("is refused with a token that is not its own")
    func foreignToken() throws {
        let stranger = try SigningKey.generate(.es256)
        let other = try Classroom.card(key: stranger, url: "file://\(classroom.account)")
        let cases: [([UInt8], [UInt8])] = [
            // Signed by somebody else.
            (try classroom.token(1, by: stranger), classroom.card.bytes),
            // A sound token of another recording.
            (try classroom.token(9), classroom.card.bytes),
            // Beside another card than the one it names: the lesson would go to its account.
            (try classroom.token(1), other.bytes),
            (try classroom.token(1, card: other), classroom.card.bytes),
            // In another teacher's name.
            (try classroom.token(1, teacher: "bbbbbbbbbbbbbbbbbbbbbbbbbb"), classroom.card.bytes),
            ([], classroom.card.bytes), (Array("x.y.z".utf8), classroom.card.bytes),
            (try classroom.token(1), []), (try classroom.token(1), Array("{}".utf8)),
        ]
        #expect(cases.count == 9)
        for (index, (token, card)) in cases.enumerated() {
            let place = try Classroom()
            let recording = try place.record(1, token: token, card: card)
            #expect(
                kind { () throws(UploadError) in _ = try place.delivery(recording) }
                    == "unsound",
                "case \(index)"
            )
        }
    }

    @Test(
        "goes to no kind of account that is not served",
        arguments: ["s3", "webdav", "", "Directory"]
    )
    func unsupported(accountKind: String) throws {
        let card = try Classroom.card(
            key: classroom.teacher,
            url: "file://\(classroom.account)",
            kind: accountKind
        )
        let recording = try classroom.record(
            1,
            token: try classroom.token(1, card: card),
            card: card.bytes
        )
        #expect(judge(recording) == "unsupported")
    }

    @Test("looks at the tombstone before each object")
    func tombstone() throws {
        let recording = try classroom.record(1)
        let delivery = try #require(try classroom.delivery(recording))
        let contents = delivery.remaining([])
        for (index, content) in contents.enumerated() {
            let tombstone = "\(classroom.spool)/\(SpoolName.tombstone(recording))"
            try classroom.write("spool/\(SpoolName.tombstone(recording))", [])
            #expect(kind { () throws(UploadError) in try delivery.send(content) } != "none")
            #expect(try classroom.delivered(recording).count == index)
            try classroom.run("rm", tombstone)
            try delivery.send(content)
        }
        #expect(try classroom.delivered(recording).count == contents.count)
    }

    @Test("sends no object that is not what the log says, is a link, or is missing")
    func objects() throws {
        let recording = try classroom.record(1)
        let delivery = try #require(try classroom.delivery(recording))
        let content = delivery.remaining([])[4]
        let place = "\(classroom.spool)/\(recording)/\(content.name)"
        let good = try classroom.read("spool/\(recording)/\(content.name)")
        for bad in [[], Array(good.dropLast()), good + [0], Array(good.dropLast()) + [9]] {
            try classroom.write("spool/\(recording)/\(content.name)", bad)
            #expect(kind { () throws(UploadError) in try delivery.send(content) } == "unsound")
        }
        try classroom.write("elsewhere", good)
        try classroom.run("ln", "-sf", "\(classroom.path)/elsewhere", place)
        #expect(kind { () throws(UploadError) in try delivery.send(content) } == "system")
        try classroom.run("rm", place)
        #expect(kind { () throws(UploadError) in try delivery.send(content) } == "system")
        try classroom.run("mkfifo", place)
        #expect(kind { () throws(UploadError) in try delivery.send(content) } == "system")
        #expect(try classroom.delivered(recording).isEmpty)
    }
}
