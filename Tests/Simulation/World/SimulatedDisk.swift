import Glibc
import LinuxSystem

/// One program that runs; what it asks of the disk after its death has no effect.
final class SimulatedProcess {
    let name: String
    fileprivate(set) var isDead = false

    init(_ name: String) { self.name = name }

    func kill() { isDead = true }
}

/// The box's disk, and the account's, which is safe.
///
/// It tears writes at power cuts, loses what was not synced, in any order, forgets after a failed
/// sync what it still shows, fills up, and answers errors; all of it by the seed.
///
/// Thread-bound: everything of one world runs on one thread.
final class SimulatedDisk: FileCalls, @unchecked Sendable {
    /// What it does wrong beside power cuts.
    enum Weather {
        case fair
        /// One call in so many fails, or is interrupted, or writes only a part.
        case foul(Int)
        /// Nothing more fits.
        case full
    }

    private struct Handle {
        let node: SimulatedNode
        let process: SimulatedProcess?
        let isAppending: Bool
        var offset = 0
    }

    var random: RandomSource
    var weather = Weather.fair { didSet { weatherChanges += 1 } }
    private(set) var weatherChanges = 0
    var lie = Lie.none
    /// Bytes that others may fill.
    var capacity = 1 << 22
    /// Lets other programs run; called now and then, as a scheduler would.
    var preempt: (() -> Void)?
    /// How many more calls the running program lives for, and what ends it.
    var doom: (calls: Int, isPowerCut: Bool)?
    private(set) var process: SimulatedProcess?
    private(set) var isPowered = true
    private(set) var injected = 0
    /// Syncs of a file of which an earlier sync had failed.
    private(set) var believedAgain = 0
    private(set) var powerCuts = 0
    private var isReadOnly = false
    private var root = SimulatedNode(isFolder: true, isSafe: false, permissions: 0o755)
    private let account = SimulatedNode(isFolder: true, isSafe: true, permissions: 0o755)
    private var handles: [Int32: Handle] = [:]
    private var nextHandle: Int32 = 1 << 24

    init(random: RandomSource) { self.random = random }

    /// Runs a part of a program.
    func run(_ process: SimulatedProcess, _ body: () -> Void) {
        let before = (self.process, doom)
        self.process = process
        doom = nil
        body()
        (self.process, doom) = before
    }

    // MARK: Power

    /// Everything stops; what is left is what ``powerUp()`` finds.
    func cutPower() {
        guard isPowered else { return }
        isPowered = false
        powerCuts += 1
        root = root.afterPowerCut(random.one(of: SimulatedNode.Survivors.allCases), &random)
    }

    func powerUp() {
        isPowered = true
        isReadOnly = false
    }

    // MARK: What the judge sees, as nobody's call

    func look(_ path: String) -> SimulatedNode? {
        var node = path.hasPrefix("/account") ? account : root
        for part in path.split(separator: "/").dropFirst() {
            guard let next = node.entries[String(part)] else { return nil }
            node = next
        }
        return node
    }

    /// Puts a file on the platter before anything happens.
    func prepare(_ path: String, _ bytes: [UInt8]?) {
        let parts = path.split(separator: "/").map { String($0) }
        var node = parts[0] == "account" ? account : root
        for part in parts.dropFirst().dropLast(bytes == nil ? 0 : 1) {
            let next =
                node.entries[part]
                ?? SimulatedNode(isFolder: true, isSafe: node.isSafe, permissions: 0o755)
            node.change([part: next])
            node.synchronize()
            node = next
        }
        guard let bytes, let name = parts.last else { return }
        node.change([name: SimulatedNode(durable: bytes)])
        node.synchronize()
    }

    // MARK: Faults

    /// Whether the call is answered at all; it may be the last of its program.
    private func isAnswered(_ node: SimulatedNode?, _ half: () -> Void = {}) -> Bool {
        if let preempt, random.once(in: 12) { preempt() }
        guard isPowered, process?.isDead != true else { return fail(EIO) }
        guard var doom else { return true }
        doom.calls -= 1
        self.doom = doom
        guard doom.calls <= 0 else { return true }
        if random.once(in: 2) { half() }
        if doom.isPowerCut { cutPower() } else { process?.kill() }
        return fail(EIO)
    }

