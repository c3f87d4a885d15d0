internal import CALSA
internal import Glibc
internal import LinuxSystem

/// An open ALSA capture stream, stopped and closed when the owner goes; thread-bound.
///
/// libasound returns negative error numbers; `errno` is not looked at.
struct PCM: ~Copyable {
    let path: String
    let handle: OpaquePointer

    /// A frame is one sample of each channel.
    struct Layout {
        let format: MicrophoneFormat
        let period: Int
    }

    static func open(_ path: String) throws(MicrophoneError) -> PCM {
        silenceLibrary
        var handle: OpaquePointer?
        let code = snd_pcm_open(&handle, path, SND_PCM_STREAM_CAPTURE, Int32(SND_PCM_NONBLOCK))
        guard code == 0, let handle else {
            throw MicrophoneError(opening: path, SystemError(call: "snd_pcm_open", code, path))
        }
        return PCM(path: path, handle: handle)
    }

    private init(path: String, handle: OpaquePointer) {
        self.path = path
        self.handle = handle
    }

    deinit {
        snd_pcm_drop(handle)
        snd_pcm_close(handle)
    }

    /// Name and port as the driver states them, and the serial number.
    ///
    /// Empty for a PCM that is made by a plug-in and belongs to no card.
    func identity() -> DeviceIdentity {
        var allocated: OpaquePointer?
        guard snd_pcm_info_malloc(&allocated) == 0 else { return DeviceIdentity("") }
        defer { snd_pcm_info_free(allocated) }
        var name: UnsafeMutablePointer<CChar>?
        guard snd_pcm_info(handle, allocated) == 0 else { return DeviceIdentity("") }
        let card = snd_pcm_info_get_card(allocated)
        guard card >= 0, snd_card_get_longname(card, &name) == 0, let name else {
            return DeviceIdentity("")
        }
        defer { free(name) }
        let serial = DeviceIdentity.serial(below: "/sys/class/sound/card\(card)")
        return DeviceIdentity("\(String(cString: name)) \(serial)")
    }

    /// Sets everything up but does not start yet.
    func configure(_ request: MicrophoneRequest) throws(MicrophoneError) -> Layout {
        let layout = try setHardware(request)
        try setSoftware(period: layout.period)
        return layout
    }

    /// Starts, also again after an overrun or a suspend.
    func start() throws(MicrophoneError) {
        try check("snd_pcm_prepare", snd_pcm_prepare(handle))
        try check("snd_pcm_start", snd_pcm_start(handle))
    }

    /// What to wait for until there is a period of sound.
    func pollEntries() -> [PollEntry] {
        let count = max(0, snd_pcm_poll_descriptors_count(handle))
        var list = [pollfd](repeating: pollfd(), count: Int(count))
        let filled = snd_pcm_poll_descriptors(handle, &list, UInt32(count))
        return list.prefix(Int(max(0, filled))).map {
            PollEntry($0.fd, PollEvents(rawValue: $0.events))
        }
    }

    private func setHardware(_ request: MicrophoneRequest) throws(MicrophoneError) -> Layout {
        var allocated: OpaquePointer?
        try check("snd_pcm_hw_params_malloc", snd_pcm_hw_params_malloc(&allocated))
        defer { snd_pcm_hw_params_free(allocated) }
        let choice = allocated
        try check("snd_pcm_hw_params_any", snd_pcm_hw_params_any(handle, choice))
        // The device's own clock is wanted; the drift against it is corrected later.
        try check(
            "snd_pcm_hw_params_set_rate_resample",
            snd_pcm_hw_params_set_rate_resample(handle, choice, 0)
        )
        try check(
            "snd_pcm_hw_params_set_access",
            snd_pcm_hw_params_set_access(handle, choice, SND_PCM_ACCESS_RW_INTERLEAVED)
        )
        guard snd_pcm_hw_params_set_format(handle, choice, SND_PCM_FORMAT_S16_LE) == 0 else {
            throw .formatRefused(asked: "16-bit samples", granted: "other sample formats only")
        }
        let format = try setFormat(request, choice)

        var period = snd_pcm_uframes_t(format.sampleRate / 50)
        try check(
            "snd_pcm_hw_params_set_period_size_near",
            snd_pcm_hw_params_set_period_size_near(handle, choice, &period, nil)
        )
        // Half a second of patience with a late reader.
        var buffer = snd_pcm_uframes_t(format.sampleRate / 2)
        try check(
            "snd_pcm_hw_params_set_buffer_size_near",
            snd_pcm_hw_params_set_buffer_size_near(handle, choice, &buffer)
        )
        try check("snd_pcm_hw_params", snd_pcm_hw_params(handle, choice))
        try check(
            "snd_pcm_hw_params_get_period_size",
            snd_pcm_hw_params_get_period_size(choice, &period, nil)
        )
        return Layout(format: format, period: Int(period))
    }

