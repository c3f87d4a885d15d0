import CryptoPrimitives
import TestSupport
import Testing
import TransparencyLog

/// Keys, notes and signatures with which golang.org/x/mod/sumdb/note tests itself.
enum GoNotes {
    static let peterKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    static let enochKey = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
    /// Behind a byte 0x01.
    static let peterSeed = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
    static let text = """
        If you think cryptography is the answer to your problem,
        then you don't know what your problem is.

        """
    static let peterLine = """
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpR\
        Zb6KE6RyyBwJnAM=

        """
    static let enochLine = """
        — EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox3\
        3WWd1RvMc+QQ=

        """

    static func signingKey() throws -> SigningKey {
        let seed = try #require(Base64.decodePadded(peterSeed)).dropFirst()
        // What stands before the seed in PKCS#8 (RFC 8410 section 7).
        let start = try #require(Hex.decode("302e020100300506032b657004220420"))
        let pem = """
            -----BEGIN PRIVATE KEY-----
            \(Base64.encodePadded(start + seed))
            -----END PRIVATE KEY-----

            """
        return try SigningKey(pem: Array(pem.utf8))
    }
}

@Suite struct SignedNoteTests {
    private let peter: NoteKey
    private let enoch: NoteKey

    init() throws {
        peter = try NoteKey(text: GoNotes.peterKey)
        enoch = try NoteKey(text: GoNotes.enochKey)
    }

    private func verify(_ note: String, with key: NoteKey) throws {
        try SignedNote(parsing: Array(note.utf8)).verify(with: key)
    }

    private func problem(_ note: [UInt8]) -> TransparencyLogError? {
        do throws(TransparencyLogError) {
            try SignedNote(parsing: note).verify(with: peter)
            return nil
        } catch {
            return error
        }
    }

    private func problem(_ note: String) -> TransparencyLogError? {
        problem(Array(note.utf8))
    }

    /// Go's note with these signature lines.
    private func note(_ lines: String...) -> String {
        GoNotes.text + "\n" + lines.joined()
    }

    private func line(_ name: String, _ signed: [UInt8]) -> String {
        "— \(name) \(Base64.encodePadded(signed))\n"
    }

    @Test("A note comes out byte for byte as Go signs it")
    func signsLikeGo() throws {
        let note = try SignedNote(
            signing: GoNotes.text,
            as: "PeterNeumann",
            with: GoNotes.signingKey()
        )
        #expect(note.bytes == Array((GoNotes.text + "\n" + GoNotes.peterLine).utf8))
    }

