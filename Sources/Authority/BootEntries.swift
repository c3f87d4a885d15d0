internal import Consent
internal import CryptoPrimitives
internal import LinuxSystem

/// What the log says of the box itself: which program and which records stand behind the rest.
extension ActivationLog {
    /// Notes this boot of the machine, and each change of the program within it.
    func noteBoot(_ boot: String, trust: Trust?) throws(AuthorityError) {
        let software = try Self.softwareHash()
        if let last = last("boot"), last["boot"] == .string(boot),
            last["software"] == .string(Base64URL.encode(software))
        {
            return
        }
        let records = trust.map { ActivationEntry.Records($0) } ?? ActivationEntry.Records()
        try append(.now(.boot(boot: boot, software: software, records: records)))
    }

    /// Ends the last session in the log if nothing did: the authority was killed in it.
    func noteInterruption() throws(AuthorityError) {
        var end = checkpoint.size
        while end > 0 {
            end -= 1
            guard let line = lines(from: end, count: 1).first,
                case .object(let members)? = try? CanonicalJSON(parsing: line)
            else { continue }
            if members["type"] == .string("stopped") { return }
            guard members["type"] == .string("intent") else { continue }
            let cause = StopCause.interrupted.rawValue
            try append(.now(.stopped(intent: Int64(end), cause: cause)))
            return
        }
    }

    /// Notes cards that this box accepts for the first time.
    func noteEnrolled(_ cards: [String]) throws(AuthorityError) {
        for card in cards { try append(.now(.enrolled(card: card))) }
    }

    /// Notes other records than the last ones noted.
    func noteRecords(_ trust: Trust) throws(AuthorityError) {
        let records = ActivationEntry.Records(trust)
        let known = last("record", "boot")
        guard
            let known,
            records.members.allSatisfy({ known[$0.key] == $0.value })
        else {
            try append(.now(.record(records)))
            return
        }
    }

    /// The members of the latest entry of one of these types.
    private func last(_ types: String...) -> [String: CanonicalJSON]? {
        let wanted = types.map { CanonicalJSON.string($0) }
        var end = checkpoint.size
        while end > 0 {
            let start = max(0, end - 256)
            for line in lines(from: start, count: end - start).reversed() {
                guard case .object(let members)? = try? CanonicalJSON(parsing: line),
                    let type = members["type"], wanted.contains(type)
                else { continue }
                return members
            }
            end = start
        }
        return nil
    }

    /// SHA-256 of the running program's file.
    private static func softwareHash() throws(AuthorityError) -> [UInt8] {
        do throws(SystemError) {
            return SHA256.hash(
                try Descriptor.open("/proc/self/exe").readAll(limit: 1 << 28)
            )
        } catch { throw .system(error) }
    }
}

extension ActivationEntry.Records {
    init(_ trust: Trust) {
        self.init(
            authorities: trust.authorities.hash,
            room: trust.room.hash,
            revocations: trust.revocations?.hash ?? ""
        )
    }
}
