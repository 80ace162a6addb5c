import NeuralGraph

/// What a checkpoint's file holds: arrays of numbers and short texts by name.
package struct CheckpointContent: Equatable, Sendable {
    /// Arrays of 32-bit floats.
    var floats: [String: [Float]] = [:]
    /// Arrays of 64-bit floats.
    var doubles: [String: [Double]] = [:]
    /// Integers, such as positions.
    package var integers: [String: Int] = [:]
    /// Seconds that computing it has taken, over all processes.
    package var seconds = 0.0

    package init(
        floats: [String: [Float]] = [:], doubles: [String: [Double]] = [:], integers: [String: Int] = [:],
        seconds: Double = 0.0
    ) {
        self.floats = floats
        self.doubles = doubles
        self.integers = integers
        self.seconds = seconds
    }

    /// A content whose arrays are not those that were expected.
    package struct Mismatch: Error {
        /// What is missing or of another length.
        let name: String
    }

    /// Returns an array that has to be there.
    func floats(_ name: String, count: Int? = nil) throws(Mismatch) -> [Float] {
        guard let found = floats[name], found.count == count ?? found.count else { throw Mismatch(name: name) }
        return found
    }

    /// Returns an array that has to be there.
    package func doubles(_ name: String, count: Int? = nil) throws(Mismatch) -> [Double] {
        guard let found = doubles[name], found.count == count ?? found.count else { throw Mismatch(name: name) }
        return found
    }

    /// Returns an integer that has to be there.
    func integer(_ name: String, in range: ClosedRange<Int> = 0...Int.max) throws(Mismatch) -> Int {
        guard let found = integers[name], range.contains(found) else { throw Mismatch(name: name) }
        return found
    }
}

// Models and optimizers.
extension CheckpointContent {
    private static let modelPrefix = "model/"
    private static let optimizerPrefix = "optimizer/"

    /// Adds a model's parameters and state.
    mutating func add(_ model: Model) {
        for (name, tensor) in model.stateDictionary { floats[Self.modelPrefix + name] = tensor.elements }
    }

    /// Returns a model with the numbers that were added.
    func model(like model: Model) throws -> Model {
        try model.replacing(
            try Dictionary(
                uniqueKeysWithValues: model.stateDictionary.map { name, tensor in
                    (name, try Tensor(floats(Self.modelPrefix + name, count: tensor.count), shape: tensor.shape))
                }))
    }

    /// Adds an optimizer's state.
    /// - Parameter name: tells it from others in the same file.
    mutating func add(_ optimizer: OptimizerSnapshot, named name: String = "") {
        integers["\(Self.optimizerPrefix)\(name)steps"] = optimizer.steps
        for (index, vector) in optimizer.vectors.enumerated() {
            floats["\(Self.optimizerPrefix)\(name)\(index)"] = vector
        }
    }

    /// Puts an optimizer into the state that was added.
    func restore(_ optimizer: any Optimizer, named name: String = "") throws {
        guard let optimizer = optimizer as? any ResumableOptimizer else { throw Mismatch(name: "optimizer") }
        let count = optimizer.snapshot.vectors.count
        let snapshot = OptimizerSnapshot(
            steps: try integer("\(Self.optimizerPrefix)\(name)steps"),
            vectors: try (0..<count).map { try floats("\(Self.optimizerPrefix)\(name)\($0)") })
        guard optimizer.restore(snapshot) else { throw Mismatch(name: "optimizer") }
    }
}

extension CheckpointContent {
    private static let tensorPrefix = "tensor/"

    /// Takes tensors by name.
    init(_ tensors: [String: Tensor]) {
        for (name, tensor) in tensors { floats[Self.tensorPrefix + name] = tensor.elements }
    }

    /// Returns tensors of known shapes.
    func tensors(_ shapes: [String: TensorShape]) throws -> [String: Tensor] {
        try Dictionary(
            uniqueKeysWithValues: shapes.map { name, shape in
                (name, try Tensor(floats(Self.tensorPrefix + name, count: shape.count), shape: shape))
            })
    }
}
