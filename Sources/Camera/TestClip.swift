internal import Glibc
internal import H264
internal import LinuxSystem

/// The pictures of a file, which a ``TestCamera`` delivers one after the other and over again.
///
/// Raw pictures of one format and size without anything between them, JPEG pictures, or an H.264 byte stream. The file is
/// mapped, so that it costs no copy and must not change. Thread-bound; a picture costs nothing.
struct TestClip: ~Copyable {
    private let mapping: MemoryMapping
    /// Where each picture begins, and where the last one ends.
    private let bounds: [Int]

    private init(_ mapping: consuming MemoryMapping, _ bounds: [Int]) {
        self.mapping = mapping
        self.bounds = bounds
    }

    /// A file without a whole picture of the format is refused.
    static func open(_ path: String, _ format: CameraFormat) throws(CameraError) -> TestClip {
        do throws(SystemError) {
            let file = try Descriptor.open(path)
            let size = try file.status().size
            guard size > 0 else { throw SystemError.missing("mmap", path) }
            let mapping = try MemoryMapping(file, offset: 0, count: size, isWritable: false)
            let bytes = UnsafeRawBufferPointer(mapping.bytes)
            let bounds =
                switch format.pixelFormat {
                case .mjpeg: jpegBounds(bytes)
                case .h264: AnnexB.accessUnits(of: bytes)
                default: Array(stride(from: 0, through: size, by: format.pictureSize))
                }
            guard bounds.count > 1 else { throw SystemError.missing("picture", path) }
            return TestClip(mapping, bounds)
        } catch {
            throw error.isNotFound ? .missing(path: path) : .driverCallFailed(error)
        }
    }

    /// The most bytes of one picture.
    var capacity: Int { zip(bounds, bounds.dropFirst()).map { $1 - $0 }.max() ?? 0 }

    /// Picture `number`, counted round and round.
    func picture(_ number: Int) -> UnsafeRawBufferPointer {
        let index = number % (bounds.count - 1)
        return UnsafeRawBufferPointer(rebasing: mapping.bytes[bounds[index]..<bounds[index + 1]])
    }

    /// A JPEG picture begins with FF D8 and ends with FF D9, which its data never hold.
    private static func jpegBounds(_ bytes: UnsafeRawBufferPointer) -> [Int] {
        guard bytes.starts(with: [0xFF, 0xD8]), let base = bytes.baseAddress else { return [] }
        var bounds = [0]
        var position = 0
        while let found = memchr(base + position, 0xFF, bytes.count - position) {
            position = UnsafeRawPointer(found) - base + 1
            guard position < bytes.count else { break }
            if bytes[position] == 0xD9 { bounds.append(position + 1) }
        }
        return bounds
    }
}
