internal import RecorderProtocol

@testable internal import Varlink

extension FuzzTarget {
    /// The stream of messages: cut anywhere, it is the same messages.
    ///
    /// The first byte chooses the limit, the second how the rest is cut.
    static let framing = FuzzTarget(
        name: "framing",
        longest: 4096,
        run: { input in
            guard input.count >= 2 else { return }
            let limit = 1 + Int(input[0])
            let stream = Array(input[2...])
            let promised = split(stream, limit: limit)

            var whole = Frames(limit: limit)
            whole.take(stream[...])
            expect(whole.isAs(promised), "a stream is cut at its NUL bytes")

            var pieces = Frames(limit: limit)
            inPieces(stream, seed: input[1]) { pieces.take($0) }
            expect(pieces.isAs(promised), "it does not matter how a stream arrives")
        },
        seeds: {
            let call = Array(#"{"method":"org.lenscap.Teacher.Stop"}"#.utf8)
            return [
                [255, 1] + call + [0] + call + [0], [255, 7] + call + [0] + call, [0, 0],
                [3, 2, 1, 2, 3, 0, 1, 2, 3, 4, 0], [3, 2, 1, 2, 3, 4, 0], [3, 9, 1, 2, 3, 4, 5],
                [9, 9, 1, 0, 0, 1],
            ]
        }
    )

    /// Messages: what is accepted is written as something that is read as the same.
    static let message = FuzzTarget(
        name: "message",
        longest: 4096,
        run: { input in
            checkSpelling(ToRecorder.self, input)
            checkSpelling(FromRecorder.self, input)
            checkParameters(StartParameters.self, input)
            checkParameters(NoParameters.self, input)
            let error = RemoteError(name: "org.lenscap.Teacher.Busy", reply: input)
            expect(error.description.hasPrefix(error.name), "an error has its name")
            _ = error.integer("needed")
        },
        seeds: {
            let start = StartParameters(
                token: "a.b.c",
                details: StartParameters.Details(purpose: "reflection", salt: "c2FsdA")
            )
            let begin = ToRecorder.Begin(
                token: "a.b.c",
                card: "{}",
                recording: "000102030405060708090a0b0c0d0e0f",
                details: ToRecorder.Details(purpose: "reflection", salt: "c2FsdA"),
                salt: "c2FsdA",
                ends: 5_400_000_000_000,
                sources: [ToRecorder.Source(name: "board", kind: "camera", path: "test:board")]
            )
            let toRecorder: [ToRecorder] = [
                .begin(begin), .signed(size: 7, note: "a\n\nb\n"), .stop(reason: "button"),
            ]
            let texts = [
                #"{"type":"opened","source":"board"}"#, #"{"type":"leaf","line":"{}"}"#,
                #"{"type":"closed","reason":"key","time":1800000000}"#, #"{"type":"done"}"#,
                #"{"type":"failed","error":"no space"}"#,
                #"{"type":"state","sources":[{"name":"board","frames":1,"dropped":0,"gaps":0,"check":[]}]}"#,
                #"{"method":"org.lenscap.Teacher.Stop"}"#,
                #"{"error":"a.B","parameters":{"message":"no","needed":1,"available":null}}"#,
                #"{"parameters":{"token":1e400,"details":{"purpose":"\ud83d\ude00","x":[[]]}}}"#,
            ]
            return try toRecorder.map { try MessageJSON.encode($0) }
                + [try MessageJSON.encode(ParameterEnvelope(parameters: start))]
                + texts.map { Array($0.utf8) }
        }
    )
}

/// The parameters of `org.lenscap.Teacher.Start`, and some of the kinds that it does not have.
private struct StartParameters: Codable {
    struct Details: Codable {
        var purpose: String
        var salt: String
    }

    var token: String
    var details: Details
    var counts: [Int64]?
    var share: Double?
    var more: Bool?
}

/// The messages of a stream and how it ends, found in one look at all of it.
private func split(_ stream: [UInt8], limit: Int) -> ([[UInt8]], VarlinkError?, Bool) {
    var messages: [[UInt8]] = []
    let parts = stream.split(separator: 0, omittingEmptySubsequences: false)
    for part in parts.dropLast() {
        if part.isEmpty { return (messages, .emptyMessage, false) }
        if part.count > limit { return (messages, .messageTooLong(limit: limit), false) }
        messages.append(Array(part))
    }
    let rest = parts.last ?? []
    if rest.count > limit { return (messages, .messageTooLong(limit: limit), false) }
    return (messages, nil, !rest.isEmpty)
}

/// A framer together with all that it gave.
private struct Frames {
    var framer: MessageFramer
    var messages: [[UInt8]] = []
    var failure: VarlinkError?

    init(limit: Int) {
        framer = MessageFramer(limit: limit)
    }

    mutating func take(_ bytes: ArraySlice<UInt8>) {
        framer.append(bytes)
        do throws(VarlinkError) {
            while let message = try framer.next() {
                expect(failure == nil, "nothing follows an error")
                messages.append(message)
            }
            expect(failure == nil, "an error lasts")
        } catch {
            expect(failure == nil || failure == error, "an error stays the same")
            failure = error
        }
    }

    func isAs(_ promised: ([[UInt8]], VarlinkError?, Bool)) -> Bool {
        messages == promised.0 && failure == promised.1 && framer.isInsideMessage == promised.2
    }
}

private func checkSpelling<Message: Codable>(_ type: Message.Type, _ input: [UInt8]) {
    guard let message = accepted({ try MessageJSON.decode(type, from: input) }) else { return }
    let written = needed { () throws(VarlinkError) in try MessageJSON.encode(message) }
    expect(!written.contains(0), "a message has no NUL byte")
    let again = needed { () throws(VarlinkError) in
        try MessageJSON.encode(try MessageJSON.decode(type, from: written))
    }
    expect(again == written, "a message is read as what was written")
}

private func checkParameters<Parameters: Codable>(_ type: Parameters.Type, _ input: [UInt8]) {
    let read = { (bytes: [UInt8]) throws(StrictParameters.Refusal) in
        try StrictParameters.decode(type, from: bytes)
    }
    guard let parameters = accepted({ () throws(StrictParameters.Refusal) in try read(input) })
    else { return }
    let envelope = needed { () throws(VarlinkError) in
        try MessageJSON.encode(ParameterEnvelope(parameters: parameters))
    }
    let again = needed { () throws(StrictParameters.Refusal) in try read(envelope) }
    let written = needed { () throws(VarlinkError) in
        try MessageJSON.encode(ParameterEnvelope(parameters: again))
    }
    expect(written == envelope, "parameters are read as what was written")
}
