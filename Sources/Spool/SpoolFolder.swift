internal import CryptoPrimitives
internal import LinuxSystem

/// The spool as a whole: which recordings there are, and removing those that were delivered.
package enum SpoolFolder {
    package static func recordings(_ path: String) throws(SpoolError) -> [String] {
        try wrapping { () throws(SystemError) in try Folder(path: path).names() }
            .filter(SpoolName.isRecording)
    }

    /// Removes an ended recording if the account has acknowledged every object of it and its log.
    ///
    /// The log goes last: a crash on the way leaves a folder that this call finishes, because the
    /// journal still names what is gone. Returns whether the recording is gone.
    package static func removeIfDelivered(
        _ recording: String,
        spool path: String,
        acknowledged: Set<Acknowledgement>
    ) throws(SpoolError) -> Bool {
        let spool = try wrapping { () throws(SystemError) in try Folder(path: path) }
        let folder = try wrapping { () throws(SystemError) in try spool.folder(recording) }
        let names = try wrapping { () throws(SystemError) in try folder.names() }
        if names.contains(SpoolName.log) {
            let bytes = try wrapping { () throws(SystemError) in
                try folder.read(SpoolName.log, limit: RecordingLog.byteLimit)
            }
            let log = try RecordingLog(parsing: bytes, recording: recording)
            let wanted =
                log.contents
                + [RecordingLog.Content(name: SpoolName.log, sha256: SHA256.hash(bytes))]
            guard log.order.hasEnded,
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
        } else if !names.isEmpty {
            return false
        }
        try empty(folder, names)
        try wrapping { () throws(SystemError) in
            try spool.removeFolder(recording)
            try spool.synchronize()
        }
        return true
    }

    /// Removes a folder whose log was never begun: a crash while it was made, before any device
    /// opened.
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
        if folder.contains(SpoolName.log) {
            let log = try RecordingLog(reading: folder, recording: recording)
            guard !log.order.hasBegun else { return false }
        }
        let names = try wrapping { () throws(SystemError) in try folder.names() }
        let written = [SpoolName.token, SpoolName.card, SpoolName.receipt, SpoolName.log]
        guard names.allSatisfy({ written.contains($0) || $0.hasPrefix(".") }) else {
            // Only damage loses a log while objects are there; they may be all that is left.
            throw .damaged(recording: recording, "it holds sealed files without their log")
        }
        try empty(folder, names)
        try wrapping { () throws(SystemError) in
            try spool.removeFolder(recording)
            try spool.synchronize()
        }
        return true
    }

    /// The log goes last, because it says what the rest was.
    private static func empty(_ folder: borrowing Folder, _ names: [String]) throws(SpoolError) {
        do throws(SystemError) {
            for name in names where name != SpoolName.log { try folder.remove(name) }
            try folder.synchronize()
            if names.contains(SpoolName.log) { try folder.remove(SpoolName.log) }
        } catch { throw .system(error) }
    }
}
