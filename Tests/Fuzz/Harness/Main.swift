internal import CFuzzer
internal import LinuxSystem

/// Runs libFuzzer on the target that `--target=<name>` names, with libFuzzer's own arguments.
///
/// The name keeps its two dashes: libFuzzer overlooks such an argument and hands it on to the
/// processes that it starts itself (`-merge=1`). With `--seeds=<folder>` the target's first inputs
/// are written there instead; with `--list` the names of all targets are printed,
/// and with `--growth` long inputs are timed.
@_cdecl("Fuzz_main")
func fuzzMain(
    _ count: Int32,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
    if CommandLine.arguments.contains("--list") {
        for target in FuzzTarget.all { print(target.name, target.longest) }
        return 0
    }
    if CommandLine.arguments.contains("--growth") { return Growth.measure() }
    guard let chosen = FuzzTarget.chosen else {
        print("--target=", FuzzTarget.all.map(\.name).joined(separator: "|"), separator: "")
        return 64
    }
    if let folder = option("--seeds=") { return writeSeeds(of: chosen, to: folder) }
    var count = count
    var arguments = arguments
    return LLVMFuzzerRunDriver(&count, &arguments, fuzzOnce)
}

/// One input; has the name by which libFuzzer's own `main` asks for it, which the linker may take
/// in even though it is not used.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzOnce(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
    FuzzTarget.chosen?.run(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
}

private func writeSeeds(of target: FuzzTarget, to path: String) -> Int32 {
    do {
        let folder = try Folder(path: path)
        for (number, seed) in try target.seeds().enumerated() {
            try folder.writeDurably("seed-\(number)", seed, replacing: true)
        }
        return 0
    } catch {
        print("\(target.name): \(error)")
        return 1
    }
}

/// The value of an argument `name=value`.
private func option(_ name: String) -> String? {
    CommandLine.arguments.first { $0.hasPrefix(name) }.map { String($0.dropFirst(name.count)) }
}

extension FuzzTarget {
    static let all = [
        json, encodings, keys, token, start, records, document, leaf, framing, message, ageFile,
        ageStanzas, bech32, note, configuration, h264, jpeg,
    ]

    static let chosen = option("--target=").flatMap { name in all.first { $0.name == name } }
}
