internal import ArgumentParser
internal import Consent

/// `NAME` or `NAME=PORT,VENDOR,PRODUCT,SERIAL`.
struct SourceArgument: ExpressibleByArgument {
    let name: String
    let device: RoomRecord.USBDevice?

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard let name = parts.first, RoomRecord.isSourceName(name) else { return nil }
        self.name = name
        guard argument.contains("=") else {
            device = nil
            return
        }
        // A serial number may hold any character.
        let members = parts.dropFirst().first?
            .split(separator: ",", maxSplits: 3, omittingEmptySubsequences: false)
            .map(String.init)
        guard let members, members.count == 4, !members[0].isEmpty,
            members[1...2].allSatisfy(Self.isIdentifier)
        else { return nil }
        device = RoomRecord.USBDevice(
            port: members[0],
            vendor: members[1],
            product: members[2],
            serial: members[3]
        )
    }

    func source(_ kind: RoomRecord.SourceKind) -> RoomRecord.Source {
        RoomRecord.Source(name: name, kind: kind, device: device)
    }

    /// As sysfs prints `idVendor` and `idProduct`.
    private static func isIdentifier(_ text: String) -> Bool {
        text.utf8.count == 4
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            }
    }
}

/// `KIND:DEVICE:CODE`; the device's name may hold colons.
struct StopArgument: ExpressibleByArgument {
    let input: RoomRecord.StopInput

    init?(argument: String) {
        guard let first = argument.firstIndex(of: ":"),
            let last = argument.lastIndex(of: ":"), first < last,
            let kind = RoomRecord.StopInput.Kind(rawValue: String(argument[..<first])),
            let code = UInt16(argument[argument.index(after: last)...])
        else { return nil }
        let device = String(argument[argument.index(after: first)..<last])
        guard !device.isEmpty else { return nil }
        input = RoomRecord.StopInput(kind: kind, device: device, code: Int64(code))
    }
}

/// `FROM..TO`.
struct ClosedArgument: ExpressibleByArgument {
    let time: RoomRecord.ClosedTime

    init?(argument: String) {
        guard let dots = argument.firstRange(of: ".."),
            let from = Int64(argument[..<dots.lowerBound]),
            let to = Int64(argument[dots.upperBound...]), from >= 0, from < to
        else { return nil }
        time = RoomRecord.ClosedTime(from: from, to: to)
    }
}
