internal import CryptoPrimitives
internal import LinuxSystem
internal import Spool

/// The files of one recording as the account holds them (`<name>-<sha256>`) or as the box does
/// (`<name>`), read and never followed through a link.
struct RecordingFolder: ~Copyable, Sendable {
    private let folder: Folder
    private let names: Set<String>

    init(path: String) throws(TeacherToolsError) {
        do throws(SystemError) {
            let opened = try Folder(path: path)
            names = Set(try opened.names())
            folder = opened
        } catch { throw .system(error) }
    }

    /// What became of a file that should be there.
    enum Finding: Hashable {
        case sound([UInt8])
        case missing
        /// No regular file, or one that the disk does not give.
        case unreadable(String)
        /// Shorter than it should be.
        case truncated(bytes: Int)
        case altered
    }

    /// The bytes of a file if they have this hash and, where it is known, this length.
    ///
    /// Its place is its name with its own hash, or else its plain name; whatever lies beside it does
    /// not matter.
    borrowing func find(_ name: String, sha256: [UInt8], bytes: Int64?) -> Finding {
        guard let place = place(of: name, sha256) else { return .missing }
        do throws(SystemError) {
            let file = try folder.file(place)
            let size = try file.status().size
            if let bytes, size != Int(bytes) {
                return size < Int(bytes) ? .truncated(bytes: size) : .altered
            }
            let content = try file.readAll(limit: max(size, 1 << 20))
            return SHA256.hash(content) == sha256 ? .sound(content) : .altered
        } catch { return .unreadable(error.reason) }
    }

    /// The first bytes of a file whatever its hash.
    borrowing func beginning(of name: String, sha256: [UInt8], limit: Int) -> [UInt8]? {
        guard let place = place(of: name, sha256), let file = try? folder.file(place),
            let size = try? file.status().size
        else { return nil }
        return (try? file.readAll(limit: size)).map { Array($0.prefix(limit)) }
    }

    /// The file in which an object is looked for.
    borrowing func place(of name: String, _ sha256: [UInt8]) -> String? {
        [Self.own(name, sha256), name].first { names.contains($0) }
    }

    /// Everything that lies under a name: with any hash that it really has, or under the plain name
    /// where there is none such.
    borrowing func versions(of name: String, limit: Int) throws(TeacherToolsError) -> [[UInt8]] {
        var versions: [[UInt8]] = []
        do throws(SystemError) {
            for file in names.sorted() where file.hasPrefix(name + "-") {
                versions.append(try folder.read(file, limit: limit))
            }
            if versions.isEmpty, names.contains(name) {
                versions.append(try folder.read(name, limit: limit))
            }
        } catch { throw .system(error) }
        return versions
    }

    /// Sealed files that lie here and have none of these places.
    borrowing func sealedFiles(besides places: Set<String>) -> [String] {
        names.subtracting(places).filter(Self.isSealed).sorted()
    }

    /// The hash of each sealed file here, in constant memory; unreadable ones have none.
    borrowing func sealedHashes() -> [[UInt8]: [String]] {
        var hashes: [[UInt8]: [String]] = [:]
        for name in names.filter(Self.isSealed).sorted() {
            guard let file = try? folder.file(name), let hash = try? FileHash.sha256(of: file)
            else { continue }
            hashes[hash, default: []].append(name)
        }
        return hashes
    }

    /// The bytes of a file of this name here, if they have this hash.
    borrowing func read(_ name: String, sha256: [UInt8]) -> [UInt8]? {
        guard let file = try? folder.file(name), let size = try? file.status().size,
            let bytes = try? file.readAll(limit: size), SHA256.hash(bytes) == sha256
        else { return nil }
        return bytes
    }

    static func own(_ name: String, _ sha256: [UInt8]) -> String {
        "\(name)-\(Hex.encode(sha256))"
    }

    /// Whether a name is one that a sealed object has, with or without a hash.
    private static func isSealed(_ name: String) -> Bool {
        let plain = name.split(separator: "-", maxSplits: 1).first.map(String.init) ?? name
        return !name.hasPrefix(".") && plain.hasSuffix(".age")
    }
}