    private func fail(_ number: Int32) -> Bool {
        errno = number
        return false
    }

    /// Whether the weather lets a call through that changes something.
    private func isAllowed(
        _ node: SimulatedNode,
        _ errors: [Int32],
        reading: Bool = false
    ) -> Bool {
        if node.isSafe { return true }
        if isReadOnly && !reading { return fail(EROFS) }
        guard case .foul(let rate) = weather, random.once(in: rate) else { return true }
        injected += 1
        return fail(random.one(of: errors))
    }

    private var free: Int {
        if case .full = weather { return 0 }
        return max(0, capacity - root.byteCount)
    }

    // MARK: FileCalls

    private func handle(_ number: Int32) -> Handle? {
        guard let found = handles[number] else {
            errno = EBADF
            return nil
        }
        if let owner = found.process, owner.isDead {
            errno = EIO
            return nil
        }
        return found
    }

    func open(
        _ name: String,
        in folder: Int32?,
        _ access: FileAccess,
        permissions: UInt32
    ) -> Int32 {
        guard isAnswered(nil) else { return -1 }
        if let folder {
            guard let parent = handle(folder)?.node else { return -1 }
            return open(name, parent, access, permissions)
        }
        guard let node = look(name) else {
            errno = ENOENT
            return -1
        }
        return adopt(node, access)
    }

    private func open(
        _ name: String,
        _ parent: SimulatedNode,
        _ access: FileAccess,
        _ permissions: UInt32
    ) -> Int32 {
        if name == "." { return adopt(parent, access) }
        if let node = parent.entries[name] {
            if access.contains(.create) && access.contains(.exclusive) {
                errno = EEXIST
                return -1
            }
            let isReading = !access.contains(.write)
            guard isAllowed(node, [EIO, EMFILE, EINTR], reading: isReading) else { return -1 }
            return adopt(node, access)
        }
        guard access.contains(.create) else {
            errno = ENOENT
            return -1
        }
        guard isAllowed(parent, [ENOSPC, EIO, EDQUOT, EMFILE, EINTR]), hasRoom(parent) else {
            return -1
        }
        let node = SimulatedNode(isFolder: false, isSafe: parent.isSafe, permissions: permissions)
        parent.change([name: node])
        return adopt(node, access)
    }

    private func hasRoom(_ parent: SimulatedNode) -> Bool {
        parent.isSafe || free >= 64 || fail(ENOSPC)
    }

    private func adopt(_ node: SimulatedNode, _ access: FileAccess) -> Int32 {
        if access.contains(.folder) && !node.isFolder {
            errno = ENOTDIR
            return -1
        }
        nextHandle += 1
        handles[nextHandle] = Handle(
            node: node,
            process: process,
            isAppending: access.contains(.append)
        )
        return nextHandle
    }

    func close(_ file: Int32) { handles[file] = nil }

    func read(_ file: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard isAnswered(nil), let found = handle(file),
            isAllowed(found.node, [EIO, EINTR], reading: true)
        else { return -1 }
        let rest = found.node.cached.dropFirst(found.offset).prefix(buffer.count)
        buffer.copyBytes(from: rest)
        handles[file]?.offset += rest.count
        return rest.count
    }

