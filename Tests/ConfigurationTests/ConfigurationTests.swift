internal import Configuration
internal import LinuxSystem
internal import Testing

private func parse(_ text: String) throws(ConfigurationError) -> BoxConfiguration {
    try BoxConfiguration(Array(text.utf8))
}

/// What the parser says of a text, as a technician reads it.
private func refusal(_ text: String) -> String {
    do throws(ConfigurationError) {
        _ = try parse(text)
        return "accepted"
    } catch {
        return error.description
    }
}

@Suite("Configuration of the box")
struct ConfigurationTests {
    @Test("An empty file and no file at all are the defaults")
    func defaults() throws {
        let configuration = try parse("")
        #expect(configuration == BoxConfiguration())
        #expect(try BoxConfiguration.read("/nonexistent/lenscap.toml") == configuration)
        #expect(configuration.encoder.video == .automatic)
        #expect(configuration.encoder.preset == .superfast)
        #expect(configuration.encoder.bitrate == 4_000_000)
        #expect(configuration.encoder.audioBitrate == 96_000)
        #expect(configuration.encoder.threads == 2)
        #expect(configuration.capture.priority == 10)
        #expect(configuration.spool.reserve == 1_073_741_824)
        #expect(configuration.upload.retryMinimum == 5)
        #expect(configuration.upload.retryMaximum == 3600)
        #expect(configuration.cameraDevice("front") == "/dev/lenscap/front")
        #expect(configuration.microphoneDevice("room") == "hw:room")
    }

    @Test("Every setting arrives where it belongs")
    func everything() throws {
        let configuration = try parse(
            """
            [paths]
            spool = "/srv/spool"
            outbox = '/srv/outbox'
            [encoder]
            video = "libx264"
            preset = "veryfast"
            bitrate = 2_500_000
            audio-bitrate = 64000
            threads = 1
            [capture]
            priority = 0
            [source.front]
            device = "/dev/video0"
            width = 1280
            height = 720
            frame-rate = 25
            [source."room-1"]
            device = "hw:1,0"
            sample-rate = 48000
            channels = 2
            [source.made]
            device = "test:"
            [lamp]
            sense-kind = "line-low"
            sense-device = "lamp: sense"
            sense-code = 3
            [spool]
            reserve = 0
            [upload]
            retry-minimum = 1
            retry-maximum = 86400
            """
        )
        var expected = BoxConfiguration()
        expected.paths.spool = "/srv/spool"
        expected.paths.outbox = "/srv/outbox"
        expected.encoder.video = .libx264
        expected.encoder.preset = .veryfast
        expected.encoder.bitrate = 2_500_000
        expected.encoder.audioBitrate = 64_000
        expected.encoder.threads = 1
        expected.capture.priority = 0
        expected.lampSense = BoxConfiguration.LampSense(
            kind: .lineLow,
            device: "lamp: sense",
            code: 3
        )
        expected.spool.reserve = 0
        expected.upload.retryMinimum = 1
        expected.upload.retryMaximum = 86_400
        #expect(configuration.sources.count == 3)
        let front = try #require(configuration.sources["front"])
        #expect(front.device == "/dev/video0")
        #expect(front.size == BoxConfiguration.PictureSize(width: 1280, height: 720))
        #expect(front.frameRate == 25)
        #expect(front.channels == nil)
        #expect(configuration.sources["room-1"]?.channels == 2)
        #expect(configuration.microphoneDevice("room-1") == "hw:1,0")
        #expect(configuration.cameraDevice("made") == "test:")
        expected.sources = configuration.sources
        #expect(configuration == expected)
    }

    @Test("The file that is shipped parses, and says the defaults, commented out or not")
    func shipped() throws {
        let path = "\(#filePath)".split(separator: "/").dropLast(3).joined(separator: "/")
        let file = "/\(path)/Config/lenscap.toml"
        #expect(try BoxConfiguration.read(file) == BoxConfiguration())

        // Its commented settings are real ones too.
        let bytes = try Descriptor.open(file).readAll(limit: 1 << 20)
        let text = String(decoding: bytes, as: UTF8.self)
        let settings = text.split(separator: "\n").map { line in
            line.hasPrefix("#") && !line.hasPrefix("# ") ? line.dropFirst() : line
        }
        let full = try parse(settings.joined(separator: "\n"))
        let defaults = Locations()
        #expect(full.encoder == BoxConfiguration.Encoder())
        #expect(full.paths.spool == defaults.spool)
        #expect(full.paths.outbox == defaults.outbox)
        #expect(full.cameraDevice("front") == BoxConfiguration().cameraDevice("front"))
        #expect(full.microphoneDevice("room") == BoxConfiguration().microphoneDevice("room"))
        #expect(Set(full.sources.keys) == ["front", "room"])
    }

