import CryptoPrimitives
import Testing
import TransparencyLog

@Suite struct NoteKeyTests {
    @Test("A verifier key's text is read and written as Go does")
    func goKeys() throws {
        for text in [GoNotes.peterKey, GoNotes.enochKey] {
            let key = try NoteKey(text: text)
            #expect(key.text == text)
            let again = try NoteKey(name: key.name, key: key.key)
            #expect(again.text == text && again.identifier == key.identifier)
        }
        let peter = try NoteKey(text: GoNotes.peterKey)
        #expect(peter.name == "PeterNeumann")
        #expect(Hex.encode(peter.identifier) == "c74f20a3")
        #expect(peter.key == (try GoNotes.signingKey().verificationKey))
    }

    @Test("No part of a verifier key's text and no text with a changed character is taken")
    func mangledKeys() {
        let good = Array(GoNotes.peterKey.utf8)
        for start in 0...good.count {
            for end in start...good.count where end - start < good.count {
                let part = String(decoding: good[start..<end], as: UTF8.self)
                #expect(throws: TransparencyLogError.self) { try NoteKey(text: part) }
            }
        }
        for index in good.indices {
            for bit in 0..<8 {
                var changed = good
                changed[index] ^= 1 << UInt8(bit)
                guard let text = String(validating: changed, as: UTF8.self) else { continue }
                #expect(throws: TransparencyLogError.self, "\(text)") { try NoteKey(text: text) }
            }
        }
        let others = [
            GoNotes.peterKey + "\n", " " + GoNotes.peterKey,
            GoNotes.peterKey.replacing("c74f20a3", with: "C74F20A3"),
            "++", "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        ]
        for text in others {
            #expect(throws: TransparencyLogError.keyRefused(.text)) { try NoteKey(text: text) }
        }
    }

    @Test("Keys of other kinds, other lengths and low order are refused though well labelled")
    func unusableKeys() throws {
        func text(_ encodedKey: [UInt8]) -> String {
            let identifier = SHA256.hash(Array("name\n".utf8) + encodedKey).prefix(4)
            return "name+\(Hex.encode(identifier))+\(Base64.encodePadded(encodedKey))"
        }
        let key = try SigningKey.generate(.edDSA).verificationKey
        #expect(try NoteKey(text: text([1] + key.rawRepresentation)).key == key)
        for type: UInt8 in [0, 2, 4, 5, 0xFF] {
            #expect(throws: TransparencyLogError.keyRefused(.algorithm)) {
                try NoteKey(text: text([type] + key.rawRepresentation))
            }
        }
        #expect(throws: TransparencyLogError.keyRefused(.algorithm)) { try NoteKey(text: text([])) }
        for encoding in [[], key.rawRepresentation.dropLast(), key.rawRepresentation + [0]] {
            #expect(throws: TransparencyLogError.crypto(.keyRefused(.malformed))) {
                try NoteKey(text: text([1] + encoding))
            }
        }
        #expect(throws: TransparencyLogError.crypto(.keyRefused(.lowOrder))) {
            try NoteKey(text: text([1] + [UInt8](repeating: 0, count: 32)))
        }
        #expect(throws: TransparencyLogError.keyRefused(.algorithm)) {
            try NoteKey(name: "name", key: SigningKey.generate(.es256).verificationKey)
        }
    }
}
