import NeuralGraph
import TestSupport
import Testing

@Suite("Tensor", .tags(.graphs)) struct TensorTests {
    private func counting(_ shape: TensorShape) throws -> Tensor {
        try Tensor((0..<shape.count).map(Float.init), shape: shape)
    }

    @Test("elements that are not appended are 0, and an error leaves no tensor")
    func appending() throws {
        let tensor = Tensor(shape: [2, 3]) { elements in
            for value in 1...4 { elements.append(Float(value)) }
        }
        #expect(tensor.elements == [1, 2, 3, 4, 0, 0])
        #expect(throws: CancellationError.self) {
            try Tensor(shape: [2]) { (elements) throws(CancellationError) in
                elements.append(1)
                throw CancellationError()
            }
        }
    }

    @Test("transposes by definition") func transposesByDefinition() throws {
        let tensor = try counting([2, 3, 4])
        let result = try tensor.transposed([2, 0, 1])
        #expect(result.shape == [4, 2, 3])
        for a in 0..<2 {
            for b in 0..<3 {
                for c in 0..<4 { #expect(result[(c * 2 + a) * 3 + b] == tensor[(a * 3 + b) * 4 + c]) }
            }
        }
    }

    @Test(
        "transposing back gives the same",
        arguments: [[], [5], [3, 4], [2, 1, 3], [2, 3, 1, 4], [2, 0, 3]] as [TensorShape])
    func transposingBackGivesTheSame(_ shape: TensorShape) throws {
        var random = SeededRandom(seed: 1, stream: "\(shape)")
        let tensor = try counting(shape)
        for _ in 0..<5 {
            let order = Array(0..<shape.rank).shuffled(using: &random)
            let inverse = order.indices.map { axis in order.firstIndex(of: axis) ?? 0 }
            #expect(try tensor.transposed(order).transposed(inverse) == tensor)
        }
        #expect(try tensor.transposed(Array(0..<shape.rank)) == tensor)
    }

    @Test("orders that name no axes are refused", arguments: [[], [0], [0, 0], [0, 2], [-1, 0], [0, 1, 2]])
    func ordersThatNameNoAxesAreRefused(_ order: [Int]) throws {
        let tensor = try counting([2, 3])
        let error = #expect(throws: ShapeError.self) { try tensor.transposed(order) }
        #expect(error?.message.contains("\(order)") == true)
    }

    @Test("lengths that no tensor has do not trap") func lengthsThatNoTensorHasDoNotTrap() {
        #expect(TensorShape([3, -2]).count == 0 && TensorShape([3, -2]) == [3, 0])
        #expect(TensorShape([.max, 2]).count == .max && TensorShape([.max, 0, .max]).count == 0)
        #expect(TensorShape([.max, .max, 1]).positions == .max)
    }

    @Test("images go from PyTorch's layout and back") func imagesGoFromPyTorchsLayoutAndBack() throws {
        let tensor = try counting([2, 3, 4, 5])
        let last = tensor.channelsLast()
        #expect(last.shape == [2, 4, 5, 3])
        #expect(last[((1 * 4 + 2) * 5 + 3) * 3 + 1] == tensor[((1 * 3 + 1) * 4 + 2) * 5 + 3])
        #expect(last.channelsFirst() == tensor)
        let matrix = try counting([3, 4])
        #expect(matrix.channelsLast() == matrix && matrix.channelsFirst() == matrix)
    }

    @Test("counts must fit") func countsMustFit() throws {
        #expect(throws: ShapeError.self) { try Tensor([1, 2, 3], shape: [2, 2]) }
        #expect(throws: ShapeError.self) { try counting([2, 3]).reshaped(to: [5]) }
        #expect(try counting([2, 3]).reshaped(to: [3, 2]).elements == counting([6]).elements)
    }

    @Test("copies are apart") func copiesAreApart() {
        let tensor = Tensor(repeating: 1, shape: [3])
        var copy = tensor
        copy[1] = 5
        copy.withMutableElements { $0[2] = 7 }
        #expect(tensor.elements == [1, 1, 1] && copy.elements == [1, 5, 7])
    }

    @Test("undefined numbers are found", arguments: [Float.nan, .infinity, -.infinity])
    func undefinedNumbersAreFound(_ value: Float) {
        var tensor = Tensor(repeating: 1, shape: [10])
        #expect(tensor.isFinite)
        tensor[9] = value
        #expect(!tensor.isFinite)
    }

    @Test("shapes describe themselves") func shapesDescribeThemselves() {
        let image: TensorShape = [4, 5, 3]
        #expect(image.count == 60 && image.positions == 20 && image.channels == 3 && image.rank == 3)
        let scalar: TensorShape = []
        #expect(scalar.count == 1 && scalar.positions == 1 && scalar.channels == 1)
        #expect("\(image)" == "4x5x3" && "\(scalar)" == "scalar")
    }
}
