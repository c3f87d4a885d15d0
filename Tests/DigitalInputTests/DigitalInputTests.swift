internal import Testing

@Suite struct DigitalInputTests {}
