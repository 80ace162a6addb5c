import Foundation
import ImageDatasets
import NeuralGraph

extension UnlearningSession {
    /// What a network answers to examples in inference mode: logits `[examples, classes]`, as a phase of its own.
    func answers(of model: Model, to examples: any ExampleSource) throws -> Tensor {
        try phase(.teaching) {
            try Predictor().outputs(of: examples, by: model, context: context) { step, count, _ in
                try context.finished(step, of: count, in: .teaching)
            }.logits
        }
    }

    /// What a part of a network makes of examples, in inference mode, as examples for the part after it.
    /// - Throws: ``UnlearningError/outOfMemory(batch:needed:available:)`` instead of asking for memory that is not there.
    func features(of examples: any ExampleSource, by part: Model) throws -> TensorExamples {
        let available = Int(clamping: ProcessInfo.processInfo.physicalMemory)
        let (bytes, overflows) = examples.count.multipliedReportingOverflow(
            by: part.graph.outputShape.count * MemoryLayout<Float>.stride)
        guard !overflows, bytes <= available else {
            throw UnlearningError.outOfMemory(
                batch: examples.count, needed: overflows ? .max : bytes, available: available)
        }
        let outputs = try answers(of: part, to: examples)
        return try TensorExamples(
            outputs.reshaped(to: TensorShape([examples.count] + part.graph.outputShape.dimensions)),
            labels: examples.labels)
    }
}

extension Tensor {
    /// Rows of logits, `[n, K]`, without some classes: theirs become -infinity, so that softmax gives them 0.
    func masking(_ classes: Set<Int>) -> Tensor {
        masking { _ in classes }
    }

    /// Rows of logits without classes of each row's own.
    func masking(_ classes: (_ row: Int) -> Set<Int>) -> Tensor {
        guard shape.rank == 2 else { return self }
        var masked = self
        for row in 0..<shape[0] {
            for label in classes(row) { masked[row * shape[1] + label] = -.infinity }
        }
        return masked
    }
}