    @Test(
        "A wrong setting is refused with its line and what is allowed",
        arguments: [
            (
                "\n[encoder]\nbitrte = 1",
                "3: there is no bitrte; here can stand video, preset, bitrate, audio-bitrate, threads"
            ),
            (
                "[network]\n",
                "1: there is no [network]; the tables are [paths], [encoder], [capture], [source.<name>], [lamp], [spool], [upload]"
            ),
            (
                "[source]\n",
                "1: there is no [source]; the tables are [paths], [encoder], [capture], [source.<name>], [lamp], [spool], [upload]"
            ),
            (
                "[encoder.video]\n",
                "1: there is no [encoder.video]; the tables are [paths], [encoder], [capture], [source.<name>], [lamp], [spool], [upload]"
            ),
            (
                "# first\nthreads = 1\n",
                "2: threads stands in no table; the tables are [paths], [encoder], [capture], [source.<name>], [lamp], [spool], [upload]"
            ),
            (
                "\n[lamp]\nsense-kind = \"key\"\n",
                "2: [lamp] must be sense-kind, sense-device and sense-code together"
            ),
            ("[encoder]\nthreads = 1\n\nthreads = 2", "4: threads is given twice, first in line 2"),
            (
                "[encoder]\nthreads = 1\n\"threads\" = 2",
                "3: threads is given twice, first in line 2"
            ),
            ("[spool]\n[encoder]\n[spool]", "3: [spool] is given twice, first in line 1"),
            ("[source.a]\n[source.'a']", "2: [source.a] is given twice, first in line 1"),
            ("[encoder]\nthreads = \"2\"", "2: threads must be a whole number"),
            ("[encoder]\nvideo = 1", "2: video must be a text in quotes"),
            ("[encoder]\nvideo = true", "2: video must be a text in quotes"),
            ("[encoder]\nthreads = [1]", "2: threads must be a whole number"),
            ("[encoder]\nthreads = 0", "2: threads must be 1…16"),
            ("[encoder]\nthreads = 17", "2: threads must be 1…16"),
            ("[encoder]\nbitrate = 99_999", "2: bitrate must be 100000…50000000"),
            ("[encoder]\nbitrate = 50000001", "2: bitrate must be 100000…50000000"),
            (
                "[encoder]\nvideo = \"h264_nvenc\"",
                "2: video must be \"auto\" or \"h264_v4l2m2m\" or \"h264_vaapi\" or \"libx264\""
            ),
            (
                "[encoder]\npreset = \"slow\"",
                "2: preset must be \"ultrafast\" or \"superfast\" or \"veryfast\""
            ),
            ("[source.a]\nsample-rate = 44100", "2: sample-rate must be 48000"),
            ("[source.a]\nchannels = 3", "2: channels must be 1…2"),
            ("[source.a]\nwidth = 640", "2: width must be given with height"),
            ("[source.a]\n\nheight = 480", "3: height must be given with width"),
            (
                "[source.a]\ndevice = \"/etc/passwd\"",
                "2: device must be \"/dev/…\", \"hw:…\" or \"test:…\""
            ),
            (
                "[source.a]\ndevice = \"/dev/../etc/passwd\"",
                "2: device must be \"/dev/…\", \"hw:…\" or \"test:…\""
            ),
            (
                "[source.a]\ndevice = \"hw:\"",
                "2: device must be \"/dev/…\", \"hw:…\" or \"test:…\""
            ),
            (
                "\n[source.Front]\n",
                "2: the name of a source must be 1 to 32 of the characters a-z, 0-9 and -"
            ),
            (
                "[source.\"\"]\n",
                "1: the name of a source must be 1 to 32 of the characters a-z, 0-9 and -"
            ),
            ("[paths]\nspool = \"spool\"", "2: spool must be an absolute path without . and .."),
            ("[paths]\nspool = \"/a/../b\"", "2: spool must be an absolute path without . and .."),
            ("[paths]\nspool = \"/a/\"", "2: spool must be an absolute path without . and .."),
            ("[spool]\nreserve = -1", "2: reserve must be 0…1125899906842624"),
            (
                "[upload]\nretry-maximum = 9\nretry-minimum = 10",
                "3: retry-minimum must be at most retry-maximum (9)"
            ),
            ("[upload]\nretry-maximum = 3", "1: retry-minimum must be at most retry-maximum (3)"),
        ]
    )
    func wrong(text: String, message: String) {
        #expect(refusal(text) == "lenscap.toml:" + message)
    }

