internal import Testing

@Suite struct LEDClassTests {}
