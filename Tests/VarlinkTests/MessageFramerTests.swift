internal import Testing
internal import Varlink

extension VarlinkTests {
    @Suite("Message framing")
    struct Framing {
        private func all(_ framer: inout MessageFramer) throws(VarlinkError) -> [String] {
            var messages: [String] = []
            while let message = try framer.next() {
                messages.append(String(decoding: message, as: UTF8.self))
            }
            return messages
        }

        @Test("Messages come out the same wherever the stream is cut")
        func cuts() throws {
            let stream = Array("{}\0{\"a\":1}\0x\0".utf8)
            for first in 0...stream.count {
                for second in first...stream.count {
                    var framer = MessageFramer(limit: 8)
                    var messages: [String] = []
                    for part in [stream[..<first], stream[first..<second], stream[second...]] {
                        framer.append(part)
                        messages += try all(&framer)
                    }
                    #expect(messages == ["{}", "{\"a\":1}", "x"])
                    #expect(!framer.isInsideMessage)
                }
            }
        }

        @Test("Byte by byte, a message is whole exactly with its NUL")
        func byteByByte() throws {
            var framer = MessageFramer()
            for _ in 0..<3 {
                for byte in "{\"method\":\"a.B\"}".utf8 {
                    framer.append(CollectionOfOne(byte))
                    #expect(try framer.next() == nil)
                    #expect(framer.isInsideMessage)
                }
                framer.append([0])
                #expect(try framer.next()?.count == 16)
                #expect(!framer.isInsideMessage)
            }
        }

        @Test("The limit counts the message without its NUL", arguments: [1, 7, 64])
        func limit(limit: Int) throws {
            var exact = MessageFramer(limit: limit)
            exact.append([UInt8](repeating: 65, count: limit))
            #expect(try exact.next() == nil)
            exact.append([0])
            #expect(try exact.next()?.count == limit)

            var unfinished = MessageFramer(limit: limit)
            unfinished.append([UInt8](repeating: 65, count: limit + 1))
            #expect(throws: VarlinkError.messageTooLong(limit: limit)) { try unfinished.next() }

            var finished = MessageFramer(limit: limit)
            finished.append([UInt8](repeating: 65, count: limit + 1) + [0])
            #expect(throws: VarlinkError.messageTooLong(limit: limit)) { try finished.next() }
        }

        @Test("After an error nothing that follows is believed")
        func poisoned() throws {
            var framer = MessageFramer(limit: 4)
            framer.append(Array("ok\0\0ok\0".utf8))
            #expect(try framer.next() == Array("ok".utf8))
            for _ in 0..<3 {
                #expect(throws: VarlinkError.emptyMessage) { try framer.next() }
                framer.append(Array("ok\0".utf8))
            }
        }

        @Test("A peer that never ends its message is given up after limit plus one append")
        func endless() throws {
            var framer = MessageFramer(limit: 100)
            var taken = 0
            #expect(throws: VarlinkError.messageTooLong(limit: 100)) {
                while true {
                    framer.append([UInt8](repeating: 1, count: 10))
                    taken += 10
                    _ = try framer.next()
                }
            }
            #expect(taken == 110)
        }

        @Test("JSON never contains the byte that ends a message, and keeps slashes")
        func encoding() throws {
            let bytes = try MessageJSON.encode(["b": "a\0/b", "a": "é"])
            #expect(!bytes.contains(0))
            #expect(String(decoding: bytes, as: UTF8.self) == #"{"a":"é","b":"a\u0000/b"}"#)
            #expect(throws: VarlinkError.self) { try MessageJSON.encode(["x": Double.nan]) }
        }
    }
}
