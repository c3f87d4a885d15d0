internal import CryptoPrimitives

extension FuzzTarget {
    /// Canonical JSON: an accepted document is its own serialisation.
    static let json = FuzzTarget(
        name: "json",
        longest: 4096,
        run: { input in
            guard let value = accepted({ try CanonicalJSON(parsing: input) }) else { return }
            expect(value.bytes == input, "accepted JSON is its own serialisation")
            expect(accepted { try value.validate() } != nil, "accepted JSON can be written")
            let isFlat = accepted { try CanonicalJSON(parsing: input, maximumDepth: 1) } != nil
            expect(isFlat == (depth(value) <= 1), "the limit of depth is exact")
        },
        seeds: {
            [
                #"{}"#, #"[]"#, #""""#, #"0"#, #"9007199254740991"#, #"9007199254740992"#,
                #"{"a":[1,{"b":"c"}],"aa":{},"b":"\u0000\u001f\b\t\n\f\r\"\\/"}"#,
                #"[[[[[[[[]]]]]]]]"#, #"[[[[[[[[[]]]]]]]]]"#, #"{"b":1,"a":2}"#, #"{"a":1,"a":1}"#,
                #"[true,null,-1,1.5,1e3]"#, #"{ "a": 1 }"#,
            ].map { Array($0.utf8) }
        }
    )

    /// base64, base64url and hexadecimal: one spelling for each value, and a spelling for each.
    static let encodings = FuzzTarget(
        name: "encodings",
        longest: 512,
        run: { input in
            check(input, Base64URL.decode, Base64URL.encode, "base64url")
            check(input, Base64.decode, Base64.encode, "base64")
            check(input, Base64.decodePadded, Base64.encodePadded, "padded base64")
            check(input, Hex.decode, Hex.encode, "hexadecimal")
        },
        seeds: {
            ["", "A", "AA", "AAA", "AAAA", "-_-_", "+/+/", "AA==", "AAA=", "00ff", "0", "FF", "AB"]
                .map { Array($0.utf8) }
        }
    )

    /// Public keys: a JWK has one spelling, and a key that is accepted once always is.
    static let keys = FuzzTarget(
        name: "keys",
        longest: 256,
        run: { input in
            if let jwk = accepted({ try CanonicalJSON(parsing: input) }),
                let key = accepted({ try VerificationKey(jwk: jwk) })
            {
                expect(key.jwk.bytes == input, "a JWK is its key's only spelling")
            }
            if let key = accepted({ try VerificationKey(ed25519: input) }) {
                expect(key.rawRepresentation == input, "an Ed25519 key keeps its bytes")
                expect(accepted { try VerificationKey(jwk: key.jwk) } == key, "its JWK is its own")
            }
            let half = input.count / 2
            if let key = accepted({
                try VerificationKey(p256: Array(input[..<half]), Array(input[half...]))
            }) {
                expect(key.rawRepresentation == input, "a P-256 key keeps its bytes")
                expect(accepted { try VerificationKey(jwk: key.jwk) } == key, "its JWK is its own")
            }
            if accepted({ try X25519.validate(publicKey: input) }) != nil {
                expect(input.count == X25519.byteCount, "an X25519 key has 32 bytes")
                let shared = accepted { try School.fixedAgreementKey.sharedSecret(with: input) }
                expect(shared != nil, "a recipient that is sound can be sealed to")
            }
        },
        seeds: {
            let ed25519 = School.shared.teacher.verificationKey
            let p256 = School.shared.secondAuthority.verificationKey
            let identity = [1] + [UInt8](repeating: 0, count: 31)
            return [
                ed25519.jwk.bytes, p256.jwk.bytes, ed25519.rawRepresentation,
                p256.rawRepresentation, identity, [UInt8](repeating: 0xFF, count: 32),
                School.fixedAgreementKey.publicKey, [UInt8](repeating: 0, count: 64),
            ]
        }
    )
}

private func depth(_ value: CanonicalJSON) -> Int {
    switch value {
    case .string, .integer: 0
    case .array(let elements): 1 + (elements.map(depth).max() ?? 0)
    case .object(let members): 1 + (members.values.map(depth).max() ?? 0)
    }
}

private func check(
    _ input: [UInt8],
    _ decode: ([UInt8]) -> [UInt8]?,
    _ encode: ([UInt8]) -> String,
    _ name: String
) {
    if let bytes = decode(input) {
        expect(Array(encode(bytes).utf8) == input, "\(name) has one spelling for each value")
    }
    expect(decode(Array(encode(input).utf8)) == input, "\(name) gives back what it was given")
}
