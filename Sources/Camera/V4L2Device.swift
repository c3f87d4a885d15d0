internal import CLinux
internal import Glibc
internal import LinuxSystem

/// An open V4L2 node that can capture by streaming, closed when the owner goes; thread-bound.
struct V4L2Device: ~Copyable {
    let path: String
    let descriptor: Descriptor

    /// Opens `path`, following links as udev makes them, and makes sure that it is a camera.
    static func open(_ path: String) throws(CameraError) -> V4L2Device {
        let device = V4L2Device(path: path, descriptor: try openNode(path))
        try device.checkKind()
        try device.checkCapabilities()
        return device
    }

    private static func openNode(_ path: String) throws(CameraError) -> Descriptor {
        do throws(SystemError) {
            return try Descriptor.open(path, [.readWrite, .nonBlocking])
        } catch { throw CameraError(opening: path, error) }
    }

    private func checkKind() throws(CameraError) {
        let isDevice: Bool
        do throws(SystemError) { isDevice = try descriptor.status().isCharacterDevice } catch {
            throw .driverCallFailed(error)
        }
        guard isDevice else { throw .notACamera(path: path, reason: "it is no device") }
    }

    private func checkCapabilities() throws(CameraError) {
        var answer = v4l2_capability()
        do throws(SystemError) {
            try call(lenscap_VIDIOC_QUERYCAP(), &answer, "VIDIOC_QUERYCAP")
        } catch {
            if error.isDeviceGone { throw .deviceGone }
            throw .notACamera(path: path, reason: "it does not speak V4L2")
        }
        // The node's own abilities; `capabilities` also has those of its siblings.
        let abilities =
            answer.capabilities & UInt32(V4L2_CAP_DEVICE_CAPS) == 0
            ? answer.capabilities : answer.device_caps
        guard abilities & UInt32(V4L2_CAP_VIDEO_CAPTURE) != 0 else {
            let isPlanar = abilities & UInt32(V4L2_CAP_VIDEO_CAPTURE_MPLANE) != 0
            throw .notACamera(
                path: path,
                reason: isPlanar
                    ? "it captures in separate planes only, which is not supported"
                    : "it does not capture pictures"
            )
        }
        guard abilities & UInt32(V4L2_CAP_STREAMING) != 0 else {
            throw .notACamera(path: path, reason: "it cannot stream")
        }
    }

    /// Port, name and serial number.
    func identity() throws(CameraError) -> DeviceIdentity {
        var answer = v4l2_capability()
        try ask(lenscap_VIDIOC_QUERYCAP(), &answer, "VIDIOC_QUERYCAP")
        let number: String
        do throws(SystemError) { number = try descriptor.status().deviceNumber } catch {
            throw .driverCallFailed(error)
        }
        let serial = DeviceIdentity.serial(below: "/sys/dev/char/\(number)")
        return DeviceIdentity("\(text(answer.card)) at \(text(answer.bus_info)) \(serial)")
    }

    /// Hands `argument` to the driver (`ioctl(2)`).
    func call<Argument>(
        _ request: UInt,
        _ argument: inout Argument,
        _ name: String
    )
        throws(SystemError)
    {
        try withUnsafeMutablePointer(to: &argument) { pointer throws(SystemError) in
            try descriptor.control(request, pointer, name: name)
        }
    }

    /// The same, with the driver's error as the situation that it means.
    func ask<Argument>(
        _ request: UInt,
        _ argument: inout Argument,
        _ name: String
    )
        throws(CameraError)
    {
        do throws(SystemError) { try call(request, &argument, name) } catch {
            throw CameraError(calling: path, error)
        }
    }
}

extension CameraError {
    init(opening path: String, _ error: SystemError) {
        self =
            if error.isNotFound || error.number == ENOTDIR || error.isDeviceGone {
                .missing(path: path)
            } else if error.isPermission {
                .notPermitted(path: path)
            } else if error.isBusy {
                .deviceBusy(path: path)
            } else if error.number == EISDIR {
                .notACamera(path: path, reason: "it is a folder")
            } else {
                .driverCallFailed(error)
            }
    }

    /// ENOSPC of STREAMON is about the USB bus and not a disk.
    init(starting path: String, _ error: SystemError) {
        self = error.isNoSpace ? .noBandwidth(path: path) : CameraError(calling: path, error)
    }

    init(calling path: String, _ error: SystemError) {
        self =
            if error.isDeviceGone {
                .deviceGone
            } else if error.isBusy {
                .deviceBusy(path: path)
            } else {
                .driverCallFailed(error)
            }
    }
}

/// A text in a fixed array of bytes, up to its NUL.
private func text(_ bytes: some BitwiseCopyable) -> String {
    withUnsafeBytes(of: bytes) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
