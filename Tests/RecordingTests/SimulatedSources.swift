internal import Camera
internal import Microphone
internal import Recording

/// A camera so small that a minute of it costs a second or two.
func simulatedCamera(_ name: String, _ options: String = "") -> LessonSource {
    let path = "test:picture" + options
    let request = CameraRequest(path: path, width: 160, height: 120, frameRate: 5)
    return LessonSource(name: name, device: .camera(request))
}

/// A microphone of a third of the usual rate.
func simulatedMicrophone(_ name: String, _ options: String = "") -> LessonSource {
    let request = MicrophoneRequest(path: "test:sound" + options, sampleRate: 16_000)
    return LessonSource(name: name, device: .microphone(request))
}

/// The cheapest encoding.
func simulatedSettings() -> LessonSettings {
    var settings = LessonSettings()
    settings.videoBitRate = 100_000
    settings.videoPreset = .ultrafast
    settings.videoThreads = 1
    settings.audioBitRate = 32_000
    settings.capturePriority = nil
    return settings
}
