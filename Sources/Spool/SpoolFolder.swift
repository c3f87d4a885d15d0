internal import CryptoPrimitives
internal import LinuxSystem

/// The spool as a whole: which recordings there are, and removing those that were delivered.
package enum SpoolFolder {
    package static func recordings(_ path: String) throws(SpoolError) -> [String] {
        try wrapping { () throws(SystemError) in try Folder(path: path).names() }
            .filter(SpoolName.isRecording)
    }

    /// Removes what a crash left of a tombstone that was being written.
    package static func removeLeftovers(_ path: String) throws(SpoolError) {
        try wrapping { () throws(SystemError) in
            let spool = try Folder(path: path)
            let end = Folder.temporaryName(for: SpoolName.tombstone("")).dropFirst()
            for name in try spool.names() where name.hasPrefix(".") && name.hasSuffix(end) {
                try spool.remove(name)
            }
        }
    }

    /// Removes an ended recording if the account has acknowledged every object of it, its log and
    /// its checkpoint.
    ///
    /// The log goes last but one and the checkpoint last: a crash on the way leaves a folder that
    /// this call finishes, because the journal still names what is gone. Returns whether the
    /// recording is gone.
    package static func removeIfDelivered(
        _ recording: String,
        spool path: String,
        acknowledged: Set<Acknowledgement>
    ) throws(SpoolError) -> Bool {
        let spool = try wrapping { () throws(SystemError) in try Folder(path: path) }
        let folder = try wrapping { () throws(SystemError) in try spool.folder(recording) }
        let names = try wrapping { () throws(SystemError) in try folder.names() }
        let wanted = try promised(recording, folder, names)
        guard let wanted,
            wanted.allSatisfy({ content in
                acknowledged.contains(
                    Acknowledgement(
                        recording: recording,
                        name: content.name,
                        sha256: content.sha256
                    )
                )
            })
        else { return false }
        try empty(folder, names)
        try removeEmpty(recording, spool)
        return true
    }

    /// What the account must hold before the folder may go; nil when it may not go at all.
    private static func promised(
        _ recording: String,
        _ folder: borrowing Folder,
        _ names: [String]
    ) throws(SpoolError) -> [RecordingLog.Content]? {
        if names.isEmpty { return [] }
        guard names.contains(SpoolName.checkpoint) else { return nil }
        let checkpoint = try content(SpoolName.checkpoint, folder)
        guard names.contains(SpoolName.log) else {
            return names == [SpoolName.checkpoint] ? [checkpoint] : nil
        }
        let log = try RecordingLog(reading: folder, recording: recording)
        guard log.order.hasEnded else { return nil }
        return log.contents + [try content(SpoolName.log, folder), checkpoint]
    }

    private static func content(
        _ name: String,
        _ folder: borrowing Folder
    ) throws(SpoolError) -> RecordingLog.Content {
        try wrapping { () throws(SystemError) in
            RecordingLog.Content(name: name, sha256: try FileHash.sha256(of: folder.file(name)))
        }
    }

    /// Removes a folder whose log was never begun (a crash while it was made, before any device
    /// opened), or that a removal had emptied but for its checkpoint.
    ///
    /// Returns whether it was such a one.
    package static func removeIfUnbegun(
        _ recording: String,
        spool path: String
    )
        throws(SpoolError) -> Bool
    {
        let spool = try wrapping { () throws(SystemError) in try Folder(path: path) }
        let folder = try wrapping { () throws(SystemError) in try spool.folder(recording) }
        let names = try wrapping { () throws(SystemError) in try folder.names() }
        if names.contains(SpoolName.log) {
            let log = try RecordingLog(beginningIn: folder, recording: recording)
            guard !log.order.hasBegun else { return false }
        }
        // A checkpoint alone is what the last step of a removal leaves.
        guard !names.contains(SpoolName.checkpoint) || names == [SpoolName.checkpoint] else {
            throw .damaged(recording: recording, "its log is shorter than its checkpoint")
        }
        let written = [
            SpoolName.token, SpoolName.card, SpoolName.receipt, SpoolName.log, SpoolName.checkpoint,
        ]
        guard names.allSatisfy({ written.contains($0) || $0.hasPrefix(".") }) else {
            // Only damage loses a log while objects are there; they may be all that is left.
            throw .damaged(recording: recording, "it holds sealed files without their log")
        }
        try empty(folder, names)
        try removeEmpty(recording, spool)
        return true
    }

    /// The log goes after what it names, and the checkpoint after the log.
    private static func empty(_ folder: borrowing Folder, _ names: [String]) throws(SpoolError) {
        let last = [SpoolName.log, SpoolName.checkpoint].filter(names.contains)
        do throws(SystemError) {
            for name in names where !last.contains(name) { try folder.remove(name) }
            for name in last {
                try folder.synchronize()
                try folder.remove(name)
            }
        } catch { throw .system(error) }
    }

    private static func removeEmpty(
        _ recording: String,
        _ spool: borrowing Folder
    ) throws(SpoolError) {
        try wrapping { () throws(SystemError) in
            try spool.removeFolder(recording)
            try spool.synchronize()
        }
    }
}
