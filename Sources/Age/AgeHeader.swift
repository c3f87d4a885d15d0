internal import CryptoPrimitives

/// The header of an age file: its grammar, its HMAC, and the X25519 stanzas that wrap the file key.
enum AgeHeader {
    static let versionLine = Array("age-encryption.org/v1".utf8)
    static let stanzaMark = Array("-> ".utf8)
    static let footerMark = Array("---".utf8)
    /// Columns of base64 in every line of a body but the last, which has fewer, possibly none.
    static let bodyLineCount = 64
    static let tagByteCount = 32

    /// One recipient's part of the header.
    struct Stanza: Sendable {
        var type: String
        var arguments: [String]
        var body: [UInt8]
    }

    /// Bytes of a header with X25519 stanzas alone.
    static func byteCount(recipients: Int) -> Int {
        let share = 43
        let wrappedFileKey = 43
        let tag = 43
        return versionLine.count + 1
            + recipients
            * (stanzaMark.count + "X25519 ".utf8.count + share + 1 + wrappedFileKey + 1)
            + footerMark.count + 1 + tag + 1
    }

    static func make(
        fileKey: SecretBytes,
        recipients: [AgeRecipient]
    ) throws(CryptoError) -> [UInt8] {
        var header = versionLine + "\n".utf8
        header.reserveCapacity(byteCount(recipients: recipients.count))
        for recipient in recipients {
            let ephemeral = try X25519.PrivateKey.generate()
            let key = try wrappingKey(
                secret: ephemeral.sharedSecret(with: recipient.publicKey),
                share: ephemeral.publicKey,
                recipient: recipient
            )
            // The key wraps one message in its life, which is why a fixed nonce is sound.
            let body = try ChaChaPoly.seal(fileKey, key: key, nonce: wrappingNonce)
            header += stanzaMark + "X25519 \(Base64.encode(ephemeral.publicKey))\n".utf8
            // 32 bytes are 43 columns: one line, which is short and so the last.
            header += "\(Base64.encode(body))\n".utf8
        }
        header += footerMark
        header += " \(Base64.encode(try tag(of: header, fileKey: fileKey)))\n".utf8
        return header
    }

    /// The file key that the first matching identity unwraps.
    ///
    /// Every stanza is held against the format before any of them is tried, so that a malformed one
    /// is an error whoever opens the file.
    static func fileKey(
        in stanzas: [Stanza],
        with identities: [AgeIdentity]
    ) throws(AgeError) -> SecretBytes {
        let hasPassphrase = stanzas.contains { $0.type == "scrypt" }
        guard !hasPassphrase || stanzas.count == 1 else { throw .headerFailure(.scryptNotAlone) }
        var wrapped: [(share: [UInt8], body: [UInt8])] = []
        for stanza in stanzas where stanza.type == "X25519" {
            guard stanza.arguments.count == 1,
                let share = Base64.decode(stanza.arguments[0]), share.count == X25519.byteCount,
                stanza.body.count == Age.fileKeyByteCount + ChaChaPoly.tagByteCount
            else { throw .headerFailure(.x25519Stanza) }
            wrapped.append((share, stanza.body))
        }
        for identity in identities {
            for (share, body) in wrapped {
                if let fileKey = try unwrap(body, share: share, with: identity) { return fileKey }
            }
        }
        throw .noMatch
    }

    /// The file key, or nil when the stanza was made for another recipient.
    private static func unwrap(
        _ body: [UInt8],
        share: [UInt8],
        with identity: AgeIdentity
    ) throws(AgeError) -> SecretBytes? {
        do {
            let key = try wrappingKey(
                secret: identity.key.sharedSecret(with: share),
                share: share,
                recipient: identity.recipient
            )
            return try ChaChaPoly.openSecret(body, key: key, nonce: wrappingNonce)
        } catch .authenticationFailed {
            return nil
        } catch .keyRefused {
            throw .headerFailure(.lowOrderShare)
        } catch {
            throw .crypto(error)
        }
    }

    /// The tag of a header up to and including the `---` of its last line.
    static func tag(of header: [UInt8], fileKey: SecretBytes) throws(CryptoError) -> [UInt8] {
        let key = try HKDFSHA256.derive(
            secret: fileKey,
            salt: [],
            info: Array("header".utf8),
            count: HMACSHA256.byteCount
        )
        return HMACSHA256.authenticate(key: key, message: header)
    }

    private static let wrappingNonce = [UInt8](repeating: 0, count: ChaChaPoly.nonceByteCount)

    private static func wrappingKey(
        secret: SecretBytes,
        share: [UInt8],
        recipient: AgeRecipient
    ) throws(CryptoError) -> SecretBytes {
        try HKDFSHA256.derive(
            secret: secret,
            salt: share + recipient.publicKey,
            info: Array("age-encryption.org/v1/X25519".utf8),
            count: ChaChaPoly.keyByteCount
        )
    }
}

/// Reads a header line by line; holds its grammar and nothing else.
struct AgeHeaderReader {
    private enum State {
        case version
        case stanzaOrFooter
        case body(type: String, arguments: [String], text: [UInt8])
    }

    private(set) var stanzas: [AgeHeader.Stanza] = []
    private var state = State.version

    /// Takes one line without its line feed; gives the tag once the line is the last of the header.
    mutating func read(_ line: ArraySlice<UInt8>) throws(AgeError) -> [UInt8]? {
        switch state {
        case .version:
            guard line.elementsEqual(AgeHeader.versionLine) else { throw .headerFailure(.version) }
            state = .stanzaOrFooter
        case .stanzaOrFooter:
            if line.starts(with: AgeHeader.footerMark) { return try footer(line) }
            try beginStanza(line)
        case .body(let type, let arguments, let text):
            try continueBody(line, type: type, arguments: arguments, text: text)
        }
        return nil
    }

    private func footer(_ line: ArraySlice<UInt8>) throws(AgeError) -> [UInt8] {
        guard !stanzas.isEmpty else { throw .headerFailure(.noStanza) }
        let rest = line.dropFirst(AgeHeader.footerMark.count)
        guard rest.first == UInt8(ascii: " "),
            let tag = Base64.decode(rest.dropFirst()), tag.count == AgeHeader.tagByteCount
        else { throw .headerFailure(.footer) }
        return tag
    }

    private mutating func beginStanza(_ line: ArraySlice<UInt8>) throws(AgeError) {
        guard line.starts(with: AgeHeader.stanzaMark) else {
            throw .headerFailure(.stanzaArguments)
        }
        var words: [String] = []
        let parts = line.dropFirst(AgeHeader.stanzaMark.count)
            .split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        for part in parts {
            guard !part.isEmpty, part.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw .headerFailure(.stanzaArguments)
            }
            words.append(String(decoding: part, as: UTF8.self))
        }
        state = .body(type: words.removeFirst(), arguments: words, text: [])
    }

    private mutating func continueBody(
        _ line: ArraySlice<UInt8>,
        type: String,
        arguments: [String],
        text: [UInt8]
    ) throws(AgeError) {
        guard line.count <= AgeHeader.bodyLineCount else { throw .headerFailure(.stanzaBody) }
        let isLastLine = line.count < AgeHeader.bodyLineCount
        let text = text + line
        guard isLastLine else {
            state = .body(type: type, arguments: arguments, text: text)
            return
        }
        guard let body = Base64.decode(text) else { throw .headerFailure(.stanzaBody) }
        stanzas.append(.init(type: type, arguments: arguments, body: body))
        state = .stanzaOrFooter
    }
}
