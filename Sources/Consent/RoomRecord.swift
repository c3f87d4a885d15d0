package import CryptoPrimitives

/// What a box is allowed to be (`room.json`, `lenscap-room+jwt`): its key, its sources, its lamp.
package struct RoomRecord: Sendable {
    package enum SourceKind: String, Sendable {
        case camera
        case microphone
    }

    /// The one USB device that a source may be.
    package struct USBDevice: Hashable, Sendable {
        /// udev's ID_PATH without the interface: `pci-0000:00:14.0-usb-0:3`.
        package let port: String
        /// Four hexadecimal digits, lower case, as is `product`.
        package let vendor: String
        package let product: String
        package let serial: String

        package init(port: String, vendor: String, product: String, serial: String) {
            self.port = port
            self.vendor = vendor
            self.product = product
            self.serial = serial
        }
    }

    package struct Source: Hashable, Sendable {
        package let name: String
        package let kind: SourceKind
        package let device: USBDevice?

        package init(name: String, kind: SourceKind, device: USBDevice? = nil) {
            self.name = name
            self.kind = kind
            self.device = device
        }
    }

    package struct Indicator: Hashable, Sendable {
        /// LED-class name, or `none` (demo only).
        package let led: String
        package let isSensed: Bool

        package static let none = Indicator(led: "none", isSensed: false)

        package init(led: String, isSensed: Bool) {
            self.led = led
            self.isSensed = isSensed
        }

        /// In words: a lamp that nothing senses is told from one that is.
        package var description: String {
            guard self != .none else { return "none" }
            return led + (isSensed ? " (sensed)" : " (driven, not sensed)")
        }
    }

    /// A key or line whose press stops a session.
    package struct StopInput: Hashable, Sendable {
        package enum Kind: String, Sendable {
            /// An evdev key.
            case key
            /// A GPIO line that stops while it is high, or while it is low.
            case line
            case lineLow = "line-low"
        }

        package let kind: Kind
        /// The evdev device's or GPIO chip's name.
        package let device: String
        /// Key code or line offset.
        package let code: Int64

        package init(kind: Kind, device: String, code: Int64) {
            self.kind = kind
            self.device = device
            self.code = code
        }
    }

    /// Unix seconds, `to` not included; no session starts or runs inside.
    package struct ClosedTime: Hashable, Sendable {
        package let from: Int64
        package let to: Int64

        package init(from: Int64, to: Int64) {
            self.from = from
            self.to = to
        }
    }

    package struct Agreement: Hashable, Sendable {
        package let identifier: String
        /// base64url SHA-256 of the text's bytes.
        package let sha256: String
        /// Unix seconds after which a card with this text starts nothing; 0: no end.
        package let last: Int64

        package init(identifier: String, sha256: String, last: Int64) {
            self.identifier = identifier
            self.sha256 = sha256
            self.last = last
        }
    }

    package var boxKey: VerificationKey
    package var room: String
    package var sources: [Source]
    package var indicator = Indicator.none
    package var stopInputs: [StopInput] = []
    /// Seconds.
    package var maximumDuration: Int64 = 5400
    package var defaultDuration: Int64 = 3600
    package var holdMinutes: Int64 = 15
    package var closedTimes: [ClosedTime] = []
    package var purposes = ["reflection", "coaching", "collaboration", "enquiry"]
    package var agreements: [Agreement]
    /// Days after which an unsent recording may go; 0: never.
    package var unsentDays: Int64 = 0
    /// base64url SHA-256 of the authorities' payload.
    package var authorities: String
    package var sequence: Int64
    package var issued: Int64

    package init(
        boxKey: VerificationKey,
        room: String,
        sources: [Source],
        agreements: [Agreement],
        authorities: String,
        sequence: Int64,
        issued: Int64
    ) {
        self.boxKey = boxKey
        self.room = room
        self.sources = sources
        self.agreements = agreements
        self.authorities = authorities
        self.sequence = sequence
        self.issued = issued
    }

    /// The box's identifier: its key's RFC 7638 thumbprint, the `aud` of every token.
    package var box: String { boxKey.thumbprint }

    package func source(_ name: String) -> Source? { sources.first { $0.name == name } }

    /// Whether no session may run at this moment (Unix seconds).
    package func isClosed(at now: Int64) -> Bool {
        closedTimes.contains { $0.from <= now && now < $0.to }
    }

    /// Source names: `[a-z0-9-]{1,32}`.
    package static func isSourceName(_ name: String) -> Bool {
        (1...32).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || byte == UInt8(ascii: "-")
            }
    }

    /// Reads a room record and checks that enough of `authorities` signed it.
    package init(
        verifying document: ThresholdDocument,
        by authorities: Authorities
    )
        throws(Refusal)
    {
        try authorities.requireQuorum(document, as: .room, besides: [])
        try self.init(reading: document)
        guard self.authorities == authorities.hash else {
            throw Refusal(.record, "The room record belongs to other authorities.")
        }
    }
}

