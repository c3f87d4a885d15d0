internal import LibAV

/// A camera's encoder, and what takes its place when it fails.
///
/// Thread-bound.
struct TrackEncoder {
    private var current: (any PictureEncoder)?
    private var replacement: (() throws(LibAVError) -> any PictureEncoder)?
    /// Pictures that the encoder took and has not given back as packets.
    private(set) var outstanding = 0

    /// Without a `replacement` an error is an error.
    init(
        _ encoder: any PictureEncoder,
        replacement: (() throws(LibAVError) -> any PictureEncoder)?
    ) {
        current = encoder
        self.replacement = replacement
    }

    /// The encoder failed, and the other one has not begun.
    var hasFailed: Bool { current == nil }

    /// False when there is nobody to take the picture.
    mutating func send(
        _ index: Int,
        of pool: VideoFramePool,
        presentation: Int64,
        asKeyFrame: Bool
    ) throws(LibAVError) -> Bool {
        guard let current else { return false }
        do throws(LibAVError) {
            try current.send(index, of: pool, presentation: presentation, asKeyFrame: asKeyFrame)
        } catch {
            try giveUp(because: error)
            return false
        }
        outstanding += 1
        return true
    }

    mutating func receive() throws(LibAVError) -> EncodedPacket? {
        guard let current else { return nil }
        do throws(LibAVError) {
            guard let packet = try current.receive() else { return nil }
            outstanding -= 1
            return packet
        } catch {
            try giveUp(because: error)
            return nil
        }
    }

    mutating func finish() throws(LibAVError) {
        do throws(LibAVError) { try current?.finish() } catch { try giveUp(because: error) }
    }

    /// Puts the other encoder in its place; the next picture is its first.
    mutating func replace() throws(LibAVError) -> TrackParameters {
        guard let make = replacement else { preconditionFailure("nothing to replace it with") }
        let encoder = try make()
        current = encoder
        replacement = nil
        outstanding = 0
        return encoder.parameters
    }

    private mutating func giveUp(because error: LibAVError) throws(LibAVError) {
        guard replacement != nil else { throw error }
        current = nil
    }
}
