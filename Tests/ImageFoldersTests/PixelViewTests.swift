import ImageFolders
import TestSupport
import Testing

@Suite("Orientations", .tags(.data))
struct PixelViewTests {
    /// What EXIF 2.32, table "Orientation", says about the picture `1 2 3 / 4 5 6`, stored row after row.
    @Test(
        "pictures are turned upright",
        arguments: [
            (1, [[1, 2, 3], [4, 5, 6]]), (2, [[3, 2, 1], [6, 5, 4]]), (3, [[6, 5, 4], [3, 2, 1]]),
            (4, [[4, 5, 6], [1, 2, 3]]), (5, [[1, 4], [2, 5], [3, 6]]), (6, [[4, 1], [5, 2], [6, 3]]),
            (7, [[6, 3], [5, 2], [4, 1]]), (8, [[3, 6], [2, 5], [1, 4]]), (0, [[1, 2, 3], [4, 5, 6]]),
        ])
    func upright(orientation: Int, expected: [[UInt8]]) {
        let stored: [UInt8] = (1...6).flatMap { [UInt8($0), 0, 0] }
        let seen = stored.withUnsafeBufferPointer { pixels in
            let view = PixelView(pixels, width: 3, height: 2, orientation: orientation)
            return (0..<view.height).map { y in
                (0..<view.width).compactMap { x in view.start?[x * view.columnStep + y * view.rowStep] }
            }
        }
        #expect(seen == expected)
    }
}
