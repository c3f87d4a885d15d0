internal import CryptoPrimitives
internal import LinuxSystem

/// What a teacher's deletion order came to.
package struct Removal: Sendable, Hashable {
    /// Objects that were here and are gone.
    package var deleted = 0
    /// Objects that the account had acknowledged before.
    package var left = 0

    package init(deleted: Int = 0, left: Int = 0) {
        self.deleted = deleted
        self.left = left
    }
}

extension OpenRecording {
    /// Takes whole segments out of what is delivered: the `cut` leaf, durable.
    ///
    /// The files go with ``removeCut()`` when the leaf is signed for. Nothing leaves in between: the
    /// uploader sends only what a log that is signed to its end names.
    package mutating func cut(
        from: Int64,
        to: Int64,
        order: [UInt8],
        acknowledged: Set<Acknowledgement>
    ) throws(SpoolError) -> Removal {
        let before = try RecordingLog(reading: folder, recording: recording)
        let names = Set(RecordingLog.segments(of: before.leaves, from: from, to: to))
            .subtracting(before.removed)
        try append(.cut(from: from, to: to, order: order))
        var removal = Removal()
        for content in before.contents where names.contains(content.name) {
            let entry = Acknowledgement(
                recording: recording,
                name: content.name,
                sha256: content.sha256
            )
            if acknowledged.contains(entry) { removal.left += 1 }
            removal.deleted += 1
        }
        return removal
    }

    /// Removes the files of segments that were cut; also after a crash between leaf and removal.
    package borrowing func removeCut() throws(SpoolError) {
        let log = try RecordingLog(reading: folder, recording: recording)
        do throws(SystemError) {
            for name in log.removed.sorted() where try folder.contains(name) {
                try folder.remove(name)
            }
            try folder.synchronize()
        } catch { throw .system(error) }
    }
}

extension OpenRecording {
    /// Takes the folder away from the recorder's group: no later recorder reaches into it.
    package borrowing func closeToRecorder() throws(SpoolError) {
        do throws(SystemError) {
            guard try folder.descriptor.status().permissions == 0o1775 else { return }
            try folder.setPermissions(0o755)
        } catch { throw .system(error) }
    }
}

extension SpoolFolder {
    /// Removes a whole recording: its tombstone first, durable, then the folder.
    ///
    /// The tombstone holds the order's text and stays, so that nothing sends what is gone and
    /// nobody uses the token again.
    package static func delete(
        _ recording: String,
        spool path: String,
        order: [UInt8],
        acknowledged: Set<Acknowledgement>
    ) throws(SpoolError) -> Removal {
        let spool = try wrapping { () throws(SystemError) in try Folder(path: path) }
        var removal = Removal()
        if try wrapping({ () throws(SystemError) in try spool.contains(recording) }) {
            let folder = try wrapping { () throws(SystemError) in try spool.folder(recording) }
            let names = try wrapping { () throws(SystemError) in try folder.names() }
            removal.deleted = names.count { !$0.hasPrefix(".") }
        }
        removal.left = acknowledged.count { $0.recording == recording }
        let tombstone = SpoolName.tombstone(recording)
        try wrapping { () throws(SystemError) in
            if try !spool.contains(tombstone) { try spool.writeDurably(tombstone, order) }
        }
        try finishDeletion(recording, spool: path)
        return removal
    }

    /// Goes on with a deletion that a crash interrupted; false when there is none.
    @discardableResult
    package static func finishDeletion(
        _ recording: String,
        spool path: String
    )
        throws(SpoolError) -> Bool
    {
        let spool = try wrapping { () throws(SystemError) in try Folder(path: path) }
        let isInterrupted = try wrapping { () throws(SystemError) in
            guard try spool.contains(SpoolName.tombstone(recording)) else { return false }
            return try spool.contains(recording)
        }
        guard isInterrupted else { return false }
        let folder = try wrapping { () throws(SystemError) in try spool.folder(recording) }
        try wrapping { () throws(SystemError) in
            for name in try folder.names() { try folder.remove(name) }
            try folder.synchronize()
            try spool.removeFolder(recording)
            try spool.synchronize()
        }
        return true
    }

    /// The text of a recording's start token.
    package static func startToken(
        _ recording: String,
        spool path: String
    ) throws(SpoolError)
        -> [UInt8]
    {
        try wrapping { () throws(SystemError) in
            try Folder(path: path).folder(recording).read(SpoolName.token, limit: 1 << 16)
        }
    }
}
