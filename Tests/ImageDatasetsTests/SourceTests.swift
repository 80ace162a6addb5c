import ImageDatasets
import NeuralGraph
import TestSupport
import Testing

@Suite("Sources of examples", .tags(.data))
struct SourceTests {
    private func examples(_ count: Int, from start: Int = 0) throws -> TensorExamples {
        let elements = (0..<count * 2).map { Float(start * 2 + $0) }
        return try TensorExamples(
            Tensor(elements, shape: [count, 2]), labels: (0..<count).map { (start + $0) % 3 })
    }

    @Test("a tensor's rows are examples")
    func tensors() throws {
        let source = try examples(4)
        #expect(source.exampleShape == [2])
        let taken = try source.tensor(at: [3, 1])
        #expect(taken.inputs.elements == [6, 7, 2, 3])
        #expect(taken.inputs.shape == [2, 2])
        #expect(taken.labels == [0, 1])
        #expect(try source.tensor(at: []).inputs.shape == [0, 2])
        #expect(datasetError { _ = try source.tensor(at: [4]) } != nil)
        #expect(datasetError { _ = try source.tensor(at: [-1]) } != nil)
    }

    @Test("tensors and labels must fit together")
    func tensorErrors() throws {
        let tensor = Tensor(repeating: 0, shape: [2, 3])
        #expect(datasetError { _ = try TensorExamples(tensor, labels: [0]) } != nil)
        #expect(datasetError { _ = try TensorExamples(tensor, labels: [0, -1]) } != nil)
        #expect(datasetError { _ = try TensorExamples(tensor, labels: [0, .max]) } != nil)
        #expect(datasetError { _ = try TensorExamples(Tensor(repeating: 0, shape: []), labels: [0]) } != nil)
    }

    @Test("combined sources follow each other")
    func combined() throws {
        let source = try CombinedExamples([
            examples(2), examples(0), examples(3, from: 2), examples(1, from: 5),
        ])
        #expect(source.count == 6)
        #expect(source.labels == [0, 1, 2, 0, 1, 2])
        #expect(try source.tensor(at: Array(0..<6)).inputs.elements == (0..<12).map(Float.init))
        #expect(datasetError { _ = try CombinedExamples([]) } != nil)
        let other = try TensorExamples(Tensor(repeating: 0, shape: [1, 3]), labels: [0])
        let error = datasetError { _ = try CombinedExamples([source, other]) }
        #expect(error?.description.contains("shape 3 does not fit 2") == true)
    }

    @Test("repeated sources begin again")
    func repeated() throws {
        let source = try RepeatedExamples(examples(2), times: 3)
        #expect(source.labels == [0, 1, 0, 1, 0, 1])
        #expect(try source.tensor(at: [4, 5]).inputs.elements == [0, 1, 2, 3])
        #expect(datasetError { _ = try RepeatedExamples(source, times: 0) } != nil)
        #expect(datasetError { _ = try RepeatedExamples(source, times: .max) } != nil)
        #expect(try RepeatedExamples(examples(0), times: 3).count == 0)
    }
}
