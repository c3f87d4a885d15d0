/// A file or a folder: what programs see of it, and what of that is on the platter.
final class SimulatedNode {
    /// Smaller than any disk's, so that every line can be torn.
    static let sector = 64

    let isFolder: Bool
    /// On a machine that fails never: the account.
    let isSafe: Bool
    var permissions: UInt32
    var links = 1

    // Of a file. Sectors that are dirty may reach the platter at any time; those that differ and are
    // not dirty never will.
    private(set) var cached: [UInt8] = []
    private var durable: [UInt8] = []
    private var dirty: Set<Int> = []
    private var isSizeDirty = false
    /// Whether a sync of the file failed: no later one of it may be believed.
    private(set) var hasFailed = false

    // Of a folder.
    private(set) var entries: [String: SimulatedNode] = [:]
    private var durableEntries: [String: SimulatedNode] = [:]
    private var pending: [[String: SimulatedNode?]] = []

    init(isFolder: Bool, isSafe: Bool, permissions: UInt32) {
        self.isFolder = isFolder
        self.isSafe = isSafe
        self.permissions = permissions
    }

    /// A file or folder that has been on the platter for long.
    init(durable bytes: [UInt8]) {
        isFolder = false
        isSafe = false
        permissions = 0o644
        cached = bytes
        durable = bytes
    }

    // MARK: Files

    func write(_ bytes: some Collection<UInt8>, at offset: Int) {
        guard !bytes.isEmpty else { return }
        let end = offset + bytes.count
        if end > cached.count {
            cached += repeatElement(0, count: end - cached.count)
            isSizeDirty = true
        }
        cached.replaceSubrange(offset..<end, with: bytes)
        dirty.formUnion(offset / Self.sector...(end - 1) / Self.sector)
        settleIfSafe()
    }

    func truncate(to count: Int) {
        guard count != cached.count else { return }
        if count < cached.count {
            cached.removeLast(cached.count - count)
        } else {
            cached += repeatElement(0, count: count - cached.count)
        }
        isSizeDirty = true
        settleIfSafe()
    }

    func synchronize() {
        if isSizeDirty { resize(&durable, to: cached.count) }
        for number in dirty { copy(number, to: &durable) }
        dirty = []
        isSizeDirty = false
        for change in pending { durableEntries.merge(change) }
        pending = []
    }

    /// As kernels do it: some of it is written, all of it is marked clean, and the pages may be gone.
    func failToSynchronize(_ random: inout RandomSource) {
        if isFolder { return }
        hasFailed = true
        if isSizeDirty, random.once(in: 2) { resize(&durable, to: cached.count) }
        for number in dirty.sorted() where random.once(in: 2) { copy(number, to: &durable) }
        dirty = []
        isSizeDirty = false
        if random.once(in: 3) {
            let count = cached.count
            cached = durable
            resize(&cached, to: count)
        }
    }

    private func copy(_ number: Int, to target: inout [UInt8]) {
        let start = number * Self.sector
        let end = min(start + Self.sector, min(cached.count, target.count))
        if start < end { target.replaceSubrange(start..<end, with: cached[start..<end]) }
    }

    private func resize(_ bytes: inout [UInt8], to count: Int) {
        if count < bytes.count {
            bytes.removeLast(bytes.count - count)
        } else {
            bytes += repeatElement(0, count: count - bytes.count)
        }
    }

    // MARK: Folders

    /// One atomic change: names that now lead to a node, or to none.
    func change(_ names: [String: SimulatedNode?]) {
        entries.merge(names)
        pending.append(names)
        settleIfSafe()
    }

    private func settleIfSafe() {
        if isSafe { synchronize() }
    }

    // MARK: Power cuts

    enum Survivors: CaseIterable { case none, all, some }

    /// What is there when the power comes back.
    func afterPowerCut(_ survivors: Survivors, _ random: inout RandomSource) -> SimulatedNode {
        if isSafe { return self }
        let found = SimulatedNode(isFolder: isFolder, isSafe: false, permissions: permissions)
        guard isFolder else {
            found.cached = platter(survivors, &random)
            found.durable = found.cached
            return found
        }
        var kept = durableEntries
        for change in pending where survives(survivors, &random) { kept.merge(change) }
        for name in kept.keys.sorted() {
            found.entries[name] = kept[name]?.afterPowerCut(survivors, &random)
        }
        found.durableEntries = found.entries
        return found
    }

    private func platter(_ survivors: Survivors, _ random: inout RandomSource) -> [UInt8] {
        var bytes = durable
        if isSizeDirty, survives(survivors, &random) {
            let sizes = [durable.count, cached.count].sorted()
            let isTorn = survivors == .some && random.once(in: 2)
            resize(&bytes, to: isTorn ? random.number(sizes[0]...sizes[1]) : cached.count)
        }
        for number in dirty.sorted() where survives(survivors, &random) {
            copy(number, to: &bytes)
        }
        return bytes
    }

    private func survives(_ survivors: Survivors, _ random: inout RandomSource) -> Bool {
        switch survivors {
        case .none: false
        case .all: true
        case .some: random.once(in: 2)
        }
    }

    /// Bytes that it and all below it take.
    var byteCount: Int {
        isSafe ? 0 : cached.count + 64 + entries.values.reduce(0) { $0 + $1.byteCount }
    }
}

extension [String: SimulatedNode] {
    fileprivate mutating func merge(_ change: [String: SimulatedNode?]) {
        for (name, node) in change { self[name] = node }
    }
}
