package import Consent
internal import LinuxSystem

/// `/etc/lenscap/trust`: reads the installed records and verifies them.
///
/// Blocks on the disk.
package enum TrustFolder {
    package static func read(_ path: String) throws(AuthorityError) -> Trust {
        do {
            let folder = try Folder(path: path)
            return try Trust(
                authorities: try document("authorities.json", folder),
                room: try document("room.json", folder),
                cards: try cards(folder)
            )
        } catch let refusal as Refusal {
            throw .refused(refusal)
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

    private static func document(
        _ name: String,
        _ folder: borrowing Folder
    ) throws(SystemError)
        -> [UInt8]
    {
        try folder.read(name, limit: ThresholdDocument.byteLimit)
    }

    private static func cards(
        _ folder: borrowing Folder
    ) throws(SystemError)
        -> [(name: String, bytes: [UInt8])]
    {
        guard folder.contains("cards") else { return [] }
        let cards = try folder.folder("cards")
        var result: [(name: String, bytes: [UInt8])] = []
        for name in try cards.names() where name.hasSuffix(".json") {
            result.append((name, try document(name, cards)))
        }
        return result
    }
}