    @Test(
        "What the subset leaves out or TOML forbids is refused with its line",
        arguments: [
            ("\n\n[[source]]", 3, "arrays of tables"),
            ("[a", 1, "a table is written"),
            ("[]", 1, "a name is of letters"),
            ("[a.]", 1, "a name is of letters"),
            ("[spool] reserve = 1", 1, "one key or table a line"),
            ("[spool]\na.b = 1", 2, "dotted keys"),
            ("[spool]\nreserve", 2, "followed by ="),
            ("[spool]\nreserve 1", 2, "followed by ="),
            ("[spool]\nreserve =", 2, "a value is missing"),
            ("[spool]\nreserve = # none", 2, "a value is missing"),
            ("[spool]\nreserve = 1 2", 2, "one key or table a line"),
            ("[spool]\nreserve = {}", 2, "inline tables"),
            ("[spool]\nreserve = 1.5", 2, "1.5 is no value"),
            ("[spool]\nreserve = 1e3", 2, "1e3 is no value"),
            ("[spool]\nreserve = 0x10", 2, "0x10 is no value"),
            ("[spool]\nreserve = 010", 2, "010 is no value"),
            ("[spool]\nreserve = 1__0", 2, "1__0 is no value"),
            ("[spool]\nreserve = _1", 2, "_1 is no value"),
            ("[spool]\nreserve = 1_", 2, "1_ is no value"),
            ("[spool]\nreserve = +-1", 2, "+-1 is no value"),
            ("[spool]\nreserve = -", 2, "- is no value"),
            ("[spool]\nreserve = True", 2, "True is no value"),
            ("[spool]\nreserve = nan", 2, "nan is no value"),
            ("[spool]\nreserve = 2026-01-01", 2, "2026-01-01 is no value"),
            ("[spool]\nreserve = 9223372036854775808", 2, "too large"),
            ("[spool]\nreserve = ١", 2, "a value is missing"),
            ("[paths]\nspool = \"/a\nb\"", 2, "ends with its quote"),
            ("[paths]\nspool = '/a", 2, "ends with its quote"),
            ("[paths]\nspool = \"/a\u{1}\"", 2, "ends with its quote"),
            ("[paths]\nspool = \"\"\"/a\"\"\"", 2, "multi-line strings"),
            ("[paths]\nspool = '''/a'''", 2, "multi-line strings"),
            ("[paths]\nspool = \"\\x41\"", 2, "after \\ can stand"),
            ("[paths]\nspool = \"\\uD800\"", 2, "after \\ can stand"),
            ("[paths]\nspool = \"\\u12\"", 2, "after \\ can stand"),
            ("[paths]\nspool = \"\\", 2, "after \\ can stand"),
            ("[paths]\nspool = [1 2]", 2, "between commas"),
            ("[paths]\nspool = [\n1,\n# two\n,]", 5, "a value is missing"),
            ("[paths]\nspool = [[[[[[1]]]]]]", 2, "too deep"),
            ("[paths]\n# bell \u{7}\n", 2, "control character"),
            ("[paths]\rspool = 1", 1, "one key or table a line"),
            ("\u{FEFF}[paths]", 1, "a name is of letters"),
        ]
    )
    func syntax(text: String, line: Int, part: String) {
        let message = refusal(text)
        #expect(message.hasPrefix("lenscap.toml:\(line): "), "\(message)")
        #expect(message.contains(part), "\(message)")
    }

    @Test("A line that is not UTF-8 is named")
    func encoding() {
        #expect(
            throws: ConfigurationError.syntax(
                FilePosition(file: "lenscap.toml", line: 2),
                "this line is not UTF-8 text"
            )
        ) { try BoxConfiguration(Array("[spool]\n# ".utf8) + [0xC3, 0x28]) }
    }

    @Test("Windows line ends, spaces, comments and escapes are read as TOML has them")
    func forms() throws {
        let configuration = try parse(
            "\t[ paths ]  # where\r\n  \"spool\"\t=\t\"/a\\u0020\\U0001F600\\t\\\"\\\\\" # there\r\n"
                + "outbox='/C:\\x'\r\n\r\n[spool]\r\nreserve=+1_0"
        )
        #expect(configuration.paths.spool == "/a 😀\t\"\\")
        #expect(configuration.paths.outbox == "/C:\\x")
        #expect(configuration.spool.reserve == 10)
    }

    @Test("Cut anywhere, the shipped file gives a configuration or an error with a line, no trap")
    func cuts() {
        let text =
            "[paths]\nspool = \"/a\\u0041\"\noutbox = ['x', [1, true],\n]\n[source.\"a\"]\nwidth = -1_0"
        let bytes = Array(text.utf8)
        for count in 0..<bytes.count {
            do throws(ConfigurationError) {
                _ = try BoxConfiguration(Array(bytes[..<count]))
            } catch {
                #expect(error.description.hasPrefix("lenscap.toml:"))
            }
        }
    }

    @Test("A file that cannot be read is no reason to go on with the defaults")
    func unreadable() {
        #expect(throws: ConfigurationError.self) { try BoxConfiguration.read("/proc") }
    }
}
