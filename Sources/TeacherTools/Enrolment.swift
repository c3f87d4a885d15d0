package import Consent
package import CryptoPrimitives
internal import LinuxSystem

/// Making and approving the documents that people enrol with.
package enum Enrolment {
    /// The text of an agreement, as a card accepts it and a room record lists it.
    package struct AgreementText: Sendable {
        package let identifier: String
        package let language: String
        /// base64url SHA-256 of the file's bytes.
        package let sha256: String

        package init(identifier: String, language: String, text: [UInt8]) {
            self.identifier = identifier
            self.language = language
            sha256 = Base64URL.encode(SHA256.hash(text))
        }
    }

    package static func authorities(
        _ members: [Authorities.Member],
        threshold: Int,
        sequence: Int64,
        issued: Int64
    ) throws(TeacherToolsError) -> ThresholdDocument {
        try refusing { () throws(Refusal) in
            let document = try ThresholdDocument(
                payload: Authorities.payload(
                    members: members,
                    threshold: threshold,
                    sequence: sequence,
                    issued: issued
                )
            )
            _ = try Authorities(reading: document)
            return document
        }
    }

    package static func revocations(
        _ entries: [Revocations.Entry],
        sequence: Int64,
        issued: Int64
    ) throws(TeacherToolsError) -> ThresholdDocument {
        try refusing { () throws(Refusal) in
            let document = try ThresholdDocument(
                payload: Revocations.payload(
                    entries: entries,
                    sequence: sequence,
                    issued: issued
                )
            )
            _ = try Revocations(reading: document)
            return document
        }
    }

    package static func room(_ record: RoomRecord) throws(TeacherToolsError) -> ThresholdDocument {
        try refusing { () throws(Refusal) in
            let document = try ThresholdDocument(payload: record.payload)
            _ = try RoomRecord(reading: document)
            return document
        }
    }

    /// A card with its teacher's own signature: the proof that the teacher holds the key.
    package static func card(
        _ card: TeacherCard,
        signedWith key: SigningKey
    )
        throws(TeacherToolsError) -> ThresholdDocument
    {
        try refusing { () throws(Refusal) in
            var document = try ThresholdDocument(payload: card.payload)
            _ = try TeacherCard(reading: document)
            try document.sign(as: .card, with: key)
            return document
        }
    }

    /// Adds one authority's signature to a document file, after reading it as what it claims to be.
    ///
    /// Signing twice with one key changes nothing.
    package static func approve(
        _ path: String,
        as type: DocumentType,
        with key: SigningKey
    ) throws(TeacherToolsError) {
        var document = try read(path)
        let isSigned = try refusing { () throws(Refusal) in
            switch type {
            case .authorities:
                _ = try Authorities(reading: document)
            case .room:
                _ = try RoomRecord(reading: document)
            case .card:
                _ = try TeacherCard(reading: document)
            case .revocations:
                _ = try Revocations(reading: document)
            case .challenge, .start, .delete, .revoke:
                throw Refusal(
                    .header,
                    "Only authorities, rooms, cards and revocations are approved."
                )
            }
            return document.isSigned(as: type, by: key.verificationKey)
        }
        if isSigned { return }
        try refusing { () throws(Refusal) in try document.sign(as: type, with: key) }
        try write(document.bytes, to: path, replacing: true)
    }

    package static func read(_ path: String) throws(TeacherToolsError) -> ThresholdDocument {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Descriptor.open(path).readAll(limit: ThresholdDocument.byteLimit)
        } catch {
            if error.isNotFound { throw .missing("\(path) does not exist.") }
            throw .system(error)
        }
        return try refusing { () throws(Refusal) in try ThresholdDocument(parsing: bytes) }
    }

    /// Writes a document durably; an existing file is replaced only when asked.
    package static func write(
        _ bytes: [UInt8],
        to path: String,
        replacing: Bool
    )
        throws(TeacherToolsError)
    {
        let parts = path.split(separator: "/")
        let parent = (path.hasPrefix("/") ? "/" : "./") + parts.dropLast().joined(separator: "/")
        do throws(SystemError) {
            try Folder(path: parent).writeDurably(
                parts.last.map { String($0) } ?? "",
                bytes,
                replacing: replacing
            )
        } catch {
            if error.isExisting { throw .exists("\(path) exists and is not replaced.") }
            throw .system(error)
        }
    }

    /// Requires that the authorities' document at `path`, if there is one, is this one.
    ///
    /// One that cannot be read is not taken for none.
    static func requireInstalled(
        _ authorities: Authorities,
        _ path: String
    )
        throws(TeacherToolsError)
    {
        let installed: ThresholdDocument
        do throws(TeacherToolsError) {
            installed = try read(path)
        } catch {
            if case .missing = error { return }
            throw error
        }
        guard installed.hash == authorities.hash else {
            throw .refused(
                Refusal(
                    .quorum,
                    "Other authorities are installed here; these cannot take their place."
                )
            )
        }
    }

    private static func refusing<Result>(
        _ body: () throws(Refusal) -> Result
    )
        throws(TeacherToolsError) -> Result
    {
        do throws(Refusal) { return try body() } catch { throw .refused(error) }
    }
}
