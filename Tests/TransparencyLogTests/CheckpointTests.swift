import CryptoPrimitives
import Testing
import TransparencyLog

@Suite struct CheckpointTests {
    private let box = Base64URL.encode(SHA256.hash(Array("box".utf8)))
    private let root = Base64.encodePadded(MerkleHash.leaf([]))

    private func head(_ count: Int) -> TreeHead { MerkleTree(leaves: leaves(count)).head }

    @Test("A checkpoint is three lines: origin, size, root")
    func text() throws {
        let origin = Checkpoint.activationOrigin(box: box)
        #expect(origin == "lenscap/\(box)/activation")
        #expect(
            Checkpoint.recordingOrigin(box: box, recording: "0a") == "lenscap/\(box)/recording/0a"
        )
        for count in [0, 1, 2, 10, 1000] {
            let checkpoint = try Checkpoint(origin: origin, head: head(count))
            let root = Base64.encodePadded(checkpoint.root)
            #expect(checkpoint.text == "\(origin)\n\(count)\n\(root)\n")
            #expect(try Checkpoint(text: checkpoint.text) == checkpoint)
            #expect(checkpoint.size == count)
        }
    }

    @Test("The example of C2SP tlog-checkpoint is read")
    func exampleOfTheSpecification() throws {
        let note = """
            example.com/behind-the-sofa
            20852163
            CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

            — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Z\
            hcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=

            """
        let checkpoint = try Checkpoint(text: SignedNote(parsing: Array(note.utf8)).text)
        #expect(checkpoint.origin == "example.com/behind-the-sofa")
        #expect(checkpoint.size == 20_852_163)
        #expect(
            checkpoint.shortForm == "20852163:CsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I"
        )
    }

    @Test("Texts that are not exactly a checkpoint are refused")
    func malformedTexts() {
        let cases: [(String, TransparencyLogError)] = [
            ("", .checkpointRefused(.lines)),
            ("\n\n\n", .headRefused(.size)),
            ("a\n1\n", .checkpointRefused(.lines)),
            ("a\n1\n\(root)", .checkpointRefused(.lines)),
            ("a\n1\n\(root)\n\n", .checkpointRefused(.lines)),
            ("a\n1\n\(root)\nextension\n", .checkpointRefused(.lines)),
            ("a\n1\n\(root)\nextension", .checkpointRefused(.lines)),
            ("\n1\n\(root)\n", .checkpointRefused(.origin)),
            ("a b\n1\n\(root)\n", .checkpointRefused(.origin)),
            ("a+b\n1\n\(root)\n", .checkpointRefused(.origin)),
            ("é\n1\n\(root)\n", .checkpointRefused(.origin)),
            ("\u{212A}\n1\n\(root)\n", .checkpointRefused(.origin)),
            ("a\u{7F}\n1\n\(root)\n", .checkpointRefused(.origin)),
            ("a\n0\n\(root)\n", .headRefused(.root)),
            ("a\n1\n\(root.dropLast())\n", .headRefused(.root)),
            ("a\n1\n\(root.dropLast(4))\n", .headRefused(.root)),
            ("a\n1\n\n", .headRefused(.root)),
            ("a\n1\n \(root)\n", .headRefused(.root)),
            ("a\n1\n\(Base64URL.encode(MerkleHash.leaf([])))\n", .headRefused(.root)),
        ]
        for (text, error) in cases {
            #expect(throws: error, "\(text)") { try Checkpoint(text: text) }
        }
        for size in [
            "", "00", "01", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "١", "9223372036854775808",
            "99999999999999999999999999",
        ] {
            #expect(throws: TransparencyLogError.headRefused(.size), "\(size)") {
                try Checkpoint(text: "a\n\(size)\n\(root)\n")
            }
            #expect(throws: TransparencyLogError.headRefused(.size), "\(size)") {
                try TreeHead(shortForm: "\(size):\(Base64URL.encode(MerkleHash.leaf([])))")
            }
        }
        #expect(throws: TransparencyLogError.headRefused(.size)) {
            try TreeHead(size: -1, root: MerkleHash.empty)
        }
    }

    @Test("The short form has one spelling and comes back as the same head")
    func shortForm() throws {
        let empty = "0:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
        #expect(TreeHead.empty.shortForm == empty)
        for count in [0, 1, 77] {
            #expect(try TreeHead(shortForm: head(count).shortForm) == head(count))
        }
        #expect(try TreeHead(shortForm: "9223372036854775807:\(empty.dropFirst(2))").size == .max)
        for text in ["", "0", ":", "0:", empty + "=", empty + ":", "1" + empty.dropFirst() + "A"] {
            #expect(throws: TransparencyLogError.self, "\(text)") { try TreeHead(shortForm: text) }
        }
    }

    @Test("A signed checkpoint is believed under its box's key and its own origin only")
    func signedCheckpoints() throws {
        let key = try SigningKey.generate(.edDSA)
        let origin = Checkpoint.recordingOrigin(box: box, recording: "00ff")
        let checkpoint = try Checkpoint(origin: origin, head: head(7))
        let note = try checkpoint.signed(with: key).bytes
        let read = try Checkpoint(verifying: note, origin: origin, key: key.verificationKey)
        #expect(read == checkpoint)
        let otherKey = try SigningKey.generate(.edDSA).verificationKey
        #expect(throws: TransparencyLogError.noteRefused(.notSigned)) {
            try Checkpoint(verifying: note, origin: origin, key: otherKey)
        }
        #expect(throws: TransparencyLogError.noteRefused(.notSigned)) {
            try Checkpoint(
                verifying: note,
                origin: Checkpoint.activationOrigin(box: box),
                key: key.verificationKey
            )
        }
        // Signed under one log's name, with the text of another.
        let mixed = try SignedNote(
            signing: Checkpoint(origin: Checkpoint.activationOrigin(box: box), head: head(7)).text,
            as: origin,
            with: key
        )
        #expect(throws: TransparencyLogError.checkpointRefused(.otherLog)) {
            try Checkpoint(verifying: mixed.bytes, origin: origin, key: key.verificationKey)
        }
    }

    @Test("Every error says what to do")
    func recovery() {
        let errors: [TransparencyLogError] = [
            .outOfRange(asked: 2, size: 1), .proofRefused(.root), .headRefused(.size),
            .noteRefused(.notSigned), .checkpointRefused(.origin), .keyRefused(.text),
        ]
        for error in errors {
            guard case .personMustAct(let hint) = error.recovery else {
                Issue.record("\(error) leaves it to the program")
                continue
            }
            #expect(!hint.isEmpty)
        }
        #expect(TransparencyLogError.crypto(.randomUnavailable).recovery == .endSession)
    }
}
