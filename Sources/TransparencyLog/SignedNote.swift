package import CryptoPrimitives

/// A text and the signatures below it (C2SP signed-note).
///
/// The text means nothing before ``verify(with:)`` returned.
package struct SignedNote: Sendable {
    /// Room for far more than the 16 signatures of 5 kB that every reader must take.
    package static let maximumByteCount = 1 << 18
    package static let maximumSignatureCount = 100

    /// One signature line.
    package struct Signature: Sendable {
        package let name: String
        /// Four bytes.
        package let identifier: [UInt8]
        /// At least one byte; 64 when it is by one of our keys.
        package let bytes: [UInt8]
    }

    /// Ends in a line feed; may contain empty lines.
    package let text: String
    /// At least one, in the note's order.
    package let signatures: [Signature]

    /// Signs `text`, which ends in a line feed and has no other control character, with an Ed25519
    /// key that notes know as `name`.
    package init(
        signing text: String,
        as name: String,
        with key: SigningKey
    ) throws(TransparencyLogError) {
        let noteKey = try NoteKey(name: name, key: key.verificationKey)
        guard Self.hasOnlyNoteCharacters(text.utf8) else { throw .noteRefused(.characters) }
        guard text.utf8.last == UInt8(ascii: "\n") else { throw .noteRefused(.structure) }
        let bytes = try wrapping { () throws(CryptoError) in try key.sign(Array(text.utf8)) }
        let signature = Signature(name: name, identifier: noteKey.identifier, bytes: bytes)
        self.init(text: text, signatures: [signature])
        guard self.bytes.count <= Self.maximumByteCount else { throw .noteRefused(.tooLong) }
    }

    /// Takes a note apart; no signature is checked.
    package init(parsing bytes: [UInt8]) throws(TransparencyLogError) {
        guard bytes.count <= Self.maximumByteCount else { throw .noteRefused(.tooLong) }
        guard Self.hasOnlyNoteCharacters(bytes), String(validating: bytes, as: UTF8.self) != nil
        else { throw .noteRefused(.characters) }
        // The last empty line is where the signatures begin: the text may have others.
        let lineFeed = UInt8(ascii: "\n")
        guard bytes.last == lineFeed,
            let gap = bytes.indices.dropLast().last(where: {
                bytes[$0] == lineFeed && bytes[$0 + 1] == lineFeed
            })
        else { throw .noteRefused(.structure) }
        let lines = bytes[(gap + 2)...].split(
            separator: lineFeed,
            omittingEmptySubsequences: false
        ).dropLast()  // what stands after the final line feed, which is nothing
        guard !lines.isEmpty else { throw .noteRefused(.structure) }
        guard lines.count <= Self.maximumSignatureCount else {
            throw .noteRefused(.tooManySignatures)
        }
        var signatures: [Signature] = []
        for line in lines {
            guard let signature = Signature(parsing: line) else {
                throw .noteRefused(.signatureLine(signatures.count + 1))
            }
            signatures.append(signature)
        }
        self.init(
            text: String(decoding: bytes[...gap], as: UTF8.self),
            signatures: signatures
        )
    }

    private init(text: String, signatures: [Signature]) {
        self.text = text
        self.signatures = signatures
    }

    /// The whole note.
    package var bytes: [UInt8] {
        Array((text + "\n" + signatures.map(\.line).joined()).utf8)
    }

    /// Returns when `key` signed this text, and throws otherwise.
    ///
    /// Signatures by others, which share the name or the identifier at most, are ignored; one that
    /// claims to be by `key` and is not refuses the whole note, whatever stands beside it.
    package func verify(with key: NoteKey) throws(TransparencyLogError) {
        // Bytes, because strings compare equal when only their meaning as text is the same.
        let claimed = signatures.filter {
            $0.name.utf8.elementsEqual(key.name.utf8) && $0.identifier == key.identifier
        }
        guard !claimed.isEmpty else { throw .noteRefused(.notSigned) }
        let message = Array(text.utf8)
        for signature in claimed {
            guard key.key.isValidSignature(signature.bytes, over: message) else {
                throw .noteRefused(.invalidSignature)
            }
        }
    }

    private static func hasOnlyNoteCharacters(_ text: some Sequence<UInt8>) -> Bool {
        text.allSatisfy { $0 >= 0x20 || $0 == UInt8(ascii: "\n") }
    }
}

extension SignedNote.Signature {
    /// An em dash and a space.
    private static let start = "\u{2014} "

    /// Takes a line of UTF-8 without its line feed.
    fileprivate init?(parsing line: ArraySlice<UInt8>) {
        guard line.starts(with: Self.start.utf8) else { return nil }
        let fields = line.dropFirst(Self.start.utf8.count).split(
            separator: UInt8(ascii: " "),
            omittingEmptySubsequences: false
        )
        guard fields.count == 2, let name = String(validating: fields[0], as: UTF8.self),
            NoteKey.isName(name),
            let signed = Base64.decodePadded(fields[1]),
            signed.count > 4
        else { return nil }
        self.init(
            name: name,
            identifier: Array(signed.prefix(4)),
            bytes: Array(signed.dropFirst(4))
        )
    }

    fileprivate var line: String {
        "\(Self.start)\(name) \(Base64.encodePadded(identifier + bytes))\n"
    }
}
