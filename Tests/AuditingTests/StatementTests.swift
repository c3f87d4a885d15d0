import CryptoPrimitives
import Testing

@testable import Auditing

@Suite("A statement about a time")
struct StatementTests {
    let ledger: Ledger

    init() throws {
        ledger = try Ledger()
        ledger.add("boot", at: 0)
    }

    private func page(_ from: Int64, _ to: Int64) throws -> String {
        try Statement.page(ledger.copy(), from: Ledger.start + from, to: Ledger.start + to) {
            "T\($0 - Ledger.start)"
        }
    }

    private func judge(_ from: Int64, _ to: Int64) -> String {
        kind { _ = try page(from, to) }
    }

    private static let none = (
        "No camera or microphone was opened", "Ni agorwyd camera na meicroffon"
    )
    private static let some = ("These sessions, each begun by", "Y sesiynau hyn, pob un")

    private func expect(_ page: String, sessions: [String]) {
        let wanted = sessions.isEmpty ? Self.none : Self.some
        let other = sessions.isEmpty ? Self.some : Self.none
        for text in [wanted.0, wanted.1] { #expect(page.contains(text), "\(text)") }
        for text in [other.0, other.1] { #expect(!page.contains(text), "\(text)") }
        let lines = page.split(separator: "\n").filter { $0.hasPrefix("  ") }
            .map { String($0.dropFirst(2)) }
        // Once in each language.
        #expect(lines == sessions + sessions)
    }

    @Test("says in both languages that there was no session, and what it follows from")
    func none() throws {
        ledger.session(intent: 10, started: 12, stopped: 90)
        ledger.session(intent: 1000, started: 1001, stopped: 1090)
        let page = try page(100, 900)
        expect(page, sessions: [])
        #expect(page.contains("T100 - T900 (UTC)"))
        #expect(page.contains("\(ledger.lines.count) entries"))
        #expect(page.contains("o \(ledger.lines.count) cofnod"))
        #expect(page.contains(ledger.head.shortForm))
        #expect(page.hasPrefix("STATEMENT / DATGANIAD\n"))
    }

    @Test("names each session that touches the time, whether inside, over an end or around it")
    func sessions() throws {
        ledger.session(intent: 10, started: 12, stopped: 90)
        ledger.session(intent: 100, started: 101, stopped: 190, cameras: "board,class")
        ledger.session(intent: 200, started: 202, stopped: 290)
        ledger.add("fault", at: 400)
        let first = "T12 - T90 (stopped): board,desk"
        let second = "T101 - T190 (stopped): board,class,desk"
        let third = "T202 - T290 (stopped): board,desk"
        for (from, to, expected) in [
            (5, 300, [first, second, third]), (95, 195, [second]), (150, 195, [second]),
            (95, 150, [second]), (110, 120, [second]), (50, 250, [first, second, third]),
            (91, 100, []), (191, 200, []), (291, 400, []), (190, 200, [second]),
        ] as [(Int64, Int64, [String])] {
            expect(try page(from, to), sessions: expected)
        }
    }

    @Test("names a session that failed before all was open: a device may have been")
    func failed() throws {
        ledger.session(intent: 100, started: nil, stopped: 110)
        ledger.add("fault", at: 400)
        expect(try page(50, 300), sessions: ["T100 - T110 (stopped): board,desk"])
        expect(try page(111, 300), sessions: [])
    }

    @Test("does not know when a session without an end was over, but for what came after it")
    func unended() throws {
        ledger.session(intent: 100, started: 101, stopped: nil)
        ledger.add("boot", at: 300)
        ledger.add("fault", at: 400)
        ledger.session(intent: 500, started: 501, stopped: nil)
        ledger.add("fault", at: 600)
        ledger.add("fault", at: 700)
        expect(try page(50, 90), sessions: [])
        expect(try page(200, 250), sessions: ["T101 - ?: board,desk"])
        expect(try page(301, 350), sessions: [])
        expect(try page(601, 650), sessions: ["T501 - ?: board,desk"])
    }

    @Test("is refused where the clock was not trusted inside the time or beside it")
    func untrusted() throws {
        for untrusted in 0..<4 {
            let ledger = try Ledger()
            for index in 0..<4 {
                ledger.add("fault", at: Int64(index) * 100, isTrusted: index != untrusted)
            }
            let found = kind {
                _ = try Statement.page(
                    ledger.copy(),
                    from: Ledger.start + 150,
                    to: Ledger.start + 250
                ) { "\($0)" }
            }
            #expect(found == (untrusted == 0 ? "none" : "no statement"), "\(untrusted)")
        }
    }

    @Test("is refused where the log has no entry before the time, or none after it")
    func bounds() throws {
        ledger.add("fault", at: 100)
        #expect(judge(50, 90) == "none")
        #expect(judge(1, 100) == "none")
        #expect(judge(0, 90) == "no statement")
        #expect(judge(50, 101) == "no statement")
        #expect(judge(101, 200) == "no statement")
        ledger.lines = []
        #expect(judge(50, 90) == "no statement")
    }

    @Test("is refused where the times go back, or the log is not what its box signed")
    func disorder() throws {
        ledger.add("fault", at: 200)
        ledger.add("fault", at: 100)
        ledger.add("fault", at: 300)
        #expect(judge(150, 250) == "no statement")
        #expect(judge(50, 150) == "no statement")
        ledger.lines = []
        for time: Int64 in [0, 100, 200] { ledger.add("fault", at: time) }
        var copy = try ledger.copy()
        copy.lines.removeLast()
        let found = kind {
            _ = try Statement.page(copy, from: Ledger.start + 1, to: Ledger.start + 50) { "\($0)" }
        }
        #expect(found == "altered")
    }
}
