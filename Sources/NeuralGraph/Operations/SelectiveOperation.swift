/// Evenly spaced places along one axis.
struct Selection: Hashable, Sendable {
    /// The axis, from 0.
    let axis: Int
    /// The first place, from 0.
    let start: Int
    /// The number of places.
    let count: Int
    /// The distance from one place to the next.
    let step: Int
}

/// An operation that computes a selection of another one's output.
struct SelectedOperation {
    /// The operation, with the same parameters as the other one.
    let operation: any GraphOperation
    /// For each input, whether it is read in selection too, or as a whole.
    let readsSelection: [Bool]
}

/// An operation of whose output some places along an axis can be computed without the others.
///
/// By default every number of the output comes from one number of each input, and the inputs have the output's shape.
protocol SelectiveOperation: GraphOperation {
    /// Whether the work is in proportion to reading and writing the numbers.
    var isElementwise: Bool { get }

    /// Returns the operation that computes a selection of the output; nil if there is none.
    func selecting(_ selection: Selection, inputs: [TensorShape], output: TensorShape) -> SelectedOperation?
}

extension SelectiveOperation {
    var isElementwise: Bool { true }

    func selecting(_ selection: Selection, inputs: [TensorShape], output: TensorShape) -> SelectedOperation? {
        placeByPlace(inputs)
    }

    /// The same operation of the same selection of all inputs.
    fileprivate func placeByPlace(_ inputs: [TensorShape]) -> SelectedOperation {
        SelectedOperation(operation: self, readsSelection: inputs.map { _ in true })
    }
}

extension Add: SelectiveOperation {}
extension Pointwise: SelectiveOperation {}
extension ReLU: SelectiveOperation {}

extension Arithmetic: SelectiveOperation {
    func selecting(_ selection: Selection, inputs: [TensorShape], output: TensorShape) -> SelectedOperation? {
        inputs.allSatisfy { $0 == output } ? placeByPlace(inputs) : nil
    }
}

extension ParametricArithmetic: SelectiveOperation {
    /// Only where the parameter is the same at all places, since it stays as it is.
    func selecting(_ selection: Selection, inputs: [TensorShape], output: TensorShape) -> SelectedOperation? {
        let axis = selection.axis + shape.rank - output.rank
        return inputs == [output] && (axis < 0 || shape[axis] == 1) ? placeByPlace(inputs) : nil
    }
}

extension Linear: SelectiveOperation {
    var isElementwise: Bool { false }

    func selecting(_ selection: Selection, inputs: [TensorShape], output: TensorShape) -> SelectedOperation? {
        selection.axis < output.rank - 1 ? placeByPlace(inputs) : nil
    }
}

extension LayerNormalization: SelectiveOperation {
    var isElementwise: Bool { false }

    func selecting(_ selection: Selection, inputs: [TensorShape], output: TensorShape) -> SelectedOperation? {
        selection.axis < output.rank - 1 ? placeByPlace(inputs) : nil
    }
}

extension ScaledDotProductAttention: SelectiveOperation {
    var isElementwise: Bool { false }

    /// Fewer queries, of the same keys and values.
    func selecting(_ selection: Selection, inputs: [TensorShape], output: TensorShape) -> SelectedOperation? {
        guard selection.axis == 0, queries == nil else { return nil }
        if inputs.count == 3 { return SelectedOperation(operation: self, readsSelection: [true, false, false]) }
        guard selection.step == 1 else { return nil }
        var attention = self
        attention.queries = selection.start..<selection.start + selection.count
        return SelectedOperation(operation: attention, readsSelection: [false])
    }
}
