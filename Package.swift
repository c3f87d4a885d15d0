// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
]

let argumentParser = Target.Dependency.product(
    name: "ArgumentParser",
    package: "swift-argument-parser"
)

/// A C library of the system, or a header of shims for what Swift cannot import.
func system(_ name: String, pkgConfig: String? = nil, debian package: String? = nil) -> Target {
    .systemLibrary(
        name: name,
        pkgConfig: pkgConfig,
        providers: package.map { [.apt([$0])] }
    )
}

func module(
    _ name: String,
    _ dependencies: [String] = [],
    packages: [Target.Dependency] = [],
    resources: [Resource]? = nil
) -> Target {
    .target(
        name: name,
        dependencies: dependencies.map { .byName(name: $0) } + packages,
        resources: resources,
        swiftSettings: settings
    )
}

func program(_ name: String, _ library: String) -> Target {
    .executableTarget(name: name, dependencies: [.byName(name: library)], swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [String]) -> Target {
    .testTarget(
        name: name + "Tests",
        dependencies: ([name] + dependencies).map { .byName(name: $0) },
        swiftSettings: settings
    )
}

let package = Package(
    name: "lenscap",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
    ],
    targets: [
        // Level 0: C.
        system("CSystem"),
        system("CLinux", pkgConfig: "libv4lconvert", debian: "libv4l-dev"),
        system("CInput"),
        system("CALSA", pkgConfig: "alsa", debian: "libasound2-dev"),
        system(
            "CLibAV",
            pkgConfig: "libavformat libavcodec libavutil libswresample",
            debian: "libavformat-dev"
        ),
        system("COpenSSL", pkgConfig: "libcrypto", debian: "libssl-dev"),
        system("CTurboJPEG", pkgConfig: "libturbojpeg", debian: "libturbojpeg0-dev"),
        system("CYUV", debian: "libyuv-dev"),

        // Level 1: the machine, time, cryptography.
        module("H264"),
        module("LinuxSystem", ["CSystem"]),
        module("MediaTime"),
        module("CryptoPrimitives", ["COpenSSL"]),

        // Level 2: one subject each.
        module("Age", ["CryptoPrimitives"]),
        module("Camera", ["CLinux", "H264", "LinuxSystem"]),
        module("Configuration", ["LinuxSystem"]),
        module("Consent", ["CryptoPrimitives"]),
        module("DigitalInput", ["CInput", "LinuxSystem"]),
        module("LEDClass", ["LinuxSystem"]),
        module("LibAV", ["CLibAV", "H264", "LinuxSystem", "MediaTime"]),
        module("Microphone", ["CALSA", "LinuxSystem"]),
        module("Pipeline", ["LinuxSystem"]),
        module("PixelConversion", ["CTurboJPEG", "CYUV"]),
        module("RecorderProtocol"),
        module("Spool", ["CryptoPrimitives", "LinuxSystem"]),
        module("TransparencyLog", ["CryptoPrimitives"]),
        module("USBAuthorization", ["LinuxSystem"]),
        module("Varlink", ["LinuxSystem"]),

        // Level 3: what the programs are about.
        module(
            "Authority",
            [
                "Age", "Consent", "CryptoPrimitives", "DigitalInput", "LEDClass", "LinuxSystem",
                "RecorderProtocol", "Spool", "TransparencyLog", "USBAuthorization", "Varlink",
            ],
            resources: [.embedInCode("Interfaces")]
        ),
        module(
            "Auditing",
            ["Consent", "CryptoPrimitives", "LinuxSystem", "TransparencyLog"]
        ),
        module(
            "Recording",
            [
                "Age", "Camera", "CryptoPrimitives", "H264", "LibAV", "LinuxSystem", "MediaTime",
                "Microphone", "Pipeline", "PixelConversion", "Spool",
            ]
        ),
        module(
            "TeacherTools",
            ["Age", "Consent", "CryptoPrimitives", "LinuxSystem", "Spool", "TransparencyLog"]
        ),
        module(
            "Uploading",
            ["Consent", "CryptoPrimitives", "LinuxSystem", "Spool", "TransparencyLog"]
        ),

        // Level 4: one composition for each program.
        module(
            "AuthorityProgram",
            [
                "Authority", "Configuration", "Consent", "CryptoPrimitives", "DigitalInput",
                "LinuxSystem", "Varlink",
            ],
            packages: [argumentParser]
        ),
        module(
            "CommandLineProgram",
            [
                "Auditing", "Authority", "Configuration", "Consent", "CryptoPrimitives",
                "LinuxSystem", "TeacherTools", "TransparencyLog", "Varlink",
            ],
            packages: [argumentParser]
        ),
        module(
            "RecorderProgram",
            [
                "Age", "Camera", "Configuration", "Consent", "CryptoPrimitives", "LibAV",
                "LinuxSystem", "Microphone", "RecorderProtocol", "Recording", "Spool", "Varlink",
            ],
            packages: [argumentParser]
        ),
        module(
            "UploaderProgram",
            ["Configuration", "LinuxSystem", "Spool", "Uploading"],
            packages: [argumentParser]
        ),

        // Level 5: the programs.
        program("lenscap", "CommandLineProgram"),
        program("lenscap-recorder", "RecorderProgram"),
        program("lenscap-uploader", "UploaderProgram"),
        program("lenscapd", "AuthorityProgram"),

        // One for each module, and the rules that no single module can test.
        .target(
            name: "TestSupport",
            dependencies: ["LinuxSystem"],
            path: "Tests/TestSupport",
            swiftSettings: settings
        ),
        .target(
            name: "AllocationCount",
            path: "Tests/AllocationCount"
        ),
        tests("Age", ["CryptoPrimitives", "LinuxSystem", "TestSupport"]),
        tests(
            "Auditing",
            ["Consent", "CryptoPrimitives", "LinuxSystem", "TransparencyLog"]
        ),
        tests(
            "Authority",
            [
                "Age", "Consent", "CryptoPrimitives", "DigitalInput", "LinuxSystem", "Spool",
                "TestSupport", "TransparencyLog", "USBAuthorization",
            ]
        ),
        tests("Camera", ["CLinux", "LinuxSystem", "TestSupport"]),
        tests("Configuration", ["LinuxSystem"]),
        tests("Consent", ["CryptoPrimitives", "LinuxSystem"]),
        tests("CryptoPrimitives", ["TestSupport"]),
        tests("DigitalInput", ["LinuxSystem", "TestSupport"]),
        tests("H264", ["TestSupport"]),
        tests("LEDClass", ["LinuxSystem", "TestSupport"]),
        tests("LibAV", ["MediaTime", "TestSupport"]),
        tests("LinuxSystem", ["TestSupport"]),
        tests("MediaTime", []),
        tests("Microphone", ["Camera", "LinuxSystem", "TestSupport"]),
        tests("Pipeline", ["LinuxSystem"]),
        tests("PixelConversion", ["LinuxSystem", "TestSupport"]),
        tests(
            "Recording",
            [
                "AllocationCount", "Camera", "LibAV", "LinuxSystem", "MediaTime", "Microphone",
                "Pipeline", "TestSupport",
            ]
        ),
        tests(
            "Spool",
            ["Consent", "CryptoPrimitives", "LinuxSystem", "TransparencyLog", "Uploading"]
        ),
        tests(
            "TeacherTools",
            ["Age", "Consent", "CryptoPrimitives", "LinuxSystem", "Spool", "TransparencyLog"]
        ),
        tests("TransparencyLog", ["CryptoPrimitives", "LinuxSystem", "TestSupport"]),
        tests(
            "Uploading",
            ["Age", "Consent", "CryptoPrimitives", "LinuxSystem", "Spool", "TransparencyLog"]
        ),
        tests("USBAuthorization", ["LinuxSystem", "TestSupport"]),
        tests("Varlink", ["LinuxSystem"]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "Authority", "Consent", "CryptoPrimitives", "LinuxSystem", "Spool",
                "TeacherTools", "Varlink",
            ],
            exclude: ["Judges", "Transcripts"],
            swiftSettings: settings
        ),
        // Lessons by the thousand on a simulated disk, by chance that comes again from its seed.
        .target(
            name: "Simulation",
            dependencies: [
                "Age", "Authority", "Consent", "CryptoPrimitives", "LinuxSystem", "MediaTime",
                "Recording", "Spool", "TeacherTools", "Uploading",
            ],
            path: "Tests/Simulation/World",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "simulate",
            dependencies: ["LinuxSystem", "Simulation"],
            path: "Tests/Simulation/Program",
            swiftSettings: settings
        ),
        tests("Simulation", []),
        .testTarget(
            name: "ArchitectureTests",
            dependencies: ["LinuxSystem"],
            swiftSettings: settings
        ),
    ]
)