    @Test("Go's notes verify, each under the keys that signed it")
    func verifiesGoNotes() throws {
        let both = note(GoNotes.peterLine, GoNotes.enochLine)
        try verify(both, with: peter)
        try verify(both, with: enoch)
        try verify(note(GoNotes.peterLine), with: peter)
        #expect(throws: TransparencyLogError.noteRefused(.notSigned)) {
            try verify(note(GoNotes.peterLine), with: enoch)
        }
        let parsed = try SignedNote(parsing: Array(both.utf8))
        #expect(parsed.text == GoNotes.text)
        #expect(parsed.signatures.map(\.name) == ["PeterNeumann", "EnochRoot"])
        #expect(parsed.signatures.map(\.identifier) == [peter.identifier, enoch.identifier])
        #expect(parsed.signatures.allSatisfy { $0.bytes.count == 64 })
        #expect(parsed.bytes == Array(both.utf8))
    }

    @Test("The text of a note may have empty lines and be in any language")
    func exampleOfTheSpecification() throws {
        let note = """
            Ognuno sta solo sul cuor della terra
            trafitto da un raggio di sole:

            ed è subito sera.

            — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONr\
            MouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=

            """
        let parsed = try SignedNote(parsing: Array(note.utf8))
        #expect(parsed.text.hasSuffix("raggio di sole:\n\ned è subito sera.\n"))
        #expect(parsed.signatures.map(\.name) == ["quasimodo.example/salvatore"])
        #expect(parsed.bytes == Array(note.utf8))

        let key = try SigningKey.generate(.edDSA)
        for text in [parsed.text, "\n", "\n\n\n", "a\n\n", "— a b\n", "\u{7F}\u{85}\n"] {
            let signed = try SignedNote(signing: text, as: "é/日本", with: key)
            let again = try SignedNote(parsing: signed.bytes)
            #expect(again.text == text)
            try again.verify(with: NoteKey(name: "é/日本", key: key.verificationKey))
        }
    }

    @Test("Bytes that are no note are refused, each for its reason")
    func malformedNotes() {
        let good = note(GoNotes.peterLine)
        #expect(problem(good) == nil)
        #expect(problem("") == .noteRefused(.structure))
        #expect(problem("\n") == .noteRefused(.structure))
        #expect(problem("\n\n") == .noteRefused(.structure))
        #expect(problem("\n\n\n") == .noteRefused(.structure))
        #expect(problem(GoNotes.text) == .noteRefused(.structure))
        #expect(problem(GoNotes.text + "\n") == .noteRefused(.structure))
        #expect(problem(GoNotes.text + GoNotes.peterLine) == .noteRefused(.structure))
        #expect(problem(String(good.dropLast())) == .noteRefused(.structure))
        #expect(problem("\n" + GoNotes.peterLine) == .noteRefused(.structure))
        #expect(problem(good + "\n") == .noteRefused(.structure))
        #expect(problem(good + "x") == .noteRefused(.structure))
        #expect(problem("\u{1}" + good) == .noteRefused(.characters))
        #expect(problem(good + "\0") == .noteRefused(.characters))
        #expect(problem(good.replacing("\n", with: "\r\n")) == .noteRefused(.characters))
        #expect(problem(good.replacing("think", with: "thi\tnk")) == .noteRefused(.characters))
        #expect(problem([0xFF] + Array(good.utf8)) == .noteRefused(.characters))
        // An overlong line feed, half a character, a surrogate.
        for bytes: [UInt8] in [[0xC0, 0x8A], [0xE2, 0x80], [0xED, 0xA0, 0x80]] {
            #expect(problem(bytes + Array(good.utf8)) == .noteRefused(.characters))
        }
        // Well formed, but another text.
        #expect(problem("x" + good) == .noteRefused(.invalidSignature))
        #expect(problem("\n" + good) == .noteRefused(.invalidSignature))
        #expect(
            problem(GoNotes.text + "\n\n" + GoNotes.peterLine)
                == .noteRefused(.invalidSignature)
        )
    }

    @Test("A signature line has one form only")
    func malformedSignatureLines() {
        let good = GoNotes.peterLine
        let signature = String(good.split(separator: " ")[2].dropLast())
        let malformedNames = [
            "", " ", "Peter Neumann", "Peter+Neumann", "Peter\u{A0}Neumann",
            "Peter\u{2028}Neumann", "Peter\u{3000}Neumann", "Peter\u{85}Neumann",
        ]
        // Base64 without, with too much and with wrong padding, of another alphabet, with bits that
        // stand for nothing, and of too few bytes.
        let malformedSignatures: [String] = [
            "", " ", "\(signature) ", "\(signature) more", signature.replacing("=", with: ""),
            signature.replacing("=", with: "=="), signature.replacing("=", with: "===="),
            signature.replacing("/", with: "_"), signature.replacing("AM=", with: "AN="),
            signature.replacing("AM=", with: "A*M="), Base64.encodePadded(peter.identifier),
        ]
        var malformed: [String] = [
            "Unexpected line.\n", "-\(good.dropFirst())", "—\(good.dropFirst(2))",
            "— \(good.dropFirst())", " \(good)", "— PeterNeumann\n", "— \(signature)\n",
        ]
        malformed += malformedNames.map { "— \($0) \(signature)\n" }
        malformed += malformedSignatures.map { "— PeterNeumann \($0)\n" }
        for line in malformed {
            #expect(problem(note(line)) == .noteRefused(.signatureLine(1)), "\(line)")
            #expect(problem(note(good, line)) == .noteRefused(.signatureLine(2)), "\(line)")
        }
    }

    @Test("Signatures by others are ignored, whatever they are")
    func unknownSignatures() throws {
        let signed = try #require(
            Base64.decodePadded(
                String(GoNotes.peterLine.split(separator: " ")[2].dropLast())
            )
        )
        let garbage = [UInt8](repeating: 7, count: 64)
        let others = [
            line("PeterNeuman", signed), line("peterneumann", signed),
            line("PeterNeumann", [0, 0, 0, 0] + signed.dropFirst(4)),
            line("EnochRoot", peter.identifier + garbage), line("é", [1, 2, 3, 4, 5]),
            line("post-quantum.example", [UInt8](repeating: 1, count: 5000)),
        ]
        for other in others {
            #expect(problem(note(other)) == .noteRefused(.notSigned), "\(other)")
            #expect(problem(note(other, GoNotes.peterLine)) == nil, "\(other)")
            #expect(problem(note(GoNotes.peterLine, other)) == nil, "\(other)")
        }
    }

    @Test("A name that only looks the same is another's")
    func canonicallyEquivalentNames() throws {
        let key = try SigningKey.generate(.edDSA)
        let composed = try NoteKey(name: "caf\u{E9}", key: key.verificationKey)
        let note = try SignedNote(signing: "text\n", as: "cafe\u{301}", with: key)
        #expect(throws: TransparencyLogError.noteRefused(.notSigned)) {
            try note.verify(with: composed)
        }
        // Even with the identifier of the name that it looks like.
        let signed = try composed.identifier + key.sign(Array("text\n".utf8))
        #expect(throws: TransparencyLogError.noteRefused(.notSigned)) {
            try verify("text\n\n" + line("cafe\u{301}", signed), with: composed)
        }
        try verify("text\n\n" + line("caf\u{E9}", signed), with: composed)
    }

    @Test("One false signature under the wanted key refuses the note, whatever stands beside it")
    func falseSignatures() {
        let short = line("PeterNeumann", peter.identifier + [UInt8](repeating: 0, count: 63))
        let zero = line("PeterNeumann", peter.identifier + [UInt8](repeating: 0, count: 64))
        let long = line("PeterNeumann", peter.identifier + [UInt8](repeating: 0, count: 65))
        // Enoch's signature with Peter's name and identifier: what a colliding key is good for.
        let enochSigned = GoNotes.enochLine.split(separator: " ")[2].dropLast()
        let bytes = Base64.decodePadded(String(enochSigned)) ?? []
        let collision = line("PeterNeumann", peter.identifier + bytes.dropFirst(4))
        for wrong in [short, zero, long, collision] {
            #expect(problem(note(wrong)) == .noteRefused(.invalidSignature))
            #expect(problem(note(GoNotes.peterLine, wrong)) == .noteRefused(.invalidSignature))
            #expect(problem(note(wrong, GoNotes.peterLine)) == .noteRefused(.invalidSignature))
        }
        #expect(problem(note(GoNotes.peterLine, GoNotes.peterLine)) == nil)
    }

    @Test("Any bit of text or signature that flips is noticed")
    func everyBitCounts() {
        let good = Array(note(GoNotes.peterLine).utf8)
        for index in good.indices {
            for bit in 0..<8 {
                var changed = good
                changed[index] ^= 1 << UInt8(bit)
                #expect(problem(changed) != nil, "byte \(index), bit \(bit)")
            }
        }
        for count in good.indices {
            #expect(problem(Array(good[..<count])) != nil)
            if count > 0 { #expect(problem(Array(good[count...])) != nil) }
        }
    }

    @Test("The number of signatures and the size of a note are limited, above what C2SP asks for")
    func limits() throws {
        let large = line("post-quantum.example", [UInt8](repeating: 1, count: 5000))
        let sixteen = String(repeating: large, count: 15) + GoNotes.peterLine
        #expect(problem(note(sixteen)) == nil)
        let hundred = String(repeating: GoNotes.enochLine, count: 99) + GoNotes.peterLine
        #expect(problem(note(hundred)) == nil)
        #expect(problem(note(hundred, GoNotes.enochLine)) == .noteRefused(.tooManySignatures))
        let rest = SignedNote.maximumByteCount - note(GoNotes.peterLine).utf8.count
        let filler = String(repeating: "x", count: rest)
        #expect(problem(filler + note(GoNotes.peterLine)) == .noteRefused(.invalidSignature))
        #expect(problem("x" + filler + note(GoNotes.peterLine)) == .noteRefused(.tooLong))
        #expect(throws: TransparencyLogError.noteRefused(.tooLong)) {
            try SignedNote(
                signing: String(repeating: "x", count: SignedNote.maximumByteCount) + "\n",
                as: "name",
                with: SigningKey.generate(.edDSA)
            )
        }
    }

    @Test("Only what a reader takes is signed")
    func refusesToSign() throws {
        let key = try SigningKey.generate(.edDSA)
        for (text, problem) in [
            ("", TransparencyLogError.NoteProblem.structure), ("text", .structure),
            ("text\r\n", .characters), ("te\0xt\n", .characters), ("te\txt\n", .characters),
        ] {
            #expect(throws: TransparencyLogError.noteRefused(problem)) {
                try SignedNote(signing: text, as: "name", with: key)
            }
        }
        for name in ["", "a b", "a+b", "a\nb", "a\u{2003}b", " "] {
            #expect(throws: TransparencyLogError.keyRefused(.name)) {
                try SignedNote(signing: "text\n", as: name, with: key)
            }
        }
        #expect(throws: TransparencyLogError.keyRefused(.algorithm)) {
            try SignedNote(signing: "text\n", as: "name", with: SigningKey.generate(.es256))
        }
    }

    @Test("OpenSSL's command line verifies the signature, and not that of another text")
    func opensslVerifies() throws {
        let key = try SigningKey.generate(.edDSA)
        let note = try SignedNote(signing: "one\n\ntwo\n", as: "lenscap/test", with: key)
        let folder = TemporaryFolder()
        let start = try #require(Hex.decode("302a300506032b6570032100"))
        let der = try folder.file("key", start + key.verificationKey.rawRepresentation)
        let signature = try folder.file("signature", note.signatures[0].bytes)
        for (text, isSigned) in [("one\n\ntwo\n", true), ("one\n\ntwo", false)] {
            let openssl = try Command(
                "openssl",
                "pkeyutl",
                "-verify",
                "-rawin",
                "-pubin",
                "-keyform",
                "DER",
                "-inkey",
                der,
                "-sigfile",
                signature,
                "-in",
                folder.file("text", Array(text.utf8))
            )
            #expect(openssl.succeeded == isSigned, "\(openssl.text)\(openssl.errors)")
        }
    }
}
