import Age
import CryptoPrimitives
import Testing

@Suite("Sealed files")
struct AgeFileTests {
    @Test("Every single changed byte of a small file is noticed")
    func everyByteCounts() throws {
        let identity = try AgeIdentity.generate()
        let sealed = try Age.seal(Array("lesson".utf8), to: [identity.recipient])
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 0x01
            #expect(throws: AgeError.self, "byte \(index)") {
                try Age.open(changed, with: [identity])
            }
        }
    }

    @Test("Every cut of a small file is noticed")
    func everyCut() throws {
        let identity = try AgeIdentity.generate()
        let sealed = try Age.seal(Array("lesson".utf8), to: [identity.recipient])
        for count in 0..<sealed.count {
            #expect(throws: AgeError.self, "\(count) bytes") {
                try Age.open(Array(sealed[..<count]), with: [identity])
            }
        }
        #expect(throws: AgeError.payloadFailure) {
            try Age.open(sealed + [0], with: [identity])
        }
    }

    @Test("Another identity finds no match")
    func otherIdentity() throws {
        let sealed = try Age.seal([1, 2, 3], to: [AgeIdentity.generate().recipient])
        #expect(throws: AgeError.noMatch) {
            try Age.open(sealed, with: [AgeIdentity.generate(), AgeIdentity.generate()])
        }
        #expect(throws: AgeError.noMatch) { try Age.open(sealed, with: []) }
    }

    @Test("Nothing is sealed for nobody")
    func noRecipient() {
        #expect(throws: AgeError.noRecipient) { try Age.seal([1], to: []) }
    }

    @Test("The same plaintext never gives the same file")
    func fresh() throws {
        let recipient = try AgeIdentity.generate().recipient
        let first = try Age.seal([1], to: [recipient])
        let second = try Age.seal([1], to: [recipient])
        #expect(first != second)
        #expect(first.suffix(33) != second.suffix(33))
    }

    @Test("A header without end is refused at the limit, not collected")
    func endlessHeader() throws {
        var opener = AgeOpener(identities: [try AgeIdentity.generate()])
        var output: [UInt8] = []
        let version = Array("age-encryption.org/v1\n-> x ".utf8)
        try version.withUnsafeBytes { try opener.update($0, appendingTo: &output) }
        let more = [UInt8](repeating: UInt8(ascii: "a"), count: Age.maximumHeaderByteCount)
        var thrown: AgeError?
        do {
            try more.withUnsafeBytes { try opener.update($0, appendingTo: &output) }
        } catch {
            thrown = error as? AgeError
        }
        #expect(thrown == .headerFailure(.tooLong))
    }

    @Test("An opener that failed keeps failing, and gives nothing more")
    func failsForGood() throws {
        let identity = try AgeIdentity.generate()
        var sealed = try Age.seal([UInt8](repeating: 7, count: 200_000), to: [identity.recipient])
        sealed[sealed.count - 150_000] ^= 1
        var opener = AgeOpener(identities: [identity])
        var output: [UInt8] = []
        for _ in 0..<2 {
            var thrown: AgeError?
            do {
                try sealed.withUnsafeBytes { try opener.update($0, appendingTo: &output) }
            } catch {
                thrown = error as? AgeError
            }
            #expect(thrown == .payloadFailure)
        }
        var atEnd: AgeError?
        do {
            try opener.finish(appendingTo: &output)
        } catch {
            atEnd = error
        }
        #expect(atEnd == .payloadFailure)
        #expect(output == [UInt8](repeating: 7, count: output.count))
        #expect(output.count.isMultiple(of: Age.chunkByteCount))
    }

    @Test("Random bytes are never taken for a file")
    func randomFiles() throws {
        let identity = try AgeIdentity.generate()
        for count in [1, 21, 22, 200, 4096, 100_000] {
            let noise = try randomBytes(count)
            #expect(throws: AgeError.headerFailure(.version)) {
                try Age.open(noise + [UInt8(ascii: "\n")], with: [identity])
            }
        }
    }
}
