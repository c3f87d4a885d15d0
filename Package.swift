// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
]

func module(_ name: String, _ dependencies: [String] = [], resources: [Resource]? = nil)
    -> [Target]
{
    [
        .target(
            name: name,
            dependencies: dependencies.map { .byName(name: $0) },
            resources: resources,
            swiftSettings: settings
        )
    ]
}

let package = Package(
    name: "lenscap",
    targets: [
        .systemLibrary(name: "CSystem", path: "Sources/CSystem"),
        .systemLibrary(
            name: "COpenSSL", path: "Sources/COpenSSL", pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"])]),
    ]
        + module("LinuxSystem", ["CSystem"])
        + module("CryptoPrimitives", ["COpenSSL"])
        + module("Age", ["CryptoPrimitives"])
        + module("Consent", ["CryptoPrimitives"])
        + module("RecorderProtocol")
        + module("Spool", ["CryptoPrimitives", "LinuxSystem"])
        + module("Varlink", ["LinuxSystem"])
        + module(
            "Authority",
            [
                "Age", "Consent", "CryptoPrimitives", "LinuxSystem", "RecorderProtocol", "Spool",
                "Varlink",
            ],
            resources: [.embedInCode("Interfaces")])
        + module(
            "TeacherTools", ["Age", "Consent", "CryptoPrimitives", "LinuxSystem", "Spool"])
        + module("Uploading", ["Consent", "CryptoPrimitives", "LinuxSystem", "Spool"])
)
