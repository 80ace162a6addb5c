import ImageDatasets
import NeuralGraph

extension UnlearningRun {
    /// What a network answers to examples in inference mode: logits `[examples, classes]`, as a phase of its own.
    func answers(of model: Model, to examples: any ExampleSource) throws -> Tensor {
        try phase(.teaching) {
            try Predictor().outputs(of: examples, by: model, context: context) { step, count, _ in
                try context.finished(step, of: count, in: .teaching)
            }.logits
        }
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
