internal import CSystem
internal import Glibc

/// Stream sockets of the local machine (`unix(7)`).
package enum UnixSocket {
    /// Listens at `path`, replacing a socket left there; the file gets exactly `permissions`.
    package static func listen(path: String, permissions: UInt32) throws(SystemError) -> Descriptor
    {
        let socket = try make()
        let raw = socket.raw
        _ = unlink(path)
        _ = try withAddress(path) { (address, length) throws(SystemError) in
            try retrying("bind", path) { Glibc.bind(raw, address, length) }
        }
        _ = try retrying("chmod", path) { chmod(path, permissions) }
        _ = try retrying("listen", path) { Glibc.listen(raw, 128) }
        try socket.setNonBlocking()
        return socket
    }

    /// Connects to the socket at `path`; the descriptor blocks.
    package static func connect(path: String) throws(SystemError) -> Descriptor {
        let socket = try make()
        let raw = socket.raw
        _ = try withAddress(path) { (address, length) throws(SystemError) in
            try retrying("connect", path) { Glibc.connect(raw, address, length) }
        }
        return socket
    }

    /// Accepts one waiting connection, non-blocking; nil when nobody waits.
    package static func accept(_ listener: borrowing Descriptor) throws(SystemError) -> Descriptor?
    {
        let raw = listener.raw
        do throws(SystemError) {
            let accepted = Descriptor(
                adopting: try retrying("accept") { Glibc.accept(raw, nil, nil) }
            )
            let rawAccepted = accepted.raw
            _ = try retrying("fcntl") { fcntl(rawAccepted, F_SETFD, FD_CLOEXEC) }
            try accepted.setNonBlocking()
            return accepted
        } catch {
            if error.isWouldBlock || error.number == ECONNABORTED { return nil }
            throw error
        }
    }

    /// Two connected ends (`socketpair(2)`), blocking and closed on exec.
    package static func pair() throws(SystemError) -> SocketPair {
        var ends: [Int32] = [-1, -1]
        _ = try retrying("socketpair") {
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | closeOnExec, 0, &ends)
        }
        return SocketPair(
            near: Descriptor(adopting: ends[0]),
            far: Descriptor(adopting: ends[1])
        )
    }

    /// Sends what the peer takes now, without SIGPIPE; 0 when it takes nothing at the moment.
    package static func send(
        _ socket: borrowing Descriptor,
        _ bytes: UnsafeRawBufferPointer
    )
        throws(SystemError) -> Int
    {
        let raw = socket.raw
        do throws(SystemError) {
            return try retrying("send") {
                Glibc.send(raw, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
        } catch {
            if error.isWouldBlock { return 0 }
            throw error
        }
    }

    /// Sends one datagram to the socket at `address`: a path, or `@` and a name without a file.
    ///
    /// An address of another kind is `EAFNOSUPPORT`.
    package static func sendDatagram(
        _ bytes: [UInt8],
        to address: String
    )
        throws(SystemError)
    {
        guard address.hasPrefix("/") || address.hasPrefix("@") else {
            throw SystemError(call: "sendto", subject: address, number: EAFNOSUPPORT)
        }
        let socket = try make(SOCK_DGRAM)
        let raw = socket.raw
        _ = try withAddress(address) { (pointer, length) throws(SystemError) in
            try retrying("sendto", address) {
                Glibc.sendto(raw, bytes, bytes.count, Int32(MSG_NOSIGNAL), pointer, length)
            }
        }
    }

    /// Ends both directions; the peer and every thread that waits here see the end.
    package static func shutDown(_ socket: borrowing Descriptor) {
        _ = shutdown(socket.raw, Int32(SHUT_RDWR))
    }

    private static let closeOnExec = Int32(SOCK_CLOEXEC.rawValue)

    private static func make(
        _ type: __socket_type = SOCK_STREAM
    ) throws(SystemError)
        -> Descriptor
    {
        Descriptor(
            adopting: try retrying("socket") {
                socket(AF_UNIX, Int32(type.rawValue) | closeOnExec, 0)
            }
        )
    }

    /// A leading `@` stands for the zero byte of an abstract address, whose length says its end.
    private static func withAddress<Result>(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        let isAbstract = bytes.first == UInt8(ascii: "@")
        if isAbstract { bytes[0] = 0 }
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < capacity else {
            throw SystemError(call: "socket", subject: path, number: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let size = MemoryLayout<sockaddr_un>.size
        let length = socklen_t(isAbstract ? size - capacity + bytes.count : size)
        var outcome: Swift.Result<Result, SystemError>?
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
                do throws(SystemError) {
                    outcome = .success(try body(rebound, length))
                } catch { outcome = .failure(error) }
            }
        }
        guard let outcome else { throw SystemError(call: "socket", subject: path, number: EINVAL) }
        return try outcome.get()
    }
}

/// The two ends of a `socketpair(2)`: one to keep, one to hand over.
package struct SocketPair: ~Copyable {
    package let near: Descriptor
    package let far: Descriptor
}
