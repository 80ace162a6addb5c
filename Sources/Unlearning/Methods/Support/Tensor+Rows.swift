package import NeuralGraph

extension Tensor {
    /// Rows of logits, `[n, K]`, without some classes: theirs become -infinity, so that softmax gives them 0.
    package func masking(_ classes: Set<Int>) -> Tensor {
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

    /// Rows of probabilities, `[n, K]`, mixed with labels: `(1 - share) · row + share · label`.
    func mixed(with labels: [Int], share: Float) -> Tensor {
        guard shape.rank == 2, shape[0] == labels.count else { return self }
        var mixed = self
        for (row, label) in labels.enumerated() {
            for k in 0..<shape[1] {
                let index = row * shape[1] + k
                mixed[index] = (1 - share) * self[index] + (k == label ? share : 0)
            }
        }
        return mixed
    }

    /// The position of each row's largest number, `[rows, columns]`: the first of equal ones, -1 if one is undefined.
    package var largestInRows: [Int] {
        guard shape.rank == 2, shape[1] > 0 else { return [] }
        return (0..<shape[0]).map { row in
            let values = elements[row * shape[1]..<(row + 1) * shape[1]]
            guard let largest = values.max(), !values.contains(where: \.isNaN) else { return -1 }
            return (values.firstIndex(of: largest) ?? values.startIndex) - values.startIndex
        }
    }
}
