internal import LibAV
internal import LinuxSystem
internal import Pipeline

/// An encoder that is a device, on a thread of its own, which nobody has to wait for.
///
/// Each picture is copied, so that one which a hung driver holds is nobody else's; each call is
/// answered in time or fails. What an encoder takes longer than the pictures are apart adds up, and
/// what it is faster is taken off: an encoder is given up when it is `lagLimit` behind, which one
/// call that hangs comes to as well as many slow ones. A thread that hangs is left behind, with
/// its encoder and its pictures, until the process ends.
///
/// Thread-bound, like the encoder that it stands for.
final class WatchedEncoder: PictureEncoder {
    private enum Order: Sendable {
        case send(index: Int, presentation: Int64, asKeyFrame: Bool)
        case finish
    }

    private enum Answer: ~Copyable, Sendable {
        case opened(TrackParameters)
        case packet(EncodedPacket)
        /// The order is carried out.
        case done
        case failed(LibAVError)
    }

    let parameters: TrackParameters
    private let orders: HandoffQueue<Order>
    private let answers: HandoffQueue<Answer>
    private let pool: VideoFramePool
    private let interval: Int64
    private let lagLimit: Int64
    private var lag: Int64 = 0
    private var packets = FIFO<EncodedPacket>(limit: 1 << 10)
    /// Pictures that such an encoder may hold.
    private static let pictures = 8

    /// Opens an encoder by `open` on the new thread, within `openLimit` ns.
    ///
    /// `interval` is the time (ns) from one picture to the next.
    init(
        name: String,
        _ settings: VideoEncoderSettings,
        interval: Int64,
        openLimit: Int64,
        lagLimit: Int64,
        open: @escaping @Sendable () throws(LibAVError) -> any PictureEncoder
    ) throws(LibAVError) {
        self.interval = interval
        self.lagLimit = lagLimit
        pool = try VideoFramePool(
            count: Self.pictures,
            width: settings.width,
            height: settings.height,
            colour: settings.colour
        )
        let orders = HandoffQueue<Order>(capacity: 1, overflow: .wait)
        let answers = HandoffQueue<Answer>(capacity: 1 << 10, overflow: .refuse)
        self.orders = orders
        self.answers = answers
        let pool = pool
        do throws(SystemError) {
            _ = try NamedThread(name) {
                do throws(LibAVError) {
                    let encoder = try open()
                    answers.put(.opened(encoder.parameters))
                    try Self.serve(encoder, pool, orders, answers)
                } catch {
                    answers.put(.failed(error))
                }
            }
        } catch {
            throw .failed(call: "encoder thread", reason: "\(error)")
        }
        switch answers.take(deadline: Clock.monotonic.now() + openLimit) {
        case .element(.opened(let found)): parameters = found
        case .element(.failed(let error)): throw error
        case .element(_): preconditionFailure("an answer to no order")
        case .closed: preconditionFailure("closed by nobody")
        case .timedOut: throw .failed(call: "open", reason: "the encoder did not open in time")
        }
    }

    deinit {
        orders.close()
    }

    func send(
        _ index: Int,
        of source: VideoFramePool,
        presentation: Int64,
        asKeyFrame: Bool
    ) throws(LibAVError) {
        guard let free = (0..<pool.count).first(where: pool.isFree) else {
            throw .failed(call: "send", reason: "the encoder gives no picture back")
        }
        pool.copy(index, of: source, to: free)
        try carryOut(.send(index: free, presentation: presentation, asKeyFrame: asKeyFrame))
    }

    func finish() throws(LibAVError) {
        try carryOut(.finish)
    }

    func receive() throws(LibAVError) -> EncodedPacket? {
        packets.takeFirst()
    }

    private func carryOut(_ order: Order) throws(LibAVError) {
        let begin = Clock.monotonic.now()
        orders.put(order)
        let deadline = begin + interval + lagLimit - lag
        while true {
            switch answers.take(deadline: deadline) {
            case .element(.packet(let packet)): packets.append(packet)
            case .element(.done):
                lag = max(0, lag + Clock.monotonic.now() - begin - interval)
                return
            case .element(.failed(let error)): throw error
            case .element(.opened): preconditionFailure("opened twice")
            case .closed: preconditionFailure("closed by nobody")
            case .timedOut:
                throw .failed(call: "encoder", reason: "it hangs, or is too slow")
            }
        }
    }

    /// The new thread's loop.
    private static func serve(
        _ encoder: any PictureEncoder,
        _ pool: VideoFramePool,
        _ orders: HandoffQueue<Order>,
        _ answers: HandoffQueue<Answer>
    ) throws(LibAVError) {
        while true {
            switch orders.take() {
            case .element(.send(let index, let presentation, let asKeyFrame)):
                try encoder.send(
                    index,
                    of: pool,
                    presentation: presentation,
                    asKeyFrame: asKeyFrame
                )
            case .element(.finish): try encoder.finish()
            case .timedOut: continue
            case .closed: return
            }
            while let packet = try encoder.receive() { answers.put(.packet(packet)) }
            answers.put(.done)
        }
    }
}
