internal import CLinux
internal import Glibc
internal import LinuxSystem

/// What device and program agreed on.
struct Negotiated: ~Copyable {
    let format: CameraFormat
    /// What makes that format of the device's own.
    var converter: PictureConverter?

    init(_ format: CameraFormat, _ converter: consuming PictureConverter? = nil) {
        self.format = format
        self.converter = converter
    }
}

extension V4L2Device {
    /// Sets the format and rate asked for, in the best pixel format that the device has.
    ///
    /// The size must be met. Of the pixel formats that meet it the first by
    /// ``PixelFormat/preferred`` wins that also reaches the rate, or else the fastest.
    ///
    /// A format for which there is none of them comes with a converter.
    func negotiate(_ request: CameraRequest) throws(CameraError) -> Negotiated {
        let offered = try offeredFourCCs()
        let names = offered.map(PixelFormat.name(ofFourCC:)).joined(separator: ", ")
        var refusal = CameraError.formatRefused(
            asked: "\(request.width)x\(request.height) in a format that can be recorded",
            granted: "only \(names)"
        )
        var best: CameraFormat?
        for candidate in PixelFormat.preferred where offered.contains(candidate.fourCC) {
            if candidate == .h264 && request.passThrough == nil { continue }
            do throws(CameraError) {
                let granted = try set(candidate, request)
                if granted.reaches(request.frameRate) { return Negotiated(granted) }
                if best.map({ granted.isFaster(than: $0) }) ?? true { best = granted }
            } catch {
                guard case .formatRefused = error else { throw error }
                refusal = error
            }
        }
        if let best { return Negotiated(try set(best.pixelFormat, request)) }
        guard let converted = try negotiateConversion(request) else { throw refusal }
        return converted
    }

    /// Nil when libv4lconvert knows no way from the device's formats to one that is recorded.
    private func negotiateConversion(_ request: CameraRequest) throws(CameraError) -> Negotiated? {
        guard
            var converter = PictureConverter(
                PictureConverter.Device(descriptor: descriptor.raw),
                width: request.width,
                height: request.height,
                frameRate: request.frameRate
            )
        else { return nil }
        var format = converter.asked
        try ask(lenscap_VIDIOC_S_FMT(), &format, "VIDIOC_S_FMT")
        guard converter.accept(format) else { return nil }
        let granted = format.fmt.pix
        let colours: (fullRange: Bool, matrix: ColourMatrix)
        if let fixed = converter.colours {
            colours = fixed
        } else {
            colours = (granted.isFullRange, try granted.colourMatrix())
        }
        let result = CameraFormat(
            width: request.width,
            height: request.height,
            frameInterval: try setRate(request.frameRate),
            pixelFormat: .yu12,
            bytesPerLine: request.width,
            fullRange: colours.fullRange,
            matrix: colours.matrix
        )
        return Negotiated(result, converter)
    }

    private func offeredFourCCs() throws(CameraError) -> [UInt32] {
        var codes: [UInt32] = []
        // More than any driver has; the enumeration ends by itself long before.
        for _ in 0..<256 {
            var entry = v4l2_fmtdesc()
            entry.index = UInt32(codes.count)
            entry.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
            do throws(SystemError) {
                try call(lenscap_VIDIOC_ENUM_FMT(), &entry, "VIDIOC_ENUM_FMT")
            } catch {
                // How the enumeration ends.
                if error.isInvalid { return codes }
                throw CameraError(calling: path, error)
            }
            codes.append(entry.pixelformat)
        }
        return codes
    }

