internal import CryptoPrimitives
internal import Spool

/// Says of an object that is not in its place, whole, what became of it.
///
/// Where one is not right, every sealed file here is hashed once: only then can it be told whether
/// it lies elsewhere, and whose content is in its place.
struct DamageReport {
    private let places: [[UInt8]: String]
    private var hashes: [[UInt8]: [String]]?
    /// Files in other places than their own that belong to the recording all the same.
    private(set) var found: Set<String> = []

    init(_ log: RecordingLog) {
        places = Dictionary(
            log.leaves.compactMap(\.object).map { ($0.sha256, $0.name) }
        ) { first, _ in first }
    }

    /// What is wrong, in words, and the object's bytes if they lie elsewhere.
    mutating func judge(
        _ object: Leaf.Object,
        _ finding: RecordingFolder.Finding,
        in folder: borrowing RecordingFolder
    ) -> (words: String, bytes: [UInt8]?) {
        let hashes = self.hashes ?? folder.sealedHashes()
        self.hashes = hashes
        let elsewhere = hashes[object.sha256]?.first
        let bytes = elsewhere.flatMap { folder.read($0, sha256: object.sha256) }
        if bytes != nil, let elsewhere { found.insert(elsewhere) }
        let whose = whose(object, folder, hashes)
        switch (finding, elsewhere, whose) {
        case (_, let elsewhere?, let whose?) where bytes != nil:
            return ("was swapped with \(whose): it lies under \(elsewhere)", bytes)
        case (_, let elsewhere?, nil) where bytes != nil:
            return ("lies under another name, \(elsewhere)", bytes)
        case (_, _, let whose?):
            return ("is lost: in its place \(whose) is repeated", nil)
        case (.truncated(let count), _, _):
            return ("is truncated: \(count) of \(object.bytes) bytes are there", nil)
        case (.missing, _, _):
            return ("is missing", nil)
        case (.unreadable(let why), _, _):
            return ("cannot be read: \(why)", nil)
        default:
            return ("is altered", nil)
        }
    }

    /// The other object of the log whose content lies in this one's place.
    private func whose(
        _ object: Leaf.Object,
        _ folder: borrowing RecordingFolder,
        _ hashes: [[UInt8]: [String]]
    ) -> String? {
        guard let place = folder.place(of: object.name, object.sha256),
            let hash = hashes.first(where: { $0.value.contains(place) })?.key,
            hash != object.sha256
        else { return nil }
        return places[hash]
    }
}