    func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        func put(_ count: Int) {
            guard let found = handles[file] else { return }
            let offset = found.isAppending ? found.node.cached.count : found.offset
            found.node.write(bytes.prefix(count), at: offset)
            handles[file]?.offset = offset + count
        }
        guard isAnswered(nil, { put(random.number(0...bytes.count)) }), let found = handle(file)
        else { return -1 }
        guard isAllowed(found.node, [ENOSPC, EIO, EDQUOT, EINTR]) else { return -1 }
        let isShort: Bool
        if case .foul(let rate) = weather, !found.node.isSafe {
            isShort = random.once(in: rate)
        } else {
            isShort = false
        }
        let wanted = isShort ? random.number(1...bytes.count) : bytes.count
        let count = found.node.isSafe ? wanted : min(wanted, free)
        guard count > 0 else {
            errno = ENOSPC
            return -1
        }
        put(count)
        return count
    }

    func synchronize(_ file: Int32) -> Int32 {
        guard isAnswered(nil, { handles[file]?.node.synchronize() }), let found = handle(file)
        else { return -1 }
        guard isAllowed(found.node, [EIO, EIO, ENOSPC, EINTR]) else {
            if errno == EINTR { return -1 }
            found.node.failToSynchronize(&random)
            // A file system whose folders cannot be written takes nothing more.
            if found.node.isFolder && random.once(in: 2) { isReadOnly = true }
            return -1
        }
        if found.node.hasFailed && process?.name != "uploader" { believedAgain += 1 }
        switch lie {
        case .filesAreSynced where !found.node.isFolder: break
        case .foldersAreSynced where found.node.isFolder: break
        default: found.node.synchronize()
        }
        return 0
    }

    func truncate(_ file: Int32, to count: Int) -> Int32 {
        guard isAnswered(nil), let found = handle(file), isAllowed(found.node, [EIO, EINTR]) else {
            return -1
        }
        found.node.truncate(to: count)
        return 0
    }

    func rewind(_ file: Int32) -> Int {
        guard handle(file) != nil else { return -1 }
        handles[file]?.offset = 0
        return 0
    }

    func status(_ file: Int32) -> FileStatus? {
        guard let node = handle(file)?.node else { return nil }
        return FileStatus(
            isFolder: node.isFolder,
            size: node.cached.count,
            links: node.links,
            permissions: node.permissions
        )
    }

    func setPermissions(_ file: Int32, _ permissions: UInt32) -> Int32 {
        guard isAnswered(nil), let found = handle(file), isAllowed(found.node, [EIO]) else {
            return -1
        }
        found.node.permissions = permissions
        return 0
    }

    func makeFolder(_ name: String, in folder: Int32, permissions: UInt32) -> Int32 {
        guard isAnswered(nil), let parent = handle(folder)?.node else { return -1 }
        guard parent.entries[name] == nil else {
            errno = EEXIST
            return -1
        }
        guard isAllowed(parent, [ENOSPC, EIO, EDQUOT]), hasRoom(parent) else { return -1 }
        let made = SimulatedNode(isFolder: true, isSafe: parent.isSafe, permissions: permissions)
        parent.change([name: made])
        return 0
    }

    func rename(_ old: String, to new: String, in folder: Int32, replacing: Bool) -> Int32 {
        func move() {
            guard let parent = handles[folder]?.node, let node = parent.entries[old] else { return }
            parent.entries[new]?.links = 0
            parent.change([old: nil, new: node])
        }
        guard isAnswered(nil, move), let parent = handle(folder)?.node else { return -1 }
        guard parent.entries[old] != nil else {
            errno = ENOENT
            return -1
        }
        guard replacing || parent.entries[new] == nil else {
            errno = EEXIST
            return -1
        }
        guard isAllowed(parent, [EIO, ENOSPC]) else { return -1 }
        move()
        return 0
    }

    func remove(_ name: String, in folder: Int32, isFolder: Bool) -> Int32 {
        guard isAnswered(nil), let parent = handle(folder)?.node else { return -1 }
        guard let node = parent.entries[name] else {
            errno = ENOENT
            return -1
        }
        guard node.isFolder == isFolder else {
            errno = isFolder ? ENOTDIR : EISDIR
            return -1
        }
        guard node.entries.isEmpty else {
            errno = ENOTEMPTY
            return -1
        }
        guard isAllowed(parent, [EIO]) else { return -1 }
        node.links = 0
        parent.change([name: nil])
        return 0
    }

    func find(_ name: String, in folder: Int32) -> Int32 {
        guard isAnswered(nil), let node = handle(folder)?.node,
            isAllowed(node, [EIO, EINTR], reading: true)
        else { return -1 }
        guard node.entries[name] != nil else {
            errno = ENOENT
            return -1
        }
        return 0
    }

    func names(in folder: Int32) -> [String]? {
        guard isAnswered(nil), let found = handle(folder),
            isAllowed(found.node, [EIO, EMFILE], reading: true)
        else { return nil }
        return Array(found.node.entries.keys)
    }

    func space(_ folder: Int32) -> (available: Int, total: Int)? {
        guard isAnswered(nil), handle(folder) != nil else { return nil }
        return (free, capacity)
    }
}
