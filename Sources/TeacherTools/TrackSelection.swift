/// Some of the tracks of a fragmented MP4: cuts its init segment and its fragments down to them.
///
/// Nothing is encoded anew; samples and their times stay as they are. Follows ISO/IEC 14496-12,
/// and of it what the recorder writes: data offsets from the start of the `moof` box, no others.
struct TrackSelection: Sendable {
    /// Track identifiers, which count from 1.
    let tracks: Set<UInt32>

    /// The init segment with these tracks only; nil when it is not one.
    func initial(_ bytes: [UInt8]) -> [UInt8]? {
        guard let boxes = Box.all(in: bytes[...]) else { return nil }
        var result: [UInt8] = []
        for box in boxes {
            guard box.type == "moov" else {
                result += box.bytes
                continue
            }
            guard let content = movie(box) else { return nil }
            result += Box.bytes("moov", content)
        }
        return result
    }

    /// The media segment with these tracks only, empty where they are not in it; nil when it is
    /// not one.
    func segment(_ bytes: [UInt8]) -> [UInt8]? {
        guard let boxes = Box.all(in: bytes[...]) else { return nil }
        var result: [UInt8] = []
        for box in boxes {
            switch box.type {
            case "moof":
                guard let fragment = fragment(box, of: bytes) else { return nil }
                result += fragment
            case "mdat": continue
            default: result += box.bytes
            }
        }
        return result
    }

    private func movie(_ box: Box) -> [UInt8]? {
        guard let children = Box.all(in: box.content) else { return nil }
        var result: [UInt8] = []
        for child in children {
            switch child.type {
            case "trak":
                guard let id = Self.identifier(ofTrack: child) else { return nil }
                if tracks.contains(id) { result += child.bytes }
            case "mvex":
                guard let defaults = Box.all(in: child.content) else { return nil }
                let kept = defaults.filter { box in
                    box.type != "trex" || box.number(at: 4).map(tracks.contains) ?? false
                }
                result += Box.bytes("mvex", kept.flatMap(\.bytes))
            default: result += child.bytes
            }
        }
        return result
    }

    private static func identifier(ofTrack box: Box) -> UInt32? {
        let header = Box.all(in: box.content)?.first { $0.type == "tkhd" }
        guard let header, let version = header.content.first else { return nil }
        // Version 1 has 64-bit times before it.
        return header.number(at: version == 0 ? 12 : 20)
    }

    /// A `moof` with these tracks and an `mdat` with their samples.
    private func fragment(_ box: Box, of segment: [UInt8]) -> [UInt8]? {
        guard let children = Box.all(in: box.content) else { return nil }
        var content: [UInt8] = []
        var runs: [FragmentRun] = []
        for child in children {
            guard child.type == "traf" else {
                content += child.bytes
                continue
            }
            guard let track = TrackFragment(child) else { return nil }
            guard tracks.contains(track.identifier) else { continue }
            runs += track.runs.map { $0.moved(by: content.count - child.bytes.startIndex) }
            content += child.bytes
        }
        guard !runs.isEmpty else { return [] }
        var moof = Box.bytes("moof", content)
        var data: [UInt8] = []
        for run in runs {
            let start = box.bytes.startIndex + run.offset
            guard start >= 0, run.size <= segment.count - start else { return nil }
            let offset = UInt32(moof.count + Box.headerSize + data.count)
            let place = Box.headerSize + run.place
            moof.replaceSubrange(place..<place + 4, with: Box.bytes(offset))
            data += segment[start..<start + run.size]
        }
        return moof + Box.bytes("mdat", data)
    }
}

/// Where the samples of one `trun` box lie.
private struct FragmentRun {
    /// From the start of the `moof` box to the first byte.
    let offset: Int
    /// Bytes of all samples.
    let size: Int
    /// Of the four bytes that state the offset.
    let place: Int

    func moved(by distance: Int) -> FragmentRun {
        FragmentRun(offset: offset, size: size, place: place + distance)
    }
}

/// What a `traf` box says of its samples.
private struct TrackFragment {
    let identifier: UInt32
    let runs: [FragmentRun]

    init?(_ box: Box) {
        guard let children = Box.all(in: box.content),
            let header = children.first(where: { $0.type == "tfhd" }),
            let flags = header.number(at: 0), flags & 0x1 == 0, flags & 0x2_0000 != 0,
            let identifier = header.number(at: 4)
        else { return nil }
        // Sample description and default duration come before the default size.
        let before = [UInt32(0x2), 0x8].count { flags & $0 != 0 }
        let defaultSize = flags & 0x10 != 0 ? header.number(at: 8 + before * 4) : nil
        var runs: [FragmentRun] = []
        for child in children where child.type == "trun" {
            guard let run = Self.run(child, defaultSize) else { return nil }
            runs.append(run)
        }
        self.identifier = identifier
        self.runs = runs
    }

    private static func run(_ box: Box, _ defaultSize: UInt32?) -> FragmentRun? {
        guard let flags = box.number(at: 0), flags & 0x1 != 0,
            let count = box.number(at: 4).map({ Int($0) }), let offset = box.number(at: 8)
        else { return nil }
        let first = flags & 0x4 != 0 ? 16 : 12
        let hasSizes = flags & 0x200 != 0
        let fields = [UInt32(0x100), 0x200, 0x400, 0x800].count { flags & $0 != 0 }
        guard count <= (box.content.count - first) / max(1, fields * 4) || fields == 0 else {
            return nil
        }
        var size = 0
        if hasSizes {
            for sample in 0..<count {
                let place = first + sample * fields * 4 + (flags & 0x100 != 0 ? 4 : 0)
                guard let bytes = box.number(at: place) else { return nil }
                size += Int(bytes)
            }
        } else {
            guard let defaultSize else { return nil }
            let product = count.multipliedReportingOverflow(by: Int(defaultSize))
            guard !product.overflow else { return nil }
            size = product.partialValue
        }
        return FragmentRun(
            offset: Int(Int32(bitPattern: offset)),
            size: size,
            place: box.content.startIndex + 8
        )
    }
}

/// One box of an ISO BMFF file.
private struct Box {
    static let headerSize = 8

    let type: String
    /// The whole box.
    let bytes: ArraySlice<UInt8>
    let content: ArraySlice<UInt8>

    /// The boxes that `bytes` consist of; nil when they consist of something else.
    static func all(in bytes: ArraySlice<UInt8>) -> [Box]? {
        var boxes: [Box] = []
        var rest = bytes
        while !rest.isEmpty {
            guard let size = number(rest, at: 0), size >= headerSize, Int(size) <= rest.count else {
                return nil
            }
            let whole = rest.prefix(Int(size))
            boxes.append(
                Box(
                    type: String(decoding: whole.dropFirst(4).prefix(4), as: UTF8.self),
                    bytes: whole,
                    content: whole.dropFirst(headerSize)
                )
            )
            rest = rest.dropFirst(Int(size))
        }
        return boxes
    }

    static func bytes(_ type: String, _ content: [UInt8]) -> [UInt8] {
        bytes(UInt32(headerSize + content.count)) + Array(type.utf8) + content
    }

    static func bytes(_ number: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    /// Four bytes of the content as a number; nil beyond its end.
    func number(at place: Int) -> UInt32? { Self.number(content, at: place) }

    private static func number(_ bytes: ArraySlice<UInt8>, at place: Int) -> UInt32? {
        let four = bytes.dropFirst(place).prefix(4)
        guard four.count == 4 else { return nil }
        return four.reduce(0) { $0 << 8 | UInt32($1) }
    }
}
