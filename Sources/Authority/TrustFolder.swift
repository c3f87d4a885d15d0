package import Consent
internal import LinuxSystem

/// `/etc/lenscap/trust`: reads the installed records, verifies them, and remembers what was
/// accepted, so that nothing older can be put back.
///
/// Blocks on the disk.
package struct TrustFolder: Sendable {
    private static let memoryName = "accepted.json"
    private static let revokedName = "revoked"

    private let path: String
    /// The authority's own folder, where the memory and teachers' own revocations are.
    private let log: String

    package init(path: String, log: String) {
        self.path = path
        self.log = log
    }

    /// Verifies what is installed and remembers nothing.
    func look() throws -> Trust { try Trust(try files(), memory: try memory()) }

    /// `noting` is called with the hashes of cards that were not accepted before, before they are
    /// remembered: a crash in between notes them twice and never not at all.
    package func read(
        noting enrolled: (_ cards: [String]) throws(AuthorityError) -> Void = { _ in }
    ) throws(AuthorityError) -> Trust {
        do {
            let memory = try memory()
            let trust = try Trust(try files(), memory: memory)
            let next = trust.remembered(in: memory)
            if next.bytes != memory.bytes {
                let cards = trust.cards(newSince: memory)
                if !cards.isEmpty { try enrolled(cards) }
                // Durable before it is relied upon.
                try Folder(path: log).writeDurably(Self.memoryName, next.bytes, replacing: true)
            }
            return trust
        } catch let refusal as Refusal {
            throw .refused(refusal)
        } catch let error as AuthorityError {
            throw error
        } catch let error as SystemError {
            guard error.isNotFound else { throw .system(error) }
            throw .refused(
                Refusal(
                    .notEnrolled,
                    "This box has no signed records yet (\(error.subject) is missing): "
                        + "a technician installs them with lenscap trust import."
                )
            )
        } catch {
            throw .refused(Refusal(.notEnrolled, "The signed records cannot be read: \(error)."))
        }
    }

    /// Ends a key by its teacher's own order, durably; the order itself is the record.
    package func revoke(keyIdentifier: String, order: String) throws(AuthorityError) {
        do throws(SystemError) {
            let folder = try Folder.make(path: "\(log)/\(Self.revokedName)", permissions: 0o700)
            guard try !folder.contains(keyIdentifier) else { return }
            try folder.writeDurably(keyIdentifier, Array(order.utf8))
            // The folder itself may be new.
            try Folder(path: log).synchronize()
        } catch { throw .system(error) }
    }

    private func memory() throws -> TrustMemory {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Folder(path: log).read(Self.memoryName, limit: 1 << 22)
        } catch {
            if error.isNotFound { return TrustMemory() }
            throw error
        }
        return try TrustMemory(parsing: bytes)
    }

    private func files() throws(SystemError) -> TrustFiles {
        let folder = try Folder(path: path)
        return TrustFiles(
            authorities: try document("authorities.json", folder),
            succession: try optionalDocument("succession.json", folder),
            room: try document("room.json", folder),
            revocations: try optionalDocument("revocations.json", folder),
            cards: try cards(folder),
            ownRevocations: try ownRevocations()
        )
    }

    private func document(
        _ name: String,
        _ folder: borrowing Folder
    ) throws(SystemError)
        -> [UInt8]
    {
        try folder.read(name, limit: ThresholdDocument.byteLimit)
    }

    private func optionalDocument(
        _ name: String,
        _ folder: borrowing Folder
    ) throws(SystemError)
        -> [UInt8]?
    {
        try folder.contains(name) ? try document(name, folder) : nil
    }

    private func cards(
        _ folder: borrowing Folder
    ) throws(SystemError)
        -> [(name: String, bytes: [UInt8])]
    {
        guard try folder.contains("cards") else { return [] }
        let cards = try folder.folder("cards")
        var result: [(name: String, bytes: [UInt8])] = []
        for name in try cards.names() where name.hasSuffix(".json") {
            result.append((name, try document(name, cards)))
        }
        return result
    }

    private func ownRevocations() throws(SystemError) -> Set<String> {
        let folder = try Folder(path: log)
        guard try folder.contains(Self.revokedName) else { return [] }
        return Set(try folder.folder(Self.revokedName).names().filter { !$0.hasPrefix(".") })
    }
}
