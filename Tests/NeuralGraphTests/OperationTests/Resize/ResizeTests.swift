import NeuralGraph
import TestSupport
import Testing

@Suite("Resize", .tags(.operations)) struct ResizeTests {
    private let worst = WorstErrors("resizing")

    @Test("upsampling", arguments: [Size2D(1), 2, Size2D(height: 3, width: 1)])
    func upsampling(_ factor: Size2D) throws {
        try worst.expectCorrect(Upsample(factor), [3, 2, 4], "upsampling by \(factor)")
    }

    @Test("resizing", arguments: [(6, 5), (2, 3), (1, 1), (7, 11)])
    func resizing(_ height: Int, _ width: Int) throws {
        try worst.expectCorrect(Resize(height: height, width: width), [4, 3, 2], "\(height)x\(width)")
    }
}
