import Age
import CryptoPrimitives
import TestSupport
import Testing

@Suite("Interoperation with the age command line")
struct AgeInteropTests {
    static let sizes = [0, 1, 65_535, 65_536, 65_537, 1 << 20]

    @Test("The age command opens what is sealed here", arguments: sizes)
    func ageOpens(size: Int) throws {
        let folder = TemporaryFolder()
        let keygen = try Command("age-keygen")
        #expect(keygen.succeeded)
        let identityFile = try folder.file("identity", keygen.output)
        let recipientText = try Command("age-keygen", "-y", identityFile).text
        let recipient = try AgeRecipient(recipientText.filter { $0 != "\n" })
        let plaintext = try randomBytes(size)

        let sealed = try Age.seal(plaintext, to: [recipient])
        #expect(sealed.count == size + 184 + 16 * max(1, (size + 65_535) / 65_536))
        #expect(sealed.count == Age.sealedByteCount(plaintextByteCount: size))

        let age = try Command("age", "-d", "-i", identityFile, input: sealed)
        #expect(age.succeeded)
        #expect(age.output == plaintext)
    }

    @Test("What the age command sealed opens here", arguments: sizes)
    func ageSeals(size: Int) throws {
        let identity = try AgeIdentity.generate()
        let plaintext = try randomBytes(size)
        let age = try Command("age", "-r", identity.recipient.text, input: plaintext)
        #expect(age.succeeded)
        #expect(try Age.open(age.output, with: [identity]) == plaintext)
    }

    @Test("A key made by age-keygen reads the same here")
    func keygenFile() throws {
        let file = try Command("age-keygen").output
        let identities = try AgeIdentity.identities(inFile: SecretBytes(copying: file))
        let line = try #require(
            String(decoding: file, as: UTF8.self).split(separator: "\n").last
        )
        #expect(identities.count == 1)
        #expect(try identities[0].text().withUnsafeBytes { Array($0) } == Array(line.utf8))
    }

    @Test("age-keygen reads a key file that was made here")
    func ownKeyFile() throws {
        let folder = TemporaryFolder()
        let identity = try AgeIdentity.generate()
        let contents = try identity.fileContents().withUnsafeBytes { Array($0) }
        let keygen = try Command("age-keygen", "-y", try folder.file("identity", contents))
        #expect(keygen.succeeded)
        #expect(keygen.text == identity.recipient.text + "\n")
    }

    @Test("The age command opens a file for two recipients with either identity")
    func twoRecipients() throws {
        let folder = TemporaryFolder()
        let identities = [try AgeIdentity.generate(), try AgeIdentity.generate()]
        let plaintext = Array("two may open this".utf8)
        let sealed = try Age.seal(plaintext, to: identities.map(\.recipient))
        #expect(
            sealed.count
                == Age.sealedByteCount(plaintextByteCount: plaintext.count, recipients: 2)
        )
        for identity in identities {
            let contents = try identity.fileContents().withUnsafeBytes { Array($0) }
            let file = try folder.file("identity", contents)
            let age = try Command("age", "-d", "-i", file, input: sealed)
            #expect(age.succeeded)
            #expect(age.output == plaintext)
            #expect(try Age.open(sealed, with: [identity]) == plaintext)
        }
    }
}
