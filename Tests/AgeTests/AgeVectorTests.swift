import Age
import CryptoPrimitives
import Testing

@Suite("C2SP CCTV age vectors", .enabled(if: VectorFolder.isPresent, VectorFolder.absence))
struct AgeVectorTests {
    @Test("All 143 vectors are here, and the kinds that are left out are these many")
    func count() {
        let kinds = Dictionary(grouping: VectorFolder.otherNames, by: VectorFolder.kind)
        #expect(VectorFolder.names.count == 143)
        #expect(VectorFolder.implementedNames.count == 67)
        #expect(kinds.mapValues(\.count) == ["armor": 33, "hybrid": 18, "scrypt": 25])
    }

    @Test(
        "A vector ends as it says and gives out exactly the plaintext it may",
        arguments: VectorFolder.implementedNames
    )
    func vector(name: String) throws {
        let vector = try VectorFolder.load(name)
        let identities = try vector.identities.map { try AgeIdentity(parsing: $0) }
        for pieceCount in [1, 1021, Age.chunkByteCount + 16, max(1, vector.file.count)] {
            // One byte at a time says nothing more about sixteen megabytes.
            if pieceCount == 1 && vector.file.count > 200_000 { continue }
            let (outcome, released) = open(vector.file, with: identities, inPiecesOf: pieceCount)
            #expect(outcome == vector.expectation, "pieces of \(pieceCount)")
            let expectedHash = vector.payloadHash ?? Hex.encode(SHA256.hash([UInt8]()))
            #expect(Hex.encode(SHA256.hash(released)) == expectedHash, "pieces of \(pieceCount)")
        }
        let whole = open(vector.file, with: identities)
        #expect(whole.outcome == vector.expectation)
        if let plaintext = whole.plaintext {
            #expect(Hex.encode(SHA256.hash(plaintext)) == vector.payloadHash)
        }
    }

    @Test(
        "A file of a kind that is not implemented is refused without a crash",
        arguments: VectorFolder.otherNames
    )
    func otherKind(name: String) throws {
        let vector = try VectorFolder.load(name)
        let identity = try AgeIdentity.generate()
        #expect(throws: AgeError.self) { try Age.open(vector.file, with: [identity]) }
    }

    @Test("A passphrase stanza beside others is a header failure, alone it is no match")
    func passphraseStanzas() throws {
        let beside = try VectorFolder.load("scrypt_and_x25519")
        let identities = try beside.identities.map { try AgeIdentity(parsing: $0) }
        #expect(throws: AgeError.headerFailure(.scryptNotAlone)) {
            try Age.open(beside.file, with: identities)
        }
        let double = try VectorFolder.load("scrypt_double")
        #expect(throws: AgeError.headerFailure(.scryptNotAlone)) {
            try Age.open(double.file, with: identities)
        }
        let alone = try VectorFolder.load("scrypt")
        #expect(throws: AgeError.noMatch) { try Age.open(alone.file, with: identities) }
    }

    private func open(
        _ file: [UInt8],
        with identities: [AgeIdentity]
    ) -> (outcome: String, plaintext: [UInt8]?) {
        do {
            return ("success", try Age.open(file, with: identities))
        } catch {
            return (Self.word(for: error), nil)
        }
    }

    private func open(
        _ file: [UInt8],
        with identities: [AgeIdentity],
        inPiecesOf pieceCount: Int
    ) -> (outcome: String, released: [UInt8]) {
        var released: [UInt8] = []
        do {
            var opener = AgeOpener(identities: identities)
            for start in stride(from: 0, to: file.count, by: pieceCount) {
                let piece = Array(file[start..<min(start + pieceCount, file.count)])
                try piece.withUnsafeBytes { try opener.update($0, appendingTo: &released) }
            }
            try opener.finish(appendingTo: &released)
            return ("success", released)
        } catch {
            return (Self.word(for: error), released)
        }
    }

    private static func word(for error: any Error) -> String {
        switch error as? AgeError {
        case .headerFailure: "header failure"
        case .hmacFailure: "HMAC failure"
        case .payloadFailure: "payload failure"
        case .noMatch: "no match"
        default: "\(error)"
        }
    }
}
