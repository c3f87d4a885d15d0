internal import LinuxSystem

/// A ``TestCamera``'s address, read.
struct TestCameraAddress {
    struct Faults {
        let lose: Int
        let damage: Int
        let hang: Int
        let gone: Int
        let stamps: TestStamps
    }

    let pixelFormat: PixelFormat
    let pad: Int
    /// Of a clip; nil for the test picture.
    let file: String?
    let isFullRange: Bool
    let matrix: ColourMatrix
    let ppm: Int
    let plug: TestPlug
    /// A file to hold open like a device's node.
    let node: String?
    private let faults: Faults

    private static let formats: [String: PixelFormat] = [
        "nv12": .nv12, "yu12": .yu12, "yuyv": .yuyv, "uyvy": .uyvy, "yvyu": .yvyu, "vyuy": .vyuy,
        "mjpeg": .mjpeg, "h264": .h264,
    ]
    private static let options: Set = TestPlug.options.union([
        "format", "pad", "ppm", "lose", "damage", "hang", "gone", "stamps", "hold",
    ])

    /// Nil when the address says something unknown.
    init?(_ path: String) {
        let clipOptions = Self.options.union(["file", "range", "matrix"])
        let picture = TestAddress(path, kind: "picture", options: Self.options)
        guard let address = picture ?? TestAddress(path, kind: "clip", options: clipOptions),
            let pixelFormat = Self.formats[address.text("format") ?? "nv12"],
            let pad = address.integer("pad", default: 0, in: 0...4096), pad.isMultiple(of: 2),
            let ppm = address.integer("ppm", default: 0, in: -100_000...100_000),
            let plug = TestPlug(address),
            let faults = Faults(address)
        else { return nil }
        file = address.text("file")
        // The picture is drawn on; a clip is nothing without its file.
        guard picture != nil ? !pixelFormat.isCompressed : file != nil else { return nil }
        switch address.text("range") ?? "limited" {
        case "limited": isFullRange = false
        case "full": isFullRange = true
        default: return nil
        }
        switch address.text("matrix") ?? "601" {
        case "601": matrix = .bt601
        case "709": matrix = .bt709
        default: return nil
        }
        self.pixelFormat = pixelFormat
        self.pad = pad
        self.ppm = ppm
        self.plug = plug
        self.faults = faults
        node = address.text("hold")
    }

    /// What is to go wrong; once it is back, nothing that should happen once.
    func faults(isBack: Bool) -> Faults {
        isBack ? faults.mended : faults
    }

    /// So many milliseconds after its first opening the camera goes; `Int.max` for never.
    func gone(frameRate: Int) -> Int {
        faults.gone == .max ? .max : faults.gone * 1000 / frameRate
    }
}

extension TestCameraAddress.Faults {
    fileprivate init?(_ address: TestAddress) {
        guard let lose = address.integer("lose", default: 0, in: 2...1_000_000),
            let damage = address.integer("damage", default: 0, in: 1...1_000_000),
            let hang = address.integer("hang", default: .max, in: 0...1_000_000),
            let gone = address.integer("gone", default: .max, in: 0...1_000_000),
            let stamps = TestStamps(rawValue: address.text("stamps") ?? "right")
        else { return nil }
        self.init(lose: lose, damage: damage, hang: hang, gone: gone, stamps: stamps)
    }

    fileprivate var mended: Self {
        Self(lose: lose, damage: damage, hang: .max, gone: .max, stamps: stamps)
    }
}
