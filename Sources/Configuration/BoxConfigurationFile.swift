internal import LinuxSystem

extension BoxConfiguration {
    private static let mostBytes = 1 << 20

    /// Reads the file at `path`; one that does not exist means the defaults.
    package static func read(_ path: String) throws(ConfigurationError) -> BoxConfiguration {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Descriptor.open(path).readAll(limit: mostBytes)
        } catch {
            if error.isNotFound { return BoxConfiguration() }
            throw .unreadable(
                SystemError(call: error.call, subject: path, number: error.number)
            )
        }
        return try BoxConfiguration(bytes, file: name)
    }

    /// Decodes the text of a file; `file` is the name that errors show.
    package init(_ bytes: [UInt8], file: String = "lenscap.toml") throws(ConfigurationError) {
        self.init()
        let document = try TOMLDocument(bytes, file: file)
        for table in document.tables { try take(table, of: file) }
    }

    private mutating func take(
        _ table: TOMLDocument.Table,
        of file: String
    )
        throws(ConfigurationError)
    {
        var reader = TableReader(table, file: file)
        switch table.path {
        case []:
            guard let first = table.entries.first else { return }
            throw .syntax(
                FilePosition(file: file, line: first.line),
                "\(first.key) stands in no table; the tables are \(BoxConfiguration.tableList)"
            )
        case ["paths"]: try takePaths(&reader)
        case ["encoder"]: try takeEncoder(&reader)
        case ["capture"]:
            capture.priority = try reader.integer("priority", in: 0...99) ?? capture.priority
        case ["lamp"]: try takeLamp(&reader)
        case ["spool"]:
            spool.reserve = try reader.integer("reserve", in: 0...1 << 50) ?? spool.reserve
        case ["upload"]: try takeUpload(&reader)
        default:
            guard table.path.count == 2, table.path[0] == "source" else {
                throw .unknownTable(
                    FilePosition(file: file, line: table.line),
                    name: table.name,
                    allowed: BoxConfiguration.tables
                )
            }
            try takeSource(table.path[1], &reader)
        }
        try reader.finish()
    }

    private static let tables = [
        "[paths]", "[encoder]", "[capture]", "[source.<name>]", "[lamp]", "[spool]", "[upload]",
    ]

    private static var tableList: String { tables.joined(separator: ", ") }

    private mutating func takePaths(_ reader: inout TableReader) throws(ConfigurationError) {
        paths.spool = try reader.path("spool")
        paths.outbox = try reader.path("outbox")
    }

    private mutating func takeEncoder(_ reader: inout TableReader) throws(ConfigurationError) {
        let absent = Encoder()
        encoder.video = try reader.choice("video", VideoEncoder.self) ?? absent.video
        encoder.preset = try reader.choice("preset", Preset.self) ?? absent.preset
        encoder.bitrate =
            try reader.integer("bitrate", in: 100_000...50_000_000) ?? absent.bitrate
        encoder.audioBitrate =
            try reader.integer("audio-bitrate", in: 32_000...320_000) ?? absent.audioBitrate
        encoder.threads = try reader.integer("threads", in: 1...16) ?? absent.threads
    }

    private mutating func takeLamp(_ reader: inout TableReader) throws(ConfigurationError) {
        let kind = try reader.choice("sense-kind", LampSense.Kind.self)
        let device = try reader.text("sense-device", "a name") { $0.isEmpty ? nil : $0 }
        let code = try reader.integer("sense-code", in: 0...65_535)
        switch (kind, device, code) {
        case (nil, nil, nil): break
        case (let kind?, let device?, let code?):
            lampSense = LampSense(kind: kind, device: device, code: code)
        default:
            throw .notAllowed(
                reader.place(of: ""),
                name: "[lamp]",
                allowed: "sense-kind, sense-device and sense-code together"
            )
        }
    }

    private mutating func takeUpload(_ reader: inout TableReader) throws(ConfigurationError) {
        let absent = Upload()
        upload.retryMinimum =
            try reader.integer("retry-minimum", in: 1...86_400) ?? absent.retryMinimum
        upload.retryMaximum =
            try reader.integer("retry-maximum", in: 1...86_400) ?? absent.retryMaximum
        guard upload.retryMinimum <= upload.retryMaximum else {
            throw .notAllowed(
                reader.place(of: "retry-minimum"),
                name: "retry-minimum",
                allowed: "at most retry-maximum (\(upload.retryMaximum))"
            )
        }
    }

    private mutating func takeSource(
        _ name: String,
        _ reader: inout TableReader
    )
        throws(ConfigurationError)
    {
        guard BoxConfiguration.isSourceName(name) else {
            throw .notAllowed(
                reader.place(of: ""),
                name: "the name of a source",
                allowed: "1 to 32 of the characters a-z, 0-9 and -"
            )
        }
        var source = Source()
        source.device = try reader.text("device", "\"/dev/…\", \"hw:…\" or \"test:…\"") {
            BoxConfiguration.isDevice($0) ? $0 : nil
        }
        let width = try reader.integer("width", in: 16...7680)
        let height = try reader.integer("height", in: 16...4320)
        switch (width, height) {
        case (nil, nil): break
        case (let width?, let height?): source.size = PictureSize(width: width, height: height)
        case (_, nil):
            throw .notAllowed(
                reader.place(of: "width"),
                name: "width",
                allowed: "given with height"
            )
        case (nil, _):
            throw .notAllowed(
                reader.place(of: "height"),
                name: "height",
                allowed: "given with width"
            )
        }
        source.frameRate = try reader.integer("frame-rate", in: 1...120)
        source.sampleRate = try reader.integer("sample-rate", in: 48_000...48_000) ?? 48_000
        source.channels = try reader.integer("channels", in: 1...2)
        sources[name] = source
    }

    private static func isDevice(_ text: String) -> Bool {
        if text.contains("\0") { return false }
        if text.hasPrefix("/dev/") {
            return text.dropFirst(5).split(separator: "/", omittingEmptySubsequences: false)
                .allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
        }
        return text.hasPrefix("test:") || (text.hasPrefix("hw:") && text.utf8.count > 3)
    }
}