    private func setFormat(
        _ request: MicrophoneRequest,
        _ choice: OpaquePointer?
    )
        throws(MicrophoneError) -> MicrophoneFormat
    {
        let counts = [request.channels, request.channels == 1 ? 2 : 1]
        let granted = counts.first {
            snd_pcm_hw_params_set_channels(handle, choice, UInt32($0)) == 0
        }
        guard let granted else {
            var least: UInt32 = 0
            snd_pcm_hw_params_get_channels_min(choice, &least)
            throw .formatRefused(asked: "1 or 2 channels", granted: "at least \(least)")
        }
        let rate = UInt32(request.sampleRate)
        guard snd_pcm_hw_params_set_rate(handle, choice, rate, 0) == 0 else {
            var least: UInt32 = 0
            var most: UInt32 = 0
            snd_pcm_hw_params_get_rate_min(choice, &least, nil)
            snd_pcm_hw_params_get_rate_max(choice, &most, nil)
            throw .formatRefused(asked: "\(rate) Hz", granted: "\(least) to \(most) Hz")
        }
        return MicrophoneFormat(sampleRate: request.sampleRate, channels: granted)
    }

    /// Wakes the reader once a period, and stamps with CLOCK_MONOTONIC.
    private func setSoftware(period: Int) throws(MicrophoneError) {
        var allocated: OpaquePointer?
        try check("snd_pcm_sw_params_malloc", snd_pcm_sw_params_malloc(&allocated))
        defer { snd_pcm_sw_params_free(allocated) }
        let choice = allocated
        try check("snd_pcm_sw_params_current", snd_pcm_sw_params_current(handle, choice))
        try check(
            "snd_pcm_sw_params_set_avail_min",
            snd_pcm_sw_params_set_avail_min(handle, choice, snd_pcm_uframes_t(period))
        )
        try check(
            "snd_pcm_sw_params_set_tstamp_mode",
            snd_pcm_sw_params_set_tstamp_mode(handle, choice, SND_PCM_TSTAMP_ENABLE)
        )
        try check(
            "snd_pcm_sw_params_set_tstamp_type",
            snd_pcm_sw_params_set_tstamp_type(handle, choice, SND_PCM_TSTAMP_TYPE_MONOTONIC)
        )
        try check("snd_pcm_sw_params", snd_pcm_sw_params(handle, choice))
    }

    private func check(_ call: String, _ code: Int32) throws(MicrophoneError) {
        if code < 0 { throw MicrophoneError(calling: path, SystemError(call: call, code)) }
    }
}

/// Done once for the process, at the first use.
private let silenceLibrary: Void = lenscap_alsa_quiet()

extension SystemError {
    /// From a libasound return value, which is a negative error number.
    init(call: String, _ code: some BinaryInteger, _ subject: String = "") {
        self.init(call: call, subject: subject, number: -Int32(truncatingIfNeeded: code))
    }
}

extension MicrophoneError {
    init(opening path: String, _ error: SystemError) {
        self =
            if error.isNotFound || error.isDeviceGone {
                .missing(path: path)
            } else if error.isPermission {
                .notPermitted(path: path)
            } else if error.isBusy || error.isWouldBlock {
                .deviceBusy(path: path)
            } else {
                .driverCallFailed(error)
            }
    }

    init(calling path: String, _ error: SystemError) {
        self =
            if error.isDeviceGone || error.number == EBADFD {
                // A stream whose device left is in no state to be used.
                .deviceGone
            } else if error.isBusy {
                .deviceBusy(path: path)
            } else {
                .driverCallFailed(error)
            }
    }
}
