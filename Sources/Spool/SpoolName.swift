/// The names in the spool.
package enum SpoolName {
    package static let token = "token.jws"
    package static let card = "card.json"
    package static let receipt = "receipt.json.age"
    package static let summary = "summary.json.age"
    package static let log = "log"
    package static let checkpoint = "checkpoint"

    /// As in `000000.init.age`.
    package static func initial(_ number: Int) -> String { padded(number) + ".init.age" }
    /// As in `000001.m4s.age`.
    package static func media(_ number: Int) -> String { padded(number) + ".m4s.age" }
    package static func tombstone(_ recording: String) -> String { recording + ".deleted" }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }

    /// Whether `name` is a recording's folder: 32 lower-case hexadecimal digits.
    package static func isRecording(_ name: String) -> Bool {
        name.utf8.count == 32
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            }
    }
}
