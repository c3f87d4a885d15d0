internal import LinuxSystem

/// An output file that gets its name when it is whole, and goes away when it never is.
final class JoinedFile {
    private let folder: Folder
    private let name: String
    private let file: Descriptor
    private var isFinished = false

    init(path: String) throws(TeacherToolsError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        let name = parts.last.map { String($0) } ?? ""
        let parent = path.hasPrefix("/") ? "/" : "./"
        let folderPath = parent + parts.dropLast().joined(separator: "/")
        let folder: Folder
        let file: Descriptor
        do throws(SystemError) {
            let opened = try Folder(path: folderPath)
            let temporary = Folder.temporaryName(for: name)
            if try opened.contains(temporary) { try opened.remove(temporary) }
            file = try opened.file(
                temporary,
                [.write, .create, .exclusive],
                permissions: 0o600
            )
            folder = opened
        } catch { throw .system(error) }
        self.folder = folder
        self.name = name
        self.file = file
    }

    func append(_ bytes: [UInt8]) throws(TeacherToolsError) {
        do throws(SystemError) { try file.writeAll(bytes) } catch { throw .system(error) }
    }

    deinit {
        // Whatever kept it from being whole is the error that matters.
        if !isFinished { try? folder.remove(Folder.temporaryName(for: name)) }
    }

    func finish() throws(TeacherToolsError) {
        do throws(SystemError) {
            try file.synchronize()
            try folder.rename(Folder.temporaryName(for: name), to: name, replacing: true)
            isFinished = true
            try folder.synchronize()
        } catch { throw .system(error) }
    }
}