    private func set(
        _ pixelFormat: PixelFormat,
        _ request: CameraRequest
    )
        throws(CameraError) -> CameraFormat
    {
        var format = v4l2_format()
        format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
        format.fmt.pix.width = UInt32(request.width)
        format.fmt.pix.height = UInt32(request.height)
        format.fmt.pix.pixelformat = pixelFormat.fourCC
        format.fmt.pix.field = V4L2_FIELD_NONE.rawValue
        try ask(lenscap_VIDIOC_S_FMT(), &format, "VIDIOC_S_FMT")
        let granted = format.fmt.pix
        guard granted.width == request.width, granted.height == request.height,
            granted.pixelformat == pixelFormat.fourCC,
            granted.field == V4L2_FIELD_NONE.rawValue,
            Int(granted.bytesperline) >= pixelFormat.minimumBytesPerLine(width: request.width)
        else {
            throw .formatRefused(
                asked: "\(request.width)x\(request.height) \(pixelFormat)",
                granted: granted.summary
            )
        }
        return CameraFormat(
            width: request.width,
            height: request.height,
            frameInterval: try setRate(request.frameRate),
            pixelFormat: pixelFormat,
            bytesPerLine: Int(granted.bytesperline),
            // JPEG has colours of its own (JFIF), whatever the driver makes of them; H.264 says its
            // own in the stream.
            fullRange: pixelFormat == .mjpeg || granted.isFullRange,
            matrix: pixelFormat.isCompressed ? .bt601 : try granted.colourMatrix(),
            // No compressed picture is larger than an uncompressed one.
            capacity: min(Int(granted.sizeimage), request.width * request.height * 4)
        )
    }

    /// Asks for a rate and returns what is granted; as asked where the device has no say in it.
    private func setRate(_ rate: Int) throws(CameraError) -> FrameInterval {
        let asked = FrameInterval(numerator: 1, denominator: rate)
        var parameters = v4l2_streamparm()
        parameters.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
        parameters.parm.capture.timeperframe = v4l2_fract(numerator: 1, denominator: UInt32(rate))
        do throws(SystemError) {
            try call(lenscap_VIDIOC_S_PARM(), &parameters, "VIDIOC_S_PARM")
        } catch {
            if error.number == ENOTTY { return asked }
            throw CameraError(calling: path, error)
        }
        let granted = parameters.parm.capture.timeperframe
        guard granted.numerator > 0, granted.denominator > 0 else { return asked }
        return FrameInterval(
            numerator: Int(granted.numerator),
            denominator: Int(granted.denominator)
        )
    }
}

extension CameraFormat {
    fileprivate func reaches(_ rate: Int) -> Bool {
        // Some devices grant 29.97 for 30.
        frameInterval.denominator * 100 >= rate * frameInterval.numerator * 99
    }

    fileprivate func isFaster(than other: CameraFormat) -> Bool {
        frameInterval.denominator * other.frameInterval.numerator
            > other.frameInterval.denominator * frameInterval.numerator
    }
}

extension v4l2_pix_format {
    fileprivate var summary: String {
        let name = PixelFormat.name(ofFourCC: pixelformat)
        let interlaced = field == V4L2_FIELD_NONE.rawValue ? "" : ", interlaced"
        return "\(width)x\(height) \(name)\(interlaced)"
    }

    /// What the driver says, or the kernel's rule for what it leaves open.
    fileprivate var isFullRange: Bool {
        let range =
            quantization == V4L2_QUANTIZATION_DEFAULT.rawValue
            ? lenscap_V4L2_MAP_QUANTIZATION_DEFAULT(colorspace, encoding) : quantization
        return range == V4L2_QUANTIZATION_FULL_RANGE.rawValue
    }

    fileprivate func colourMatrix() throws(CameraError) -> ColourMatrix {
        switch encoding {
        case V4L2_YCBCR_ENC_601.rawValue, V4L2_YCBCR_ENC_XV601.rawValue: return .bt601
        case V4L2_YCBCR_ENC_709.rawValue, V4L2_YCBCR_ENC_XV709.rawValue: return .bt709
        default:
            throw .formatRefused(
                asked: "the colours of BT.601 or BT.709",
                granted: "V4L2 encoding \(encoding)"
            )
        }
    }

    private var encoding: UInt32 {
        ycbcr_enc == V4L2_YCBCR_ENC_DEFAULT.rawValue
            ? lenscap_V4L2_MAP_YCBCR_ENC_DEFAULT(colorspace) : ycbcr_enc
    }
}
