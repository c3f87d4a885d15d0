/// One call of a client, to be answered once: by ``reply(_:)`` or ``fail(_:_:)``, now or later.
///
/// Thread-bound to the server's loop. When the connection has closed meanwhile, answering does
/// nothing; ``isOpen`` tells. A `oneway` call is answered like any other and nothing is sent.
package final class VarlinkCall {
    private struct Request: Decodable {
        enum CodingKeys: CodingKey { case method, parameters, oneway, more, upgrade }

        let method: String
        let oneway: Bool
        let more: Bool
        let upgrade: Bool
        let hasParameters: Bool

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            method = try container.decode(String.self, forKey: .method)
            oneway = try container.decodeIfPresent(Bool.self, forKey: .oneway) ?? false
            more = try container.decodeIfPresent(Bool.self, forKey: .more) ?? false
            upgrade = try container.decodeIfPresent(Bool.self, forKey: .upgrade) ?? false
            hasParameters =
                try container.contains(.parameters) && !container.decodeNil(forKey: .parameters)
        }
    }

    private struct Reply<Parameters: Encodable>: Encodable {
        let parameters: Parameters
        var continues: Bool?
        var error: String?
    }

    package let connection: VarlinkConnection
    /// For example `org.lenscap.Teacher`; empty when the caller named none.
    package let interface: String
    /// For example `Stop`.
    package let method: String
    /// Whether the caller takes several replies.
    package let wantsMore: Bool
    package let oneway: Bool
    let fullMethod: String
    let wantsUpgrade: Bool
    var isDispatched = false
    package private(set) var isFinished = false
    private let message: [UInt8]

    init(connection: VarlinkConnection, message: [UInt8]) throws(VarlinkError) {
        let request = try MessageJSON.decode(Request.self, from: message)
        self.connection = connection
        self.message = request.hasParameters ? message : Array(#"{"parameters":{}}"#.utf8)
        let name = request.method
        let dot = name.lastIndex(of: ".")
        fullMethod = name
        interface = dot.map { String(name[..<$0]) } ?? ""
        method = dot.map { String(name[name.index(after: $0)...]) } ?? name
        wantsMore = request.more && !request.oneway
        oneway = request.oneway
        wantsUpgrade = request.upgrade
    }

    /// Whether an answer still reaches somebody.
    package var isOpen: Bool { !isFinished && connection.isOpen }

    /// The parameters, or nil after having answered `InvalidParameter` with the name of the
    /// member that is missing, unknown or of the wrong type.
    ///
    /// `Codable`, because the names that exist are taken from what the decoded value encodes to.
    package func parameters<Parameters: Codable>(as type: Parameters.Type) -> Parameters? {
        do {
            return try StrictParameters.decode(type, from: message)
        } catch {
            failInvalidParameter(error.parameter)
            return nil
        }
    }

    /// The last or only reply.
    package func reply(_ parameters: some Encodable = NoParameters()) {
        guard isOpen else { return }
        isFinished = true
        send(Reply(parameters: parameters))
        connection.advance()
    }

    /// One of several replies; for a caller who did not ask for `more` it is the only one.
    ///
    /// A client that does not read is closed when its backlog is full: for many replies at once
    /// go on from ``whenDrained(_:)``.
    package func reply(continuing parameters: some Encodable) {
        guard wantsMore else { return reply(parameters) }
        guard isOpen else { return }
        send(Reply(parameters: parameters, continues: true))
    }

    /// Answers with an error; `name` is fully qualified.
    package func fail(_ name: String, _ parameters: some Encodable = NoParameters()) {
        guard isOpen else { return }
        isFinished = true
        send(Reply(parameters: parameters, error: name))
        connection.advance()
    }

    package func failInvalidParameter(_ parameter: String) {
        fail(
            ServiceInterface.name + ".InvalidParameter",
            ServiceInterface.InvalidParameter(parameter: parameter)
        )
    }

    func failInterfaceNotFound(_ interface: String) {
        fail(
            ServiceInterface.name + ".InterfaceNotFound",
            ServiceInterface.InterfaceNotFound(interface: interface)
        )
    }

    /// Calls `handler` once when the caller has taken everything so far; never when it has gone.
    package func whenDrained(_ handler: @escaping () -> Void) {
        guard isOpen else { return }
        connection.whenDrained(handler)
    }

    private func send(_ reply: Reply<some Encodable>) {
        if oneway { return }
        do throws(VarlinkError) {
            connection.emit(try MessageJSON.encode(reply), of: self)
        } catch {
            connection.fail(error)
        }
    }
}
