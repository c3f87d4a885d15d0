package import Age
package import Consent
package import CryptoPrimitives
internal import LinuxSystem

/// The teacher's own side: `$XDG_CONFIG_HOME/lenscap` with the signing key, the age identity, the
/// card, the authorities and the rooms.
///
/// Everything in it is the teacher's alone, mode 0600.
package struct TeacherFolder: Sendable {
    package static let signingKeyName = "signing.pem"
    package static let identityName = "identity.txt"
    package static let cardName = "card.json"
    package static let authoritiesName = "authorities.json"
    package static let roomsName = "rooms"
    private static let keyLimit = 1 << 16

    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// Makes a signing key and an age identity.
    ///
    /// Existing ones are never replaced.
    package func makeKeys(
        _ algorithm: SignatureAlgorithm
    ) throws(TeacherToolsError)
        -> (key: VerificationKey, recipient: AgeRecipient)
    {
        for name in [Self.signingKeyName, Self.identityName] where contains(name) {
            throw .exists(
                "\(path)/\(name) exists and is not replaced: what was sealed to it needs it. "
                    + "Move it away first if you mean to begin anew."
            )
        }
        do {
            let key = try SigningKey.generate(algorithm)
            let identity = try AgeIdentity.generate()
            try write(try identity.fileContents(), as: Self.identityName)
            try write(try key.pem(), as: Self.signingKeyName)
            return (key.verificationKey, identity.recipient)
        } catch let error as TeacherToolsError {
            throw error
        } catch {
            throw .unreadable("The keys could not be made: \(error).")
        }
    }

    package func signingKey() throws(TeacherToolsError) -> SigningKey {
        try SigningKeyFile.read("\(path)/\(Self.signingKeyName)")
    }

    package func identities() throws(TeacherToolsError) -> [AgeIdentity] {
        try IdentityFile.read("\(path)/\(Self.identityName)")
    }

    package func card() throws(TeacherToolsError) -> ThresholdDocument {
        try document(Self.cardName, hint: "make one with lenscap card make")
    }

    /// The room record of a box, as imported at enrolment and checked again now.
    package func room(box: String) throws(TeacherToolsError) -> Trust.Room {
        let authorities = try document(
            Self.authoritiesName,
            hint: "get it from your school with lenscap room import"
        )
        let room = try document(
            "\(Self.roomsName)/\(box).json",
            hint: "this room is not known here: import its record with lenscap room import"
        )
        do throws(Refusal) {
            return try Trust(authorities: authorities.bytes, room: room.bytes, cards: []).room
        } catch { throw .refused(error) }
    }

    /// The key of a box whose room record was imported; nil for any other.
    package func boxKey(_ box: String) throws(TeacherToolsError) -> VerificationKey? {
        do throws(TeacherToolsError) {
            let key = try room(box: box).record.boxKey
            return key.thumbprint == box ? key : nil
        } catch {
            if case .missing = error { return nil }
            throw error
        }
    }

    /// Takes over the authorities and a room record that they signed.
    package func importRoom(
        _ room: [UInt8],
        authorities: [UInt8]
    ) throws(TeacherToolsError)
        -> RoomRecord
    {
        let record: RoomRecord
        let vouching: Authorities
        do throws(Refusal) {
            vouching = try Authorities(verifying: try ThresholdDocument(parsing: authorities))
            record = try RoomRecord(
                verifying: try ThresholdDocument(parsing: room),
                by: vouching
            )
        } catch { throw .refused(error) }
        try Enrolment.requireInstalled(vouching, "\(path)/\(Self.authoritiesName)")
        try write(authorities, as: Self.authoritiesName, replacing: true)
        try write(room, as: "\(Self.roomsName)/\(record.box).json", replacing: true)
        return record
    }

    /// Leaves the teacher a copy of the agreement that was accepted.
    package func saveAgreement(_ text: [UInt8], language: String) throws(TeacherToolsError) {
        try write(text, as: "agreement.\(language).md", replacing: true)
    }

    package func saveCard(_ document: ThresholdDocument) throws(TeacherToolsError) {
        try write(document.bytes, as: Self.cardName, replacing: true)
    }

    private func contains(_ name: String) -> Bool {
        (try? Folder(path: path).contains(name)) ?? false
    }

    private func document(
        _ name: String,
        hint: String
    ) throws(TeacherToolsError)
        -> ThresholdDocument
    {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Descriptor.open("\(path)/\(name)")
                .readAll(limit: ThresholdDocument.byteLimit)
        } catch {
            if error.isNotFound { throw .missing("\(path)/\(name) is missing: \(hint).") }
            throw .system(error)
        }
        do throws(Refusal) {
            return try ThresholdDocument(parsing: bytes)
        } catch { throw .refused(error) }
    }

    private func write(_ secret: SecretBytes, as name: String) throws(TeacherToolsError) {
        do throws(SystemError) {
            try secret.withUnsafeBytes { (bytes) throws(SystemError) in
                try Folder.make(path: path, permissions: 0o700)
                    .writeDurably(name, bytes, permissions: 0o600)
            }
        } catch { throw .system(error) }
    }

    private func write(
        _ bytes: [UInt8],
        as name: String,
        replacing: Bool
    )
        throws(TeacherToolsError)
    {
        let parts = name.split(separator: "/")
        let folder = ([path] + parts.dropLast().map(String.init)).joined(separator: "/")
        do throws(SystemError) {
            try Folder.make(path: folder, permissions: 0o700)
                .writeDurably(
                    String(parts.last ?? ""),
                    bytes,
                    permissions: 0o600,
                    replacing: replacing
                )
        } catch { throw .system(error) }
    }
}

