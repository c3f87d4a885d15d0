package import Consent
internal import LinuxSystem

/// A technician's installation of signed records: they prove themselves, the technician vouches for
/// nothing.
///
/// Doing it twice changes nothing.
package enum TrustImport {
    /// What was installed.
    package struct Report: Sendable {
        package let room: String
        package let cards: Int
        package let rejected: [Trust.RejectedCard]
    }

    /// Verifies `authorities.json`, `room.json`, `revocations.json` if there is one, and the cards
    /// of `folder`, then installs them.
    ///
    /// Cards that do not verify are named and left out. Nothing older than what is installed is
    /// taken. Other authorities than the installed ones must bear the signatures of both: enough
    /// of the old ones and enough of their own, in one `authorities.json`.
    package static func run(
        from folder: String,
        to trust: String
    ) throws(TeacherToolsError) -> Report {
        let memory = try installed(trust)
        var files = try read(folder)
        let verified: Trust
        do throws(Refusal) {
            try split(&files, after: memory)
            verified = try Trust(files, memory: memory)
        } catch { throw .refused(error) }
        let rejected = Set(verified.rejectedCards.map(\.name))
        files.cards.removeAll { rejected.contains($0.name) }
        do throws(SystemError) { try install(files, trust) } catch { throw .system(error) }
        return Report(
            room: verified.room.record.room,
            cards: files.cards.count,
            rejected: verified.rejectedCards
        )
    }

    /// What the installed records say, as the box will remember it.
    ///
    /// Nothing is installed: nothing.
    private static func installed(_ trust: String) throws(TeacherToolsError) -> TrustMemory {
        do throws(TeacherToolsError) {
            var files = try read(trust)
            files.cards = []
            do throws(Refusal) {
                return try Trust(files).remembered(in: TrustMemory())
            } catch { throw .refused(error) }
        } catch {
            if case .missing = error { return TrustMemory() }
            throw error
        }
    }

    /// A document that bears the old authorities' signatures too is the proof of the succession;
    /// what is installed beside it has its own members' signatures only.
    private static func split(
        _ files: inout TrustFiles,
        after memory: TrustMemory
    )
        throws(Refusal)
    {
        let document = try ThresholdDocument(parsing: files.authorities)
        let members = try Authorities(reading: document).members
        // The same document serves a box that knows no others, and one that has taken it before.
        if !memory.authoritiesHash.isEmpty, document.hash != memory.authoritiesHash {
            files.succession = files.authorities
        }
        files.authorities =
            document.keepingSignatures(
                as: .authorities,
                by: members.map(\.key)
            ).bytes
    }

    private static func read(_ folder: String) throws(TeacherToolsError) -> TrustFiles {
        TrustFiles(
            authorities: try Enrolment.read("\(folder)/authorities.json").bytes,
            succession: try optional("\(folder)/succession.json"),
            room: try Enrolment.read("\(folder)/room.json").bytes,
            revocations: try optional("\(folder)/revocations.json"),
            cards: try cards("\(folder)/cards")
        )
    }

    private static func optional(_ path: String) throws(TeacherToolsError) -> [UInt8]? {
        do throws(TeacherToolsError) {
            return try Enrolment.read(path).bytes
        } catch {
            if case .missing = error { return nil }
            throw error
        }
    }

    private static func install(_ files: TrustFiles, _ trust: String) throws(SystemError) {
        let target = try Folder.make(path: trust)
        let cards = try Folder.make(path: "\(trust)/cards")
        if let succession = files.succession {
            try target.writeDurably("succession.json", succession, replacing: true)
        }
        try target.writeDurably("authorities.json", files.authorities, replacing: true)
        if let revocations = files.revocations {
            try target.writeDurably("revocations.json", revocations, replacing: true)
        }
        for card in files.cards {
            try cards.writeDurably(card.name, card.bytes, replacing: true)
        }
        // Last, because it is what opens the box to starts.
        try target.writeDurably("room.json", files.room, replacing: true)
    }

    private static func cards(
        _ path: String
    ) throws(TeacherToolsError)
        -> [(name: String, bytes: [UInt8])]
    {
        do throws(SystemError) {
            let folder: Folder
            do throws(SystemError) {
                folder = try Folder(path: path)
            } catch {
                if error.isNotFound { return [] }
                throw error
            }
            var files: [(name: String, bytes: [UInt8])] = []
            for name in try folder.names() where name.hasSuffix(".json") {
                files.append((name, try folder.read(name, limit: ThresholdDocument.byteLimit)))
            }
            return files
        } catch { throw .system(error) }
    }
}
