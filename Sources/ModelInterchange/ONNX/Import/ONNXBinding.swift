import ModelFiles
import NeuralGraph

/// The stored tensor of a file that a parameter came from, and the order of its elements there.
package struct ONNXBinding: Sendable {
    /// The name in the file.
    let name: String
    /// Length and distance in the file of each step through the parameter, outermost first.
    let steps: [Step]

    struct Step: Sendable, Hashable {
        let count: Int
        let stride: Int
    }

    /// Elements in the parameter's order, from the file's.
    static func gathered(_ elements: [Float], _ steps: [Step]) -> [Float] {
        guard !isPlain(steps) else { return elements }
        var result: [Float] = []
        result.reserveCapacity(steps.reduce(1) { $0 * $1.count })
        visit(steps) { result.append(elements[$0]) }
        return result
    }

    /// Elements in the file's order, from the parameter's.
    func scattered(_ elements: [Float]) -> [Float] {
        guard !Self.isPlain(steps) else { return elements }
        var result = [Float](repeating: 0, count: elements.count)
        var index = 0
        Self.visit(steps) { offset in
            result[offset] = elements[index]
            index += 1
        }
        return result
    }

    private static func isPlain(_ steps: [Step]) -> Bool {
        var stride = 1
        for step in steps.reversed() {
            guard step.stride == stride || step.count == 1 else { return false }
            stride *= step.count
        }
        return true
    }

    /// Calls `body` with each offset in order, counting up like an odometer.
    static func visit(_ steps: [Step], _ body: (Int) -> Void) {
        guard steps.allSatisfy({ $0.count > 0 }) else { return }
        var index = [Int](repeating: 0, count: steps.count)
        var offset = 0
        while true {
            body(offset)
            var axis = steps.count - 1
            while axis >= 0 {
                index[axis] += 1
                offset += steps[axis].stride
                if index[axis] < steps[axis].count { break }
                offset -= steps[axis].stride * steps[axis].count
                index[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}

/// A node's input that shares a stored tensor with others, and gets its own once training changes it.
struct ONNXSharedInput: Sendable, Hashable {
    /// The node's first output.
    let output: String
    /// The position among the node's inputs.
    let position: Int
    /// The name of the stored tensor.
    let stored: String
}

/// A constant of the file as a parameter of a node of the engine's graph.
struct ONNXParameter {
    /// The parameter's name below the node, such as `weight`.
    let name: String
    /// Its name in the model, if the file stores it under that name.
    let key: String?
    let tensor: Tensor
    /// Whether training changes it.
    let learns: Bool
}

extension ONNXImporter {
    /// Makes a constant a parameter.
    /// - Parameters:
    ///   - order: the view's factors in the order of the parameter's elements.
    ///   - shape: the parameter's shape; that of the factors if nil.
    ///   - learns: whether parameters of this kind are trained.
    mutating func parameter(
        _ view: ValueView, order: [Place], shape: TensorShape? = nil, node: String, _ name: String, learns: Bool
    ) throws -> ONNXParameter {
        guard let constant = view.constant else {
            throw ONNXProblem("node \(quoted(node)) computes its \(name), which has to be stored in the file")
        }
        let steps = order.map { ONNXBinding.Step(count: view[$0].length.count, stride: view[$0].stride ?? 0) }
        let elements = try constant.elements
        guard !elements.isEmpty else {
            throw ONNXProblem("node \(quoted(node)) has a \(name) without elements")
        }
        let shape = shape ?? TensorShape(steps.map(\.count))
        // A stored tensor that is used twice, or in part, could not be written back.
        let isWhole = elements.count == shape.count && steps.reduce(1) { $0 * $1.count } == elements.count
        guard steps.reduce(1, { $0 * $1.count }) == shape.count else {
            throw ONNXProblem(
                "node \(quoted(node)) has a \(name) of \(view.description) where it takes \(shape)")
        }
        let tensor = try Tensor(ONNXBinding.gathered(elements, steps), shape: shape)
        let isOwn = isWhole && plan.isOwn(constant.name) && bindings[constant.name] == nil
        guard constant.isStored, isOwn, !constant.name.isEmpty else {
            if constant.isStored {
                untrained["\(node).\(name)"] =
                    plan.isOwn(constant.name) ? "only a part of it is used" : "several nodes share it"
            }
            return ONNXParameter(name: name, key: nil, tensor: tensor, learns: false)
        }
        bindings[constant.name] = ONNXBinding(name: constant.name, steps: steps)
        return ONNXParameter(name: name, key: constant.name, tensor: tensor, learns: learns)
    }

    /// Adds a node with parameters.
    mutating func add(
        _ operation: some GraphOperation, named name: String, _ inputs: [Graph.Value] = [],
        _ parameters: [ONNXParameter]
    ) throws -> Graph.Value {
        var keys: [String: String] = [:]
        for parameter in parameters {
            let key = parameter.key ?? "\(name).\(parameter.name)"
            keys[parameter.name] = key
            tensors[key] = parameter.tensor
        }
        let constants = Set(parameters.filter { !$0.learns }.map(\.name))
        let value = try add(operation, named: name, inputs, keys: keys, constants: constants)
        if parameters.contains(where: \.learns) { learned.insert(value) }
        return value
    }
}