extension RoomRecord {
    /// Reads a room record without looking at its signatures, to show it or to sign it.
    package init(reading document: ThresholdDocument) throws(Refusal) {
        do {
            var reader = try MemberReader(try CanonicalJSON(parsing: document.payload))
            self.init(
                boxKey: try VerificationKey(jwk: try reader.value("key")),
                room: try reader.string("room"),
                sources: try reader.objects("sources").map(Self.source),
                agreements: try reader.objects("agreements").map(Self.agreement),
                authorities: try reader.string("authorities"),
                sequence: try reader.integer("sequence"),
                issued: try reader.integer("issued")
            )
            indicator = try Self.indicator(try reader.object("indicator"))
            stopInputs = try reader.objects("stop").map(Self.stopInput)
            maximumDuration = try reader.integer("maxDuration", in: 60...86_400)
            defaultDuration = try reader.integer("defaultDuration", in: 60...maximumDuration)
            holdMinutes = try reader.integer("holdMinutes", in: 0...10_080)
            closedTimes = try reader.objects("closed").map(Self.closedTime)
            purposes = try reader.strings("purposes", count: 1...32)
            unsentDays = try reader.integer("unsentDays", in: 0...3650)
            try reader.finish()
        } catch {
            throw Refusal(.payload, "The room record is not as specified: \(error).")
        }
        let names = sources.map(\.name)
        guard names.allSatisfy(Self.isSourceName), names == Set(names).sorted() else {
            throw Refusal(
                .payload,
                "Source names are [a-z0-9-], at most 32 long, sorted and unique."
            )
        }
    }

    package var payload: CanonicalJSON {
        .object([
            "agreements": .array(
                agreements.map { agreement in
                    .object([
                        "id": .string(agreement.identifier),
                        "last": .integer(agreement.last),
                        "sha256": .string(agreement.sha256),
                    ])
                }
            ),
            "authorities": .string(authorities),
            "closed": .array(
                closedTimes.map { .object(["from": .integer($0.from), "to": .integer($0.to)]) }
            ),
            "defaultDuration": .integer(defaultDuration),
            "holdMinutes": .integer(holdMinutes),
            "indicator": .object([
                "led": .string(indicator.led),
                "sensed": .integer(indicator.isSensed ? 1 : 0),
            ]),
            "issued": .integer(issued),
            "key": boxKey.jwk,
            "maxDuration": .integer(maximumDuration),
            "purposes": .array(purposes.map { .string($0) }),
            "room": .string(room),
            "sequence": .integer(sequence),
            "sources": .array(sources.map(Self.value)),
            "stop": .array(
                stopInputs.map { input in
                    .object([
                        "code": .integer(input.code),
                        "device": .string(input.device),
                        "kind": .string(input.kind.rawValue),
                    ])
                }
            ),
            "unsentDays": .integer(unsentDays),
        ])
    }

    private static func value(of source: Source) -> CanonicalJSON {
        var members: [String: CanonicalJSON] = [
            "kind": .string(source.kind.rawValue),
            "name": .string(source.name),
        ]
        if let device = source.device {
            members["port"] = .string(device.port)
            members["product"] = .string(device.product)
            members["serial"] = .string(device.serial)
            members["vendor"] = .string(device.vendor)
        }
        return .object(members)
    }

    private static func source(_ members: MemberReader) throws -> Source {
        var reader = members
        let name = try reader.string("name")
        guard let kind = SourceKind(rawValue: try reader.string("kind")) else {
            throw Refusal(.payload, "A source is a camera or a microphone.")
        }
        var device: USBDevice?
        if reader.has("port") {
            device = USBDevice(
                port: try reader.string("port"),
                vendor: try reader.string("vendor"),
                product: try reader.string("product"),
                serial: try reader.string("serial")
            )
        }
        try reader.finish()
        return Source(name: name, kind: kind, device: device)
    }

    private static func indicator(_ members: MemberReader) throws -> Indicator {
        var reader = members
        let indicator = Indicator(
            led: try reader.string("led"),
            isSensed: try reader.integer("sensed", in: 0...1) == 1
        )
        try reader.finish()
        return indicator
    }

    private static func stopInput(_ members: MemberReader) throws -> StopInput {
        var reader = members
        guard let kind = StopInput.Kind(rawValue: try reader.string("kind")) else {
            throw Refusal(.payload, "A stop input is a key, a line or a line-low.")
        }
        let input = StopInput(
            kind: kind,
            device: try reader.string("device"),
            code: try reader.integer("code", in: 0...65_535)
        )
        try reader.finish()
        return input
    }

    private static func closedTime(_ members: MemberReader) throws -> ClosedTime {
        var reader = members
        let time = ClosedTime(from: try reader.integer("from"), to: try reader.integer("to"))
        try reader.finish()
        guard time.from < time.to else {
            throw Refusal(.payload, "A closed time ends after it begins.")
        }
        return time
    }

    private static func agreement(_ members: MemberReader) throws -> Agreement {
        var reader = members
        let agreement = Agreement(
            identifier: try reader.string("id"),
            sha256: try reader.string("sha256"),
            last: try reader.integer("last")
        )
        try reader.finish()
        return agreement
    }
}
