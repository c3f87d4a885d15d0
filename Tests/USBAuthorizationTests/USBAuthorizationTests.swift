internal import Testing

@Suite struct USBAuthorizationTests {}
