internal import CLinux

/// Brings pictures of the formats that only few cameras have into YU12 (libv4lconvert).
///
/// The library talks to the device, so it goes before the device closes. Thread-bound; what it
/// needs of the heap it takes with the first picture and keeps. The formats of a few cameras of
/// the 1990s start a helper program.
/// Source: `libv4lconvert.h`.
struct PictureConverter: ~Copyable {
    private let library: OpaquePointer
    private var source: v4l2_format
    private var target: v4l2_format
    private let output: UnsafeMutableRawBufferPointer

    /// What the library asks of a device.
    struct Device {
        let descriptor: Int32
        var operations = v4lconvert_get_default_dev_ops()
    }

    /// Nil when nothing that the device offers can be brought to the size asked for.
    ///
    /// The device is to be set to ``asked``, and the converter told what it grants.
    init?(_ device: Device, width: Int, height: Int, frameRate: Int) {
        guard
            let library = v4lconvert_create_with_dev_ops(
                device.descriptor,
                nil,
                device.operations
            )
        else { return nil }
        v4lconvert_set_fps(library, Int32(frameRate))
        var wanted = v4l2_format()
        wanted.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
        wanted.fmt.pix.width = UInt32(width)
        wanted.fmt.pix.height = UInt32(height)
        wanted.fmt.pix.pixelformat = PixelFormat.yu12.fourCC
        wanted.fmt.pix.field = V4L2_FIELD_NONE.rawValue
        var found = v4l2_format()
        guard v4lconvert_try_format(library, &wanted, &found) == 0,
            wanted.fmt.pix.width == width, wanted.fmt.pix.height == height,
            wanted.fmt.pix.pixelformat == PixelFormat.yu12.fourCC,
            // libv4lconvert 1.22 (Debian 12) takes its red for blue.
            found.fmt.pix.pixelformat != lenscap_V4L2_PIX_FMT_RGB565()
        else {
            v4lconvert_destroy(library)
            return nil
        }
        self.library = library
        target = wanted
        source = found
        let size = PixelFormat.yu12.pictureSize(bytesPerLine: width, height: height)
        output = .allocate(byteCount: size, alignment: 64)
    }

    deinit {
        v4lconvert_destroy(library)
        output.deallocate()
    }

    /// What the device's pictures have to be.
    var asked: v4l2_format { source }

    /// What the device made of ``asked``; false when that is something else.
    mutating func accept(_ granted: v4l2_format) -> Bool {
        let pixels = granted.fmt.pix
        guard pixels.width == source.fmt.pix.width, pixels.height == source.fmt.pix.height,
            pixels.pixelformat == source.fmt.pix.pixelformat,
            pixels.field == V4L2_FIELD_NONE.rawValue
        else { return false }
        source = granted
        return true
    }

    /// The picture in YU12 without padding, until the next call; nil when it is damaged.
    mutating func convert(_ picture: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        // The library's own source is not written to.
        let bytes = UnsafeMutablePointer(
            mutating: picture.assumingMemoryBound(to: UInt8.self).baseAddress
        )
        let count = v4lconvert_convert(
            library,
            &source,
            &target,
            bytes,
            Int32(clamping: picture.count),
            output.assumingMemoryBound(to: UInt8.self).baseAddress,
            Int32(clamping: output.count)
        )
        return count == output.count ? UnsafeRawBufferPointer(output) : nil
    }

    /// How the library leaves luma and colours.
    var colours: (fullRange: Bool, matrix: ColourMatrix)? {
        switch source.fmt.pix.pixelformat {
        // JPEG has colours of its own (JFIF).
        case lenscap_V4L2_PIX_FMT_JPEG(), lenscap_V4L2_PIX_FMT_PJPG(), PixelFormat.mjpeg.fourCC:
            (true, .bt601)
        // Of these it keeps the samples.
        case lenscap_V4L2_PIX_FMT_YVU420(), lenscap_V4L2_PIX_FMT_M420(),
            lenscap_V4L2_PIX_FMT_HM12(), lenscap_V4L2_PIX_FMT_GREY(), PixelFormat.yu12.fourCC,
            PixelFormat.yuyv.fourCC, PixelFormat.yvyu.fourCC, PixelFormat.uyvy.fourCC:
            nil
        // The others it computes from red, green and blue.
        default: (false, .bt601)
        }
    }
}
