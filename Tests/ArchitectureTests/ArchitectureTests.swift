import LinuxSystem
import Testing

/// The module table of the house: a module imports lower levels only, and some never meet.
///
/// The compiler checks what a target declares, not what it reaches through others; this reads the
/// `import` lines themselves.
@Suite struct ArchitectureTests {
    private static let levels: [[String]] = [
        ["CSystem", "CLinux", "CInput", "CALSA", "CLibAV", "COpenSSL", "CTurboJPEG", "CYUV"],
        ["H264", "LinuxSystem", "MediaTime", "CryptoPrimitives"],
        [
            "Age", "Camera", "Configuration", "Consent", "DigitalInput", "LEDClass", "LibAV",
            "Microphone", "Pipeline", "PixelConversion", "RecorderProtocol", "Spool",
            "TransparencyLog", "USBAuthorization", "Varlink",
        ],
        ["Auditing", "Authority", "Recording", "TeacherTools", "Uploading"],
        ["AuthorityProgram", "CommandLineProgram", "RecorderProgram", "UploaderProgram"],
        ["lenscap", "lenscap-recorder", "lenscap-uploader", "lenscapd"],
    ]

    /// The one module that may see a C module.
    private static let ownerOfC = [
        "CALSA": "Microphone", "CInput": "DigitalInput", "CLibAV": "LibAV", "CLinux": "Camera",
        "COpenSSL": "CryptoPrimitives", "CSystem": "LinuxSystem", "CTurboJPEG": "PixelConversion",
        "CYUV": "PixelConversion",
    ]

    private static let forbidden: [String: Set<String>] = [
        "Uploading": ["Camera", "Microphone", "LibAV", "Recording"],
        "Authority": ["Camera", "Microphone", "LibAV", "Recording", "Uploading"],
        "TeacherTools": ["LibAV", "Camera", "Microphone", "Varlink"],
        "Recording": ["Uploading", "Varlink"],
    ]

    private static let fromOutside: Set<String> = [
        "ArgumentParser", "FoundationEssentials", "Glibc", "Synchronization",
    ]

    private static var root: String {
        "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    }

    private static func level(of module: String) -> Int? {
        levels.firstIndex { $0.contains(module) }
    }

    /// The modules that each source folder imports.
    private static func imports() throws -> [String: Set<String>] {
        var result: [String: Set<String>] = [:]
        let sources = try Folder(path: "\(root)/Sources")
        for module in try sources.names() {
            let folder = try sources.folder(module)
            for name in try folder.names() where name.hasSuffix(".swift") {
                let lines = try folder.read(name, limit: 1 << 20).split(separator: 0x0A)
                for line in lines where line.firstRange(of: Array("import ".utf8)) != nil {
                    let words = line.split(separator: 0x20).map {
                        String(decoding: $0, as: UTF8.self)
                    }
                    guard let keyword = words.firstIndex(of: "import"), keyword < 2,
                        words.count == keyword + 2
                    else { continue }
                    result[module, default: []].insert(words[keyword + 1])
                }
            }
        }
        return result
    }

    @Test("Every source folder has its level")
    func everyModuleHasALevel() throws {
        let folders = Set(try Folder(path: "\(Self.root)/Sources").names())
        #expect(folders == Set(Self.levels.joined()))
    }

    @Test("A module imports lower levels only")
    func importsGoDown() throws {
        let imports = try Self.imports()
        #expect(imports.count > 20, "the sources were not found")
        for (module, imported) in imports {
            let level = try #require(Self.level(of: module))
            for other in imported where !Self.fromOutside.contains(other) {
                let otherLevel = try #require(
                    Self.level(of: other),
                    "\(module) imports \(other), which nobody knows"
                )
                #expect(otherLevel < level, "\(module) imports \(other)")
            }
        }
    }

    @Test("A C module is seen by its one owner")
    func cHasOneOwner() throws {
        for (module, imported) in try Self.imports() {
            for other in imported.intersection(Self.levels[0]) {
                #expect(Self.ownerOfC[other] == module, "\(module) imports \(other)")
            }
        }
    }

    @Test("Consent knows nothing but cryptography")
    func consentStandsAlone() throws {
        #expect(try Self.imports()["Consent"] == ["CryptoPrimitives"])
    }

    @Test("Devices, network and teachers' keys do not meet")
    func forbiddenPairs() throws {
        let imports = try Self.imports()
        for (module, others) in Self.forbidden {
            let found = (imports[module] ?? []).intersection(others)
            #expect(found.isEmpty, "\(module) imports \(found)")
        }
    }

    @Test("Only LinuxSystem reads errno")
    func errnoIsReadOnce() throws {
        let sources = try Folder(path: "\(Self.root)/Sources")
        for module in try sources.names() where module != "LinuxSystem" {
            let folder = try sources.folder(module)
            for name in try folder.names() where name.hasSuffix(".swift") {
                for line in try folder.read(name, limit: 1 << 20).split(separator: 0x0A)
                where line.firstRange(of: Array("errno".utf8)) != nil {
                    let comment = line.firstRange(of: Array("//".utf8))
                    #expect(comment != nil, "\(module)/\(name) reads errno")
                }
            }
        }
    }
}