// What `make fuzz` builds, in scratch paths of its own; without the variable none of it exists.
// libFuzzer sees only what was compiled for it, so the libraries under test are.
if let fuzzing = Context.environment["LENSCAP_FUZZ"] {
    let instruments =
        fuzzing == "coverage"
        ? ["-profile-generate", "-profile-coverage-mapping", "-sanitize=fuzzer"]
        : ["-sanitize=fuzzer,address"]
    for target in package.targets where target.type == .regular {
        target.swiftSettings = settings + [.unsafeFlags(instruments + ["-enable-testing"])]
    }
    package.targets += [
        .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "Age", "CFuzzer", "Configuration", "Consent", "CryptoPrimitives", "H264",
                "LinuxSystem", "PixelConversion", "RecorderProtocol", "Spool", "TransparencyLog",
                "Varlink",
            ],
            path: "Tests/Fuzz/Harness",
            swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])],
            // The default linker does not take the sections that libFuzzer counts in.
            linkerSettings: [.unsafeFlags(["-use-ld=lld"] + instruments)]
        ),
    ]
}

// What `make bench` builds beside the programs; without the variable it does not exist.
if Context.environment["LENSCAP_BENCHMARK"] != nil {
    package.targets += [
        .executableTarget(
            name: "Benchmark",
            dependencies: [
                "Age", "Camera", "CryptoPrimitives", "LibAV", "LinuxSystem", "MediaTime",
                "Microphone", "PixelConversion", "Recording", "Spool",
            ],
            path: "Tests/Benchmark/Program",
            swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]
        ),
        .executableTarget(
            name: "Sealing",
            dependencies: ["Age", "LinuxSystem", "Spool"],
            path: "Tests/Benchmark/Sealing",
            swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]
        ),
    ]
}
