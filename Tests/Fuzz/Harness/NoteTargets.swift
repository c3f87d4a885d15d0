internal import CryptoPrimitives
internal import TransparencyLog

extension FuzzTarget {
    /// Signed notes, checkpoints, tree heads and note keys: one spelling each.
    static let note = FuzzTarget(
        name: "note",
        longest: 4096,
        run: { input in
            checkNote(input)
            guard let text = text(input) else { return }
            if let checkpoint = accepted({ try Checkpoint(text: text) }) {
                expect(checkpoint.text.utf8.elementsEqual(input), "a checkpoint has one spelling")
            }
            if let head = accepted({ try TreeHead(shortForm: text) }) {
                expect(head.shortForm.utf8.elementsEqual(input), "a tree head has one spelling")
            }
            if let key = accepted({ try NoteKey(text: text) }) {
                expect(key.text.utf8.elementsEqual(input), "a note's key has one spelling")
            }
            guard
                let signed = accepted({
                    try SignedNote(signing: text, as: noteKey.name, with: School.shared.box)
                })
            else { return }
            // A text may look like a note that ends in it; only the whole is what was signed.
            let parsed = needed { () throws(TransparencyLogError) in
                try SignedNote(parsing: signed.bytes)
            }
            expect(parsed.text.utf8.elementsEqual(input), "a signed text is the text")
            expect(accepted { try parsed.verify(with: noteKey) } != nil, "and its signature good")
        },
        seeds: {
            let box = School.shared.box
            let head = try TreeHead(size: 7, root: SHA256.hash([1]))
            let other = try Checkpoint(origin: "lenscap/other/activation", head: head)
            let signed = try goodCheckpoint.signed(with: box).bytes
            let cosigned = try other.signed(with: School.shared.authority).bytes
            let line = cosigned.split(separator: UInt8(ascii: "\n")).last ?? []
            let texts = [
                goodCheckpoint.text, head.shortForm, TreeHead.empty.shortForm, noteKey.text,
                "a\n\nb\n", "a\n", "\n",
            ]
            return [signed, signed + line + [UInt8(ascii: "\n")], cosigned]
                + texts.map { Array($0.utf8) }
        }
    )
}

private let goodCheckpoint = needed { () throws(TransparencyLogError) in
    try Checkpoint(
        origin: Checkpoint.activationOrigin(box: School.shared.box.verificationKey.thumbprint),
        head: TreeHead(size: 12_345, root: SHA256.hash([2]))
    )
}

private let noteKey = needed { () throws(TransparencyLogError) in
    try NoteKey(name: goodCheckpoint.origin, key: School.shared.box.verificationKey)
}

private func checkNote(_ input: [UInt8]) {
    let verified = accepted { try Checkpoint(verifying: input, with: noteKey) }
    expect(verified == nil || verified == goodCheckpoint, "only what was signed is verified")
    guard let note = accepted({ try SignedNote(parsing: input) }) else {
        expect(verified == nil, "a checkpoint stands in a note")
        return
    }
    expect(note.bytes == input, "a note is its own serialisation")
    if accepted({ try note.verify(with: noteKey) }) != nil {
        expect(note.text.utf8.elementsEqual(goodCheckpoint.text.utf8), "only what was signed")
    }
}
