public import NeuralGraph

/// Examples that lie in a tensor, such as learned noise.
public struct TensorExamples: ExampleSource {
    /// The examples: `[count, ...exampleShape]`.
    public let inputs: Tensor
    /// Every example's shape.
    public let exampleShape: TensorShape

    private let classes: [Int]

    /// Creates examples.
    /// - Parameters:
    ///   - inputs: `[count, ...shape]`, channels last.
    ///   - labels: one class an example, not negative.
    /// - Throws: ``DatasetError`` if the counts differ, a label is negative or the tensor has no batch axis.
    public init(_ inputs: Tensor, labels: [Int]) throws(DatasetError) {
        guard inputs.shape.rank >= 1 else {
            throw .incompatibleShape(
                name: "tensor of examples", found: inputs.shape, expected: [labels.count],
                remedy: "the first axis counts the examples")
        }
        guard inputs.shape[0] == labels.count else {
            throw .countMismatch(
                images: "tensor of examples", imageCount: inputs.shape[0], labels: "list of labels",
                labelCount: labels.count)
        }
        if let index = labels.firstIndex(where: { $0 < 0 || $0 > Int(Int32.max) }) {
            throw .labelOutOfRange(
                path: "list of labels", index: index, label: labels[index], classes: Int(Int32.max) + 1)
        }
        self.inputs = inputs
        classes = labels
        exampleShape = TensorShape(Array(inputs.shape.dimensions.dropFirst()))
    }

    /// The number of examples.
    public var count: Int { classes.count }

    /// The class of one example.
    public func label(at index: Int) -> Int { classes[index] }

    /// Copies one example.
    public func write(_ index: Int, augmentationSeed: UInt64?, into target: inout MutableSpan<Float>) {
        let size = exampleShape.count
        precondition(index >= 0 && index < count, "there is no example \(index) among \(count)")
        target.copy(inputs.elements.span.extracting(index * size..<(index + 1) * size))
    }
}