/// A PKCS#8 PEM file with a signing key.
package enum SigningKeyFile {
    package static func read(_ path: String) throws(TeacherToolsError) -> SigningKey {
        var bytes = try SecretFile.read(path, hint: "make one with lenscap key new")
        defer { cleanse(&bytes) }
        do {
            return try SigningKey(pem: bytes)
        } catch {
            throw .unreadable("\(path) is no signing key in PKCS#8: \(error).")
        }
    }

    /// Makes a key in a new file, mode 0600.
    package static func make(
        _ path: String,
        _ algorithm: SignatureAlgorithm
    )
        throws(TeacherToolsError) -> VerificationKey
    {
        do {
            let key = try SigningKey.generate(algorithm)
            let file = try Descriptor.open(
                path,
                [.write, .create, .exclusive, .noFollow],
                permissions: 0o600
            )
            try key.pem().withUnsafeBytes { (bytes) throws(SystemError) in
                try file.writeAll(bytes)
                try file.synchronize()
            }
            return key.verificationKey
        } catch let error as SystemError {
            if error.isExisting { throw .exists("\(path) exists and is not replaced.") }
            throw .system(error)
        } catch {
            throw .unreadable("The key could not be made: \(error).")
        }
    }
}

/// An age identity file (`age-keygen`).
package enum IdentityFile {
    package static func read(_ path: String) throws(TeacherToolsError) -> [AgeIdentity] {
        var bytes = try SecretFile.read(path, hint: "make one with lenscap key new")
        defer { cleanse(&bytes) }
        do {
            return try AgeIdentity.identities(inFile: try SecretBytes(copying: bytes))
        } catch {
            throw .unreadable("\(path) is no age identity file: \(error).")
        }
    }
}

private enum SecretFile {
    static func read(_ path: String, hint: String) throws(TeacherToolsError) -> [UInt8] {
        do throws(SystemError) {
            return try Descriptor.open(path).readAll(limit: 1 << 16)
        } catch {
            if error.isNotFound { throw .missing("\(path) is missing: \(hint).") }
            throw .system(error)
        }
    }
}
