import Age
import CryptoPrimitives
import Testing

@Suite("Recipients and identities")
struct AgeKeyTests {
    private static let recipientText =
        "age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z"

    @Test("A recipient gives back its own text")
    func recipientRoundTrip() throws {
        let recipient = try AgeRecipient(Self.recipientText)
        #expect(recipient.text == Self.recipientText)
        #expect(try AgeRecipient(publicKey: recipient.publicKey) == recipient)
    }

    @Test(
        "A text that is not exactly one age recipient is refused",
        arguments: [
            "", "age1", "age", recipientText.uppercased(), recipientText + "\n",
            " " + recipientText, String(recipientText.dropLast()), recipientText + "q",
            "Age1" + recipientText.dropFirst(4), "ag" + recipientText.dropFirst(3),
            recipientText.replacing("z", with: "2"),
            Bech32.encode(prefix: "age", [UInt8](repeating: 9, count: 31)),
            Bech32.encode(prefix: "age", [UInt8](repeating: 9, count: 33)),
            Bech32.encode(prefix: "age1pq", [UInt8](repeating: 9, count: 32)),
        ]
    )
    func malformedRecipient(text: String) {
        #expect(throws: AgeError.recipientRefused(.malformed)) { try AgeRecipient(text) }
    }

    @Test(
        "A recipient of low order is refused",
        arguments: [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ]
    )
    func lowOrderRecipient(hex: String) throws {
        let text = Bech32.encode(prefix: "age", try #require(Hex.decode(hex)))
        #expect(throws: AgeError.recipientRefused(.lowOrder)) { try AgeRecipient(text) }
    }

    @Test(
        "A recipient in another spelling than its one encoding is refused",
        arguments: [
            "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0900000000000000000000000000000000000000000000000000000000000080",
        ]
    )
    func nonCanonicalRecipient(hex: String) throws {
        let bytes = try #require(Hex.decode(hex))
        #expect(throws: AgeError.recipientRefused(.nonCanonical)) {
            try AgeRecipient(publicKey: bytes)
        }
    }

    @Test("An identity gives back its own text and opens for its own recipient")
    func identityRoundTrip() throws {
        let identity = try AgeIdentity.generate()
        let text = try identity.text()
        #expect(text.count == 74)
        let again = try AgeIdentity(parsing: text)
        #expect(again.recipient == identity.recipient)
        let sealed = try Age.seal([1, 2, 3], to: [AgeRecipient(identity.recipient.text)])
        #expect(try Age.open(sealed, with: [again]) == [1, 2, 3])
    }

    @Test("An identity in lower case, cut, changed or of another kind is refused")
    func malformedIdentity() throws {
        let text = try AgeIdentity.generate().text().withUnsafeBytes {
            String(decoding: $0, as: UTF8.self)
        }
        let last = text.last == "Q" ? "P" : "Q"
        let bad = [
            "", text.lowercased(), String(text.dropLast()), text + "Q", text + "\n",
            text.dropLast() + last, "AGE-SECRET-KEY-PQ-1" + text.dropFirst(16),
        ]
        for text in bad {
            #expect(throws: AgeError.identityRefused(line: nil)) {
                try AgeIdentity(parsing: text)
            }
        }
    }

    @Test("An identity file may hold comments, empty lines, several identities and CRLF")
    func identityFile() throws {
        let identities = [try AgeIdentity.generate(), try AgeIdentity.generate()]
        var file = Array("# made in a test\r\n\r\n\n".utf8)
        for identity in identities {
            file += try identity.text().withUnsafeBytes { Array($0) }
            file += "\r\n".utf8
        }
        let read = try AgeIdentity.identities(inFile: SecretBytes(copying: file))
        #expect(read.map(\.recipient) == identities.map(\.recipient))
    }

    @Test("An identity file names its bad line, and one without identities is refused")
    func badIdentityFile() throws {
        let good = try AgeIdentity.generate().fileContents().withUnsafeBytes { Array($0) }
        let bad = try SecretBytes(copying: good + Array("AGE-SECRET-KEY-1NO\n".utf8))
        #expect(throws: AgeError.identityRefused(line: 3)) {
            try AgeIdentity.identities(inFile: bad)
        }
        let empty = try SecretBytes(copying: Array("# nothing\n".utf8))
        #expect(throws: AgeError.noIdentity) { try AgeIdentity.identities(inFile: empty) }
    }
}
