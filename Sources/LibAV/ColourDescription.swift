internal import CLibAV

/// How the numbers of a picture stand for colours, as the camera delivers them.
///
/// Signalled in the VUI of the H.264 stream and never converted.
package struct ColourDescription: Hashable, Sendable {
    /// The luma and chroma matrix.
    package enum Matrix: Sendable {
        /// SMPTE 170M, the one of BT.601 with 525 lines.
        case bt601
        case bt709
    }

    /// 0…255 instead of 16…235.
    package var fullRange: Bool
    package var matrix: Matrix

    package init(fullRange: Bool, matrix: Matrix) {
        self.fullRange = fullRange
        self.matrix = matrix
    }

    var range: AVColorRange { fullRange ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG }

    var space: AVColorSpace {
        switch matrix {
        case .bt601: AVCOL_SPC_SMPTE170M
        case .bt709: AVCOL_SPC_BT709
        }
    }
}
