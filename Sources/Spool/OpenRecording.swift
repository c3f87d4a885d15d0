internal import CryptoPrimitives
package import LinuxSystem

/// A recording that the authority is writing the record of: it makes the folder, writes leaf 0, and
/// appends the leaves that the recorder reports.
///
/// The authority's side only.
///
/// Blocks on the disk: belongs to a worker thread. Rule: a leaf is appended only after the file it
/// names is durable; the recorder reports it only then, and the line is synced before
/// ``append(_:)`` returns. What if not: a power cut leaves a line without its file. The checkpoint
/// over the lines (``keep(checkpoint:)``) comes after them for the same reason.
package struct OpenRecording: ~Copyable, Sendable {
    package let recording: String
    let folder: Folder
    private let log: Descriptor
    private var order: LeafOrder
    /// Bytes of the log's whole lines.
    private var length: Int
    /// Set when the log's end is unknown: only a new reading of it (``recover(_:in:)``) may go on.
    private var isBroken = false

    /// Makes the folder with token, card, sealed receipt and leaf 0, all durable.
    ///
    /// `recorderGroup` may add files to the folder; the sticky bit keeps it from removing any.
    package static func create(
        _ recording: String,
        in spool: borrowing Folder,
        token: [UInt8],
        card: [UInt8],
        receipt: [UInt8],
        recorderGroup: UInt32?
    ) throws(SpoolError) -> OpenRecording {
        let made = try OpenRecording.makeFolder(recording, in: spool, group: recorderGroup)
        let opened = try wrapping { () throws(SystemError) in
            try made.writeDurably(SpoolName.token, token)
            try made.writeDurably(SpoolName.card, card)
            try made.writeDurably(SpoolName.receipt, receipt)
            let opened = try made.file(SpoolName.log, [.write, .append, .create, .exclusive])
            try made.synchronize()
            return opened
        }
        var new = OpenRecording(
            recording: recording,
            folder: made,
            log: opened,
            order: LeafOrder(),
            length: 0
        )
        try new.append(
            .begin(
                token: SHA256.hash(token),
                card: SHA256.hash(card),
                receipt: SHA256.hash(receipt)
            )
        )
        return new
    }

    /// Opens a recording for more leaves, from the first `count` lines of its log, or all whole ones.
    ///
    /// Beyond that count no line needs to be a leaf; without one, a line that is none is damage.
    /// A log that loses something by that, or whose lines are not all signed for (`isSigned` false),
    /// is written anew: a sync that failed before may have left lines in memory that the disk does
    /// not have, and the same file would not be believed again.
    package static func recover(
        _ recording: String,
        in spool: borrowing Folder,
        keeping count: Int? = nil,
        isSigned: Bool = true
    ) throws(SpoolError) -> OpenRecording {
        let found = try wrapping { () throws(SystemError) in try spool.folder(recording) }
        let bytes = try wrapping { () throws(SystemError) in
            try found.read(SpoolName.log, limit: RecordingLog.byteLimit)
        }
        let lines =
            count == nil
            ? try RecordingLog(parsing: bytes, recording: recording)
            : RecordingLog(beginningOf: bytes, recording: recording)
        let kept = try lines.prefix(count)
        let opened = try wrapping { () throws(SystemError) in
            if kept.wholeBytes < bytes.count || !isSigned {
                try found.writeDurably(
                    SpoolName.log,
                    Array(bytes[..<kept.wholeBytes]),
                    replacing: true
                )
            }
            return try found.file(SpoolName.log, [.write, .append])
        }
        return OpenRecording(
            recording: recording,
            folder: found,
            log: opened,
            order: kept.order,
            length: kept.wholeBytes
        )
    }

    private init(
        recording: String,
        folder: consuming Folder,
        log: consuming Descriptor,
        order: LeafOrder,
        length: Int
    ) {
        self.recording = recording
        self.folder = folder
        self.log = log
        self.order = order
        self.length = length
    }

    private static func makeFolder(
        _ recording: String,
        in spool: borrowing Folder,
        group: UInt32?
    ) throws(SpoolError) -> Folder {
        do throws(SystemError) {
            let made = try spool.makeFolder(recording, permissions: group == nil ? 0o700 : 0o1775)
            if let group { try made.setGroup(group) }
            return made
        } catch {
            if error.isExisting { throw .exists(recording: recording) }
            throw .system(error)
        }
    }

    package var segments: Int64 { order.segments }
    package var committed: Int64 { order.committed }
    package var hasBegun: Bool { order.hasBegun }
    package var hasEnded: Bool { order.hasEnded }

    /// Checks the order, appends the line and makes it durable.
    ///
    /// After an error the log is as it was, or takes nothing more.
    package mutating func append(_ leaf: Leaf) throws(SpoolError) {
        var next = order
        try next.accept(leaf)
        if let object = leaf.object { try check(object) }
        try write(leaf.line + [UInt8(ascii: "\n")])
        order = next
    }

    private mutating func write(_ line: [UInt8]) throws(SpoolError) {
        try requireSound()
        do throws(SystemError) {
            try log.writeAll(line)
        } catch {
            // A full disk takes half a line; the next one must not continue it.
            do throws(SystemError) { try log.truncate(to: length) } catch { isBroken = true }
            throw .system(error)
        }
        do throws(SystemError) {
            try log.synchronize()
        } catch {
            // Never synced again and believed: the kernel has marked the failed pages clean.
            isBroken = true
            throw .system(error)
        }
        length += line.count
    }

    /// Puts a signed note over the log in the place of the last one, durably.
    ///
    /// It covers whole, durable lines only. After a failed sync nothing more is written: what is on
    /// the disk is not known.
    package mutating func keep(checkpoint note: [UInt8]) throws(SpoolError) {
        try requireSound()
        do throws(SystemError) {
            try folder.writeDurably(SpoolName.checkpoint, note, replacing: true)
        } catch {
            if error.isFailedSync { isBroken = true }
            throw .system(error)
        }
    }

    private borrowing func requireSound() throws(SpoolError) {
        guard !isBroken else {
            throw .damaged(recording: recording, "its log could not be written before")
        }
    }

    private borrowing func check(_ object: Leaf.Object) throws(SpoolError) {
        guard try folder.holds(object) else {
            throw .disorder("\(object.name) is not what its leaf says")
        }
    }
}

extension Folder {
    /// Whether an object's file is there, regular, and has the length and the hash that its leaf says.
    package borrowing func holds(_ object: Leaf.Object) throws(SpoolError) -> Bool {
        do throws(SystemError) {
            let file = try file(object.name)
            guard try file.status().size == Int(object.bytes) else { return false }
            return try FileHash.sha256(of: file) == object.sha256
        } catch {
            // Missing, a link, no file: what the log says of it is not so.
            if error.isNotFound || error.isLoop || error.isInvalid { return false }
            throw .system(error)
        }
    }
}

extension OpenRecording {
    /// Removes temporary files that a crash left: nothing names them.
    package borrowing func removeLeftovers() throws(SpoolError) {
        do throws(SystemError) {
            for name in try folder.names() where name.hasPrefix(".") { try folder.remove(name) }
        } catch { throw .system(error) }
    }
}
