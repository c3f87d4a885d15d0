internal import CryptoPrimitives
package import LinuxSystem

/// A recording that the authority is writing the record of: it makes the folder, writes leaf 0, and
/// appends the leaves that the recorder reports.
///
/// The authority's side only.
///
/// Blocks on the disk: belongs to a worker thread. Rule: a leaf is appended only after the file it
/// names is durable; the recorder reports it only then, and the line is synced before
/// ``append(_:)`` returns. What if not: a power cut leaves a line without its file.
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

    /// Opens a recording that a crash left without its end, cutting off a line left half written.
    package static func recover(
        _ recording: String,
        in spool: borrowing Folder
    )
        throws(SpoolError) -> OpenRecording
    {
        let found = try wrapping { () throws(SystemError) in try spool.folder(recording) }
        let opened = try wrapping { () throws(SystemError) in
            try found.file(SpoolName.log, [.readWrite, .append])
        }
        let read = try RecordingLog(reading: found, recording: recording)
        try wrapping { () throws(SystemError) in try opened.truncate(to: read.wholeBytes) }
        return OpenRecording(
            recording: recording,
            folder: found,
            log: opened,
            order: read.order,
            length: read.wholeBytes
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
        guard !isBroken else {
            throw .damaged(recording: recording, "its log could not be written before")
        }
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

    /// The file that a leaf names is there, regular, of that length.
    private borrowing func check(_ object: Leaf.Object) throws(SpoolError) {
        let size: Int
        do throws(SystemError) {
            size = try folder.file(object.name).status().size
        } catch { throw .system(error) }
        guard size == Int(object.bytes) else {
            throw .disorder("\(object.name) has another length")
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
