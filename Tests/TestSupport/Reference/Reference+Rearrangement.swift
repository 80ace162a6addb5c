package import NeuralGraph

extension Reference {
    /// Axis `k` of the result is axis `axes[k]` of the input.
    package static func transpose(_ x: ReferenceTensor, axes: [Int]) -> ReferenceTensor {
        let order = axes.map { $0 < 0 ? $0 + x.shape.rank : $0 }
        var y = ReferenceTensor(batch: x.batch, shape: TensorShape(order.map { x.shape[$0] }))
        y.fill { example, index in
            var source = index
            for (place, axis) in order.enumerated() { source[axis] = index[place] }
            return x.element(example, source)
        }
        return y
    }

    /// The same numbers under another shape.
    package static func reshape(_ x: ReferenceTensor, to shape: TensorShape) -> ReferenceTensor {
        ReferenceTensor(x.elements, batch: x.batch, shape: shape)
    }

    /// An image as a vector in PyTorch's order, channels outermost.
    package static func flatten(_ x: ReferenceTensor) -> ReferenceTensor {
        let (positions, channels) = (x.shape.positions, x.shape.channels)
        var elements: [Double] = []
        for n in 0..<x.batch {
            for c in 0..<channels {
                for p in 0..<positions { elements.append(x.elements[(n * positions + p) * channels + c]) }
            }
        }
        return ReferenceTensor(elements, batch: x.batch, shape: [positions * channels])
    }

    /// Some places along one axis.
    package static func slice(_ x: ReferenceTensor, _ operation: Slice) -> ReferenceTensor {
        let axis = operation.axis < 0 ? operation.axis + x.shape.rank : operation.axis
        var lengths = x.shape.dimensions
        lengths[axis] = operation.count
        var y = ReferenceTensor(batch: x.batch, shape: TensorShape(lengths))
        y.fill { example, index in
            var source = index
            source[axis] = operation.start + index[axis] * operation.step
            return x.element(example, source)
        }
        return y
    }

    /// Places along one axis.
    package static func gather(_ x: ReferenceTensor, _ operation: Gather) -> ReferenceTensor {
        let axis = operation.axis < 0 ? operation.axis + x.shape.rank : operation.axis
        var lengths = x.shape.dimensions
        lengths[axis] = operation.places.count
        var y = ReferenceTensor(batch: x.batch, shape: TensorShape(lengths))
        y.fill { example, index in
            var source = index
            source[axis] = operation.places[index[axis]]
            return x.element(example, source)
        }
        return y
    }

    /// The second's numbers where the first's are not 0, the third's elsewhere.
    package static func `where`(
        _ condition: ReferenceTensor, _ first: ReferenceTensor, _ second: ReferenceTensor
    ) -> ReferenceTensor {
        let pairs = arithmetic(condition, second) { $0 != 0 ? 0 : $1 }
        return arithmetic(pairs, arithmetic(condition, first) { $0 != 0 ? $1 : 0 }, +)
    }

    /// The input with a border.
    package static func pad(_ x: ReferenceTensor, _ operation: Pad) -> ReferenceTensor {
        let lengths = x.shape.dimensions
        let shape = TensorShape(lengths.indices.map { operation.before[$0] + lengths[$0] + operation.after[$0] })
        var y = ReferenceTensor(batch: x.batch, shape: shape)
        y.fill { example, index in
            var source = index.indices.map { index[$0] - operation.before[$0] }
            let isInside = source.indices.allSatisfy { (0..<lengths[$0]).contains(source[$0]) }
            switch operation.mode {
            case .constant: if !isInside { return Double(operation.value) }
            case .edge: source = source.indices.map { max(0, min(lengths[$0] - 1, source[$0])) }
            case .reflect:
                source = source.indices.map { axis in
                    let place = abs(source[axis])
                    return place < lengths[axis] ? place : 2 * (lengths[axis] - 1) - place
                }
            }
            return x.element(example, source)
        }
        return y
    }

    /// An image with as many rows and columns as asked for, each the nearest one at or before its place.
    package static func resizing(_ x: ReferenceTensor, height: Int, width: Int) -> ReferenceTensor {
        var y = ReferenceTensor(batch: x.batch, shape: [height, width, x.shape[2]])
        y.fill { example, index in
            let row = Int((Double(index[0]) * Double(x.shape[0]) / Double(height)).rounded(.down))
            let column = Int((Double(index[1]) * Double(x.shape[1]) / Double(width)).rounded(.down))
            return x.element(example, [row, column, index[2]])
        }
        return y
    }

    /// Inputs one after the other along an axis.
    package static func concat(_ inputs: [ReferenceTensor], axis: Int) -> ReferenceTensor {
        let first = inputs[0].shape
        let axis = axis < 0 ? axis + first.rank : axis
        var lengths = first.dimensions
        lengths[axis] = inputs.reduce(0) { $0 + $1.shape[axis] }
        var y = ReferenceTensor(batch: inputs[0].batch, shape: TensorShape(lengths))
        y.fill { example, index in
            var source = index
            for input in inputs {
                if source[axis] < input.shape[axis] { return input.element(example, source) }
                source[axis] -= input.shape[axis]
            }
            preconditionFailure("the inputs end before the result")
        }
        return y
    }

    /// The mean, sum or maximum along some axes.
    package static func reduction(_ x: ReferenceTensor, _ operation: Reduction) -> ReferenceTensor {
        let axes = Set(operation.axes.map { $0 < 0 ? $0 + x.shape.rank : $0 })
        let kept = x.shape.dimensions.indices.filter { !axes.contains($0) }
        let result = TensorShape(
            x.shape.dimensions.indices.compactMap { axis in
                axes.contains(axis) ? (operation.keepsAxes ? 1 : nil) : x.shape[axis]
            })
        var members = [[Double]](repeating: [], count: x.batch * result.count)
        x.forEachIndex { example, index, value in
            var place = 0
            for axis in kept { place = place * x.shape[axis] + index[axis] }
            members[example * result.count + place].append(value)
        }
        return ReferenceTensor(
            members.map { values in
                switch operation.reduction {
                case .mean: values.reduce(0, +) / Double(values.count)
                case .sum: values.reduce(0, +)
                case .maximum: values.max() ?? -.infinity
                }
            }, batch: x.batch, shape: result)
    }
}
