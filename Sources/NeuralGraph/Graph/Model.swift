/// A network with its parameters and state: a value, so that changing a copy leaves the original as it was.
public struct Model: Sendable {
    /// The network.
    public let graph: Graph
    /// The parameters by their names in the state dictionary, in PyTorch's layouts.
    public private(set) var parameters: [String: Tensor]
    /// The tensors that training updates without a gradient, by name.
    public private(set) var state: [String: Tensor]
    /// The architecture's name, class names and input preparation.
    public var metadata: ModelMetadata
    /// Data that the reader of a file keeps, so that the model can be written back in its original form; nil for a new
    /// model. Copies with other parameters keep it.
    public var origin: (any ModelOrigin)?

    /// Creates a network with random parameters, drawn from the seed and each parameter's name.
    public init(graph: Graph, metadata: ModelMetadata = ModelMetadata(), seed: UInt64) {
        self.graph = graph
        self.metadata = metadata
        parameters = [:]
        state = [:]
        for (key, specification) in graph.parameters {
            // A stream of its own for each name: adding a layer moves no other layer's numbers.
            var random = SeededRandom(seed: seed, stream: key)
            parameters[key] = specification.initializer.tensor(shape: specification.shape, random: &random)
        }
        for (key, specification) in graph.state {
            state[key] = Tensor(repeating: specification.initialValue, shape: specification.shape)
        }
    }

    /// Creates a network from a state dictionary.
    /// - Throws: ``StateDictionaryError`` if a tensor is missing, unknown or of another shape.
    public init(
        graph: Graph, metadata: ModelMetadata = ModelMetadata(), stateDictionary: [String: Tensor]
    ) throws(StateDictionaryError) {
        try graph.checkStateDictionary(stateDictionary.mapValues(\.shape))
        self.graph = graph
        self.metadata = metadata
        parameters = [:]
        state = [:]
        for (key, _) in graph.parameters { parameters[key] = stateDictionary[key] }
        for (key, specification) in graph.state {
            state[key] =
                stateDictionary[key] ?? Tensor(repeating: specification.initialValue, shape: specification.shape)
        }
    }

    /// A part of a model, with the parameters and state of its nodes.
    init(part graph: Graph, of model: Model, metadata: ModelMetadata) {
        self.graph = graph
        self.metadata = metadata
        let parameterNames = Set(graph.parameters.map(\.key))
        let stateNames = Set(graph.state.map(\.key))
        parameters = model.parameters.filter { parameterNames.contains($0.key) }
        state = model.state.filter { stateNames.contains($0.key) }
    }

    /// All parameters and state tensors by name, as PyTorch's `state_dict()`.
    public var stateDictionary: [String: Tensor] { parameters.merging(state) { parameter, _ in parameter } }

    /// The number of classes: the length of the output.
    public var classCount: Int { graph.outputShape.count }

    /// The number of elements of all trained parameters.
    public var parameterCount: Int {
        graph.parameters.reduce(0) { $0 + ($1.specification.isTrained ? $1.specification.shape.count : 0) }
    }

    /// Returns the network with some tensors replaced.
    /// - Throws: ``StateDictionaryError`` if a name is unknown or a shape differs.
    public func replacing(_ tensors: [String: Tensor]) throws(StateDictionaryError) -> Model {
        var model = self
        for (name, tensor) in tensors {
            guard let old = model.parameters[name] ?? model.state[name] else {
                throw .unexpected(name: name, others: 0)
            }
            guard old.shape == tensor.shape else {
                throw .wrongShape(name: name, expected: old.shape, found: tensor.shape)
            }
            if model.parameters[name] != nil {
                model.parameters[name] = tensor
            } else {
                model.state[name] = tensor
            }
        }
        return model
    }

    /// The name of the first tensor with an infinite or undefined number, if there is one.
    package var firstNonFiniteTensor: String? {
        stateDictionary.filter { !$0.value.isFinite }.keys.min()
    }
}

extension Graph {
    /// Checks that a state dictionary is this network's, by its names and shapes.
    /// - Parameter prefix: a prefix of its names that the network's lack.
    /// - Throws: ``StateDictionaryError`` if a tensor is missing, unknown or of another shape.
    package func checkStateDictionary(
        _ shapes: [String: TensorShape], prefix: String = ""
    ) throws(StateDictionaryError) {
        var known: Set<String> = []
        func check(_ key: String, _ shape: TensorShape, isOptional: Bool) throws(StateDictionaryError) {
            let name = prefix + key
            known.insert(name)
            guard let found = shapes[name] else {
                if isOptional { return }
                throw .missing(name: name)
            }
            guard found == shape else { throw .wrongShape(name: name, expected: shape, found: found) }
        }
        for (key, specification) in parameters { try check(key, specification.shape, isOptional: false) }
        for (key, specification) in state {
            // PyTorch before 0.4.1 wrote no batch counter, and nothing depends on its value.
            try check(key, specification.shape, isOptional: specification.isInteger)
        }
        let unknown = shapes.keys.filter { !known.contains($0) }
        if let first = unknown.min() { throw .unexpected(name: first, others: unknown.count - 1) }
    }
}

/// The data that a file format's reader keeps with a model for its writer.
public protocol ModelOrigin: Sendable {}

/// A state dictionary that does not fit a network.
public enum StateDictionaryError: DescribedError, Equatable {
    /// The network has a tensor that the dictionary lacks.
    case missing(name: String)
    /// The dictionary has a tensor that the network lacks, and a number of others.
    case unexpected(name: String, others: Int)
    /// A tensor's shape is not the network's.
    case wrongShape(name: String, expected: TensorShape, found: TensorShape)

    /// The problem and the remedy in one line.
    public var description: String {
        let remedy = "check that the architecture and its options are the ones the file was made with"
        switch self {
        case .missing(let name):
            return "tensor '\(name)' is missing; \(remedy)"
        case .unexpected(let name, let others):
            let more = others > 0 ? " and \(others) more" : ""
            return "tensor '\(name)'\(more) is not in this network; \(remedy)"
        case .wrongShape(let name, let expected, let found):
            return "tensor '\(name)' is \(found) where the network has \(expected); \(remedy)"
        }
    }
}
