internal import FoundationEssentials
internal import LinuxSystem

/// What a person sees and answers.
enum Terminal {
    static var isInteractive: Bool { CurrentProcess.isTerminal(2) }

    static func complain(_ text: String) {
        write(text + "\n", to: 2)
    }

    static func say(_ text: String) {
        write(text + "\n", to: 1)
    }

    /// A line that the next one overwrites; nothing when nobody watches.
    static func progress(_ text: String) {
        guard isInteractive else { return }
        write("\r\u{1B}[K" + text, to: 2)
    }

    static func endProgress() {
        guard isInteractive else { return }
        write("\r\u{1B}[K", to: 2)
    }

    /// Asks on the controlling terminal, so that standard input stays free.
    ///
    /// Anything but yes is no.
    static func confirm(_ question: String) throws -> Bool {
        let terminal = try controllingTerminal()
        try terminal.writeAll(Array("\(question) [y/N] ".utf8))
        var answer: [UInt8] = []
        var byte: [UInt8] = [0]
        while answer.count < 16 {
            var span = byte.mutableSpan
            let count = try span.withUnsafeMutableBytes { (bytes) throws(SystemError) in
                try terminal.read(into: bytes)
            }
            if count == 0 || byte[0] == UInt8(ascii: "\n") { break }
            answer.append(byte[0])
        }
        let word = String(decoding: answer, as: UTF8.self).lowercased()
        // Welsh: ydw, ie.
        return ["y", "yes", "ydw", "ie"].contains(word)
    }

    private static func controllingTerminal() throws -> Descriptor {
        do throws(SystemError) {
            return try Descriptor.open("/dev/tty", .readWrite)
        } catch {
            throw CommandFailure(
                "there is no terminal to ask on: read what is signed and give --yes"
            )
        }
    }

    private static func write(_ text: String, to descriptor: Int32) {
        try? standard(descriptor).writeAll(Array(text.utf8))
    }

    private static func standard(_ number: Int32) throws(SystemError) -> Descriptor {
        try Descriptor.duplicate(of: number)
    }
}

/// Dates on the command line: `2026-09-01` (the first second of that day, UTC).
enum CalendarDay {
    static func seconds(_ text: String) -> Int64? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let year = Int(parts[0]), let month = Int(parts[1]),
            let day = Int(parts[2]), (1970...9999).contains(year)
        else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let wanted = DateComponents(year: year, month: month, day: day)
        guard let date = calendar.date(from: wanted) else { return nil }
        let found = calendar.dateComponents([.year, .month, .day], from: date)
        guard found.year == year, found.month == month, found.day == day else { return nil }
        return Int64(date.timeIntervalSince1970)
    }

    static func text(_ seconds: Int64) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let date = Date(timeIntervalSince1970: Double(seconds))
        let found = calendar.dateComponents([.year, .month, .day], from: date)
        let padded = [found.month ?? 0, found.day ?? 0].map { $0 < 10 ? "0\($0)" : "\($0)" }
        return "\(found.year ?? 0)-\(padded[0])-\(padded[1])"
    }

    /// Day and time, UTC.
    static func moment(_ seconds: Int64) -> String {
        let inDay = ((seconds % 86_400) + 86_400) % 86_400
        let parts = [inDay / 3600, inDay / 60 % 60, inDay % 60]
            .map { $0 < 10 ? "0\($0)" : "\($0)" }
        return text(seconds) + " " + parts.joined(separator: ":")
    }
}
