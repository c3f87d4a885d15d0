import CryptoPrimitives
import Testing

@Suite("Text encodings of bytes")
struct EncodingTests {
    @Test(
        "base64 without padding follows RFC 4648 section 10",
        arguments: [
            ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
        ]
    )
    func base64(plain: String, text: String) {
        #expect(Base64.encode(plain.utf8) == text)
        #expect(Base64URL.encode(plain.utf8) == text)
        #expect(Base64.decode(text) == Array(plain.utf8))
        #expect(Base64URL.decode(text) == Array(plain.utf8))
        let padded = text + String(repeating: "=", count: (4 - text.count % 4) % 4)
        #expect(Base64.encodePadded(plain.utf8) == padded)
        #expect(Base64.decodePadded(padded) == Array(plain.utf8))
    }

    @Test("The two alphabets differ in the last two digits alone, and take only their own")
    func alphabets() {
        let bytes: [UInt8] = [0xFB, 0xFF, 0xBF]
        #expect(Base64.encode(bytes) == "+/+/")
        #expect(Base64URL.encode(bytes) == "-_-_")
        #expect(Base64.decode("-_-_") == nil)
        #expect(Base64URL.decode("+/+/") == nil)
    }

    @Test(
        "base64url in any spelling but the canonical one is refused",
        arguments: [
            "A", "AAAAA", "Zh", "Zm9", "Zg==", "Zm8=", "Zg=", "Z g", " Zg", "Zg ", "Zg\n", "Z\u{0}",
            "Zé", "Zm9v=", "=", "====", "Zg\u{FF21}",
        ]
    )
    func nonCanonicalBase64(text: String) {
        #expect(Base64URL.decode(text) == nil)
        #expect(Base64.decode(text) == nil)
    }

    @Test(
        "Padded base64 needs exactly its padding",
        arguments: ["Zg", "Zg=", "Zg===", "Zh==", "Zm9v====", "=", "====", "Z===", "Zm9v="]
    )
    func badPadding(text: String) {
        #expect(Base64.decodePadded(text) == nil)
    }

    @Test("Of all texts of two and three digits exactly those decode that encoding gives")
    func exhaustiveTails() {
        let digits = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8
        )
        var decoded = 0
        for first in digits {
            for second in digits {
                if let bytes = Base64URL.decode([first, second]) {
                    decoded += 1
                    #expect(Array(Base64URL.encode(bytes).utf8) == [first, second])
                }
            }
        }
        #expect(decoded == 256)
    }

    @Test("Hex is lower case, two digits a byte, and nothing else is taken")
    func hex() {
        #expect(Hex.encode([0x00, 0x9A, 0xFF]) == "009aff")
        #expect(Hex.decode("009aff") == [0x00, 0x9A, 0xFF])
        #expect(Hex.decode("") == [])
        for text in ["0", "00f", "0G", "FF", "0x", " 0", "0 ", "00\n", "é"] {
            #expect(Hex.decode(text) == nil, "\(text)")
        }
    }

    @Test("Every length from 0 to 70 goes there and back in every encoding")
    func roundTrips() throws {
        for count in 0...70 {
            let bytes = try randomBytes(count)
            #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64.decodePadded(Base64.encodePadded(bytes)) == bytes)
            #expect(Hex.decode(Hex.encode(bytes)) == bytes)
            #expect(Bech32.decode(Bech32.encode(prefix: "age", bytes), prefix: "age") == bytes)
        }
    }
}

@Suite("Bech32")
struct Bech32Tests {
    @Test(
        "The valid texts of BIP 173 that hold whole bytes decode",
        arguments: [
            ("A12UEL5L", "a", ""),
            ("a12uel5l", "a", ""),
            (
                "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharacters"
                    + "bio1tt5tgs",
                "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharacters"
                    + "bio", ""
            ),
            (
                "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "abcdef",
                "00443214c74254b635cf84653a56d7c675be77df"
            ),
            ("?1ezyfcl", "?", ""),
        ]
    )
    func valid(text: String, prefix: String, hex: String) {
        #expect(Bech32.decode(text, prefix: prefix) == bytes(hex))
        #expect(Bech32.encode(prefix: prefix, bytes(hex)) == text.lowercased())
    }

    @Test(
        "The invalid texts of BIP 173 are refused under every prefix they could mean",
        arguments: [
            "\u{20}1nwldj5", "\u{7F}1axkwrx", "\u{80}1eym55h", "pzry9x0s0muk", "1pzry9x0s0muk",
            "x1b4n0q5v", "li1dgmt3", "de1lg7wt\u{FF}", "A1G7SGD8", "10a06t8", "1qzzfhee",
        ]
    )
    func invalid(text: String) {
        for prefix in ["\u{20}", "\u{7F}", "pzry9x0s0muk", "x", "li", "de", "a", "1", "q"] {
            #expect(Bech32.decode(text, prefix: prefix) == nil)
        }
    }

    @Test("Mixed case, another prefix, a cut, or left-over bits are refused")
    func hostile() {
        let text = Bech32.encode(prefix: "age", [1, 2, 3, 4, 5, 6, 7])
        #expect(Bech32.decode(text.uppercased(), prefix: "age") == [1, 2, 3, 4, 5, 6, 7])
        #expect(Bech32.decode("AGE" + text.dropFirst(3), prefix: "age") == nil)
        #expect(Bech32.decode(text.dropLast() + "Q", prefix: "age") == nil)
        #expect(Bech32.decode(text, prefix: "agf") == nil)
        #expect(Bech32.decode(text, prefix: "ag") == nil)
        #expect(Bech32.decode(String(text.dropLast()), prefix: "age") == nil)
        #expect(Bech32.decode("", prefix: "age") == nil)
        #expect(Bech32.decode("1", prefix: "age") == nil)
        // These have a valid checksum over digits that are no whole bytes: one digit, three digits,
        // and seven and two digits with a bit set beyond the last byte.
        for text in ["age1qdd35qf", "age1qqqyst3gn", "age1qqqqqqpsndjqt", "age1qpu0j2ex"] {
            #expect(Bech32.decode(text, prefix: "age") == nil, "\(text)")
        }
        #expect(Bech32.decode("age1qqqqqqgn3atry", prefix: "age") == [0, 0, 0, 1])
        #expect(Bech32.decode("age1qywnyetw", prefix: "age") == [1])
    }

    @Test("A change of any one character is noticed")
    func checksum() {
        let text = Array(Bech32.encode(prefix: "age", [UInt8](repeating: 0xA5, count: 32)).utf8)
        for index in text.indices {
            for replacement in "qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8
            where replacement != text[index] {
                var changed = text
                changed[index] = replacement
                let changedText = String(decoding: changed, as: UTF8.self)
                #expect(Bech32.decode(changedText, prefix: "age") == nil)
            }
        }
    }
}
