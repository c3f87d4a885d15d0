internal import LibAV
internal import LinuxSystem
internal import Pipeline
internal import PixelConversion

/// A camera's decode thread: compressed pictures in, pictures for the encoder out.
///
/// Input: `input.filled`. Output: `output`. When the encoder is
/// behind the thread waits; then the capture thread gives up the oldest compressed pictures.
/// A picture that cannot be decoded is counted as damaged and left out.
final class DecodeStage: @unchecked Sendable {
    // Unchecked: `run` is called once, and everything is touched on its thread only.
    private let session: Session
    private let source: SourceControl
    private let input: CompressedPort
    private let output: PicturePort
    private var decoder: JPEGDecoder
    /// A buffer to decode into.
    private var spare: Int?
    private var damaged = 0

    init(
        session: Session,
        source: SourceControl,
        input: CompressedPort,
        output: PicturePort,
        decoder: consuming JPEGDecoder
    ) {
        self.session = session
        self.source = source
        self.input = input
        self.output = output
        self.decoder = decoder
    }

    func run() {
        while !session.isAborted && !output.hasNoTaker {
            if spare == nil { spare = output.free.pop() }
            if let target = spare, let index = input.filled.pop() {
                decode(index, into: target)
                continue
            }
            if session.isStopping && source.isCaptureOver && input.filled.isEmpty { break }
            source.decodeBell.wait(deadline: session.clock.now() + 200_000_000) {
                isReady
            }
        }
        output.endDecoding()
    }

    private var isReady: Bool {
        if output.hasNoTaker { return true }
        if spare == nil { return !output.free.isEmpty }
        return !input.filled.isEmpty || (session.isStopping && source.isCaptureOver)
    }

    private func decode(_ index: Int, into target: Int) {
        let planes = output.pool.planes(target)
        let isWhole = decoder.decode(
            input.bytes(index),
            into: NV12Planes(
                luma: planes.luma,
                lumaStride: planes.lumaStride,
                chroma: planes.chroma,
                chromaStride: planes.chromaStride
            )
        )
        var note = input.notes[index]
        input.giveBack(index)
        guard isWhole else {
            damaged += 1
            return source.status.countDamaged(1)
        }
        note.ordinal -= damaged
        note.damaged += damaged
        spare = nil
        output.push(target, note)
    }
}
