import Glibc
import LinuxSystem
import Testing

@testable import Camera

@Suite struct OpeningTests {
    private func request(_ path: String) -> CameraRequest {
        CameraRequest(path: path, width: 640, height: 360, frameRate: 15)
    }

    private func failure(_ path: String) -> CameraError? {
        do throws(CameraError) {
            try openCamera(request(path)).close()
            return nil
        } catch { return error }
    }

    @Test("A node that does not exist is missing, and may come back")
    func missing() {
        let error = failure("/dev/no-such-camera")
        #expect(error == .missing(path: "/dev/no-such-camera"))
        #expect(error?.recovery == .retry)
        #expect(failure("/dev/null/below") == .missing(path: "/dev/null/below"))
    }

    @Test("A link to nothing is missing")
    func dangling() throws {
        let link = "/tmp/lenscap-camera-\(getpid())"
        try #require(symlink("/dev/no-such-camera", link) == 0)
        defer { unlink(link) }
        #expect(failure(link) == .missing(path: link))
    }

    @Test("A regular file and a folder are no cameras")
    func noDevice() {
        let program = "/proc/self/status"
        #expect(failure(program) == .notACamera(path: program, reason: "it is no device"))
        #expect(failure("/dev") == .notACamera(path: "/dev", reason: "it is a folder"))
    }

    @Test("/dev/null is a device and no camera, which a person must put right")
    func otherDevice() {
        let error = failure("/dev/null")
        #expect(error == .notACamera(path: "/dev/null", reason: "it does not speak V4L2"))
        guard case .personMustAct = error?.recovery else {
            Issue.record("nobody is told to act")
            return
        }
    }

    @Test("A stream that finds no room on the USB bus is said as such, and not as a full disk")
    func noBandwidth() {
        func failure(_ number: Int32) -> CameraError {
            let error = SystemError(call: "VIDIOC_STREAMON", subject: "", number: number)
            return CameraError(starting: "/dev/video0", error)
        }
        #expect(failure(ENOSPC) == .noBandwidth(path: "/dev/video0"))
        #expect("\(failure(ENOSPC))" == "the USB bus has no bandwidth left for /dev/video0")
        #expect(failure(ENODEV) == .deviceGone)
        #expect(failure(EBUSY) == .deviceBusy(path: "/dev/video0"))
    }

    @Test(
        "Sizes and rates that are not positive are refused",
        arguments: [(0, 360, 15), (640, -2, 15), (640, 360, 0)]
    )
    func notPositive(_ width: Int, _ height: Int, _ rate: Int) {
        for path in ["/dev/null", "test:"] {
            #expect {
                let request = CameraRequest(
                    path: path,
                    width: width,
                    height: height,
                    frameRate: rate
                )
                try openCamera(request).close()
            } throws: { error in
                guard case .formatRefused = error as? CameraError else { return false }
                return true
            }
        }
    }
}
