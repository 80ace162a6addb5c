package import NeuralGraph

extension Reference {
    /// Max or average pooling as PyTorch documents it.
    ///
    /// A window that hangs over the padded image (`ceil_mode`) is cut there; padding that counts is counted within.
    package static func pooling(_ x: ReferenceTensor, _ operation: Pooling) -> ReferenceTensor {
        var y = ReferenceTensor(batch: x.batch, shape: pooledShape(x.shape, operation))
        forEachWindow(x, y, operation) { places, size, output in
            let values = places.map { x.elements[$0] }
            switch operation.method {
            case .maximum: y.elements[output] = values.max() ?? -.infinity
            case .average(let countsPadding):
                y.elements[output] = values.reduce(0, +) / Double(countsPadding ? size : values.count)
            }
        }
        return y
    }

    /// The position of the largest number of each window, the first of equal ones.
    static func maximumPlaces(_ x: ReferenceTensor, _ operation: Pooling) -> [Int] {
        let y = ReferenceTensor(batch: x.batch, shape: pooledShape(x.shape, operation))
        var result = [Int](repeating: 0, count: y.elements.count)
        forEachWindow(x, y, operation) { places, _, output in
            // `max` takes the last of equal ones.
            result[output] = places.reversed().max { x.elements[$0] < x.elements[$1] } ?? 0
        }
        return result
    }

    private static func pooledShape(_ shape: TensorShape, _ operation: Pooling) -> TensorShape {
        let (kernel, stride, padding) = (operation.kernelSize, operation.stride, operation.padding)
        return [
            pooledLength(
                shape[0], padding.top, padding.bottom, kernel.height, stride.height, roundsUp: operation.roundsUp),
            pooledLength(
                shape[1], padding.left, padding.right, kernel.width, stride.width, roundsUp: operation.roundsUp),
            shape[2],
        ]
    }

    /// Calls `body` with the positions of each window's numbers, how many numbers it has with the padding, and the position of
    /// the number that they become.
    private static func forEachWindow(
        _ x: ReferenceTensor, _ y: ReferenceTensor, _ operation: Pooling,
        _ body: (_ places: [Int], _ size: Int, _ output: Int) -> Void
    ) {
        let (kernel, stride, padding) = (operation.kernelSize, operation.stride, operation.padding)
        let (height, width) = (x.shape[0], x.shape[1])
        for n in 0..<x.batch {
            for oh in 0..<y.shape[0] {
                for ow in 0..<y.shape[1] {
                    let top = oh * stride.height - padding.top
                    let left = ow * stride.width - padding.left
                    let bottom = min(top + kernel.height, height + padding.bottom)
                    let right = min(left + kernel.width, width + padding.right)
                    for c in 0..<x.shape[2] {
                        let places = (max(0, top)..<min(bottom, height)).flatMap { ih in
                            (max(0, left)..<min(right, width)).map { x.offset(n, ih, $0) + c }
                        }
                        body(places, (bottom - top) * (right - left), y.offset(n, oh, ow) + c)
                    }
                }
            }
        }
    }

    /// The mean over rows `floor(i H / n)` to `ceil((i + 1) H / n)`, and columns likewise.
    package static func adaptiveAveragePool(
        _ x: ReferenceTensor, _ operation: AdaptiveAveragePool
    ) -> ReferenceTensor {
        var y = ReferenceTensor(batch: x.batch, shape: [operation.output.height, operation.output.width, x.shape[2]])
        forEachAdaptiveWindow(x, y) { places, output in
            y.elements[output] = places.reduce(0) { $0 + x.elements[$1] } / Double(places.count)
        }
        return y
    }

    /// The gradient of ``adaptiveAveragePooling(_:_:)`` by its input.
    static func adaptiveAverageGradient(
        of dy: ReferenceTensor, _ shape: TensorShape, _ operation: AdaptiveAveragePool
    ) -> ReferenceTensor {
        var dx = ReferenceTensor(batch: dy.batch, shape: shape)
        forEachAdaptiveWindow(dx, dy) { places, output in
            for place in places { dx.elements[place] += dy.elements[output] / Double(places.count) }
        }
        return dx
    }

    /// Calls `body` with the positions of each window's numbers and of the number that they become.
    private static func forEachAdaptiveWindow(
        _ x: ReferenceTensor, _ y: ReferenceTensor, _ body: (_ places: [Int], _ output: Int) -> Void
    ) {
        let (rows, columns) = (y.shape[0], y.shape[1])
        func window(_ index: Int, _ length: Int, _ count: Int) -> Range<Int> {
            let first = (Double(index * length) / Double(count)).rounded(.down)
            let end = (Double((index + 1) * length) / Double(count)).rounded(.up)
            return Int(first)..<Int(end)
        }
        for n in 0..<x.batch {
            for oh in 0..<rows {
                for ow in 0..<columns {
                    let above = window(oh, x.shape[0], rows)
                    let beside = window(ow, x.shape[1], columns)
                    for c in 0..<x.shape[2] {
                        body(above.flatMap { ih in beside.map { x.offset(n, ih, $0) + c } }, y.offset(n, oh, ow) + c)
                    }
                }
            }
        }
    }

    /// The mean over all positions of an example.
    package static func globalAveragePool(_ x: ReferenceTensor) -> ReferenceTensor {
        let (channels, positions) = (x.shape.channels, x.shape.positions)
        var y = ReferenceTensor(batch: x.batch, shape: [channels])
        for (index, value) in x.elements.enumerated() {
            let example = index / (positions * channels)
            y.elements[example * channels + index % channels] += value / Double(positions)
        }
        return y
    }

    private static func pooledLength(
        _ length: Int, _ before: Int, _ after: Int, _ kernel: Int, _ stride: Int, roundsUp: Bool
    ) -> Int {
        let reach = length + before + after - kernel
        guard roundsUp else { return reach / stride + 1 }
        let count = (reach + stride - 1) / stride + 1
        // "Windows that would start in the right padded region are ignored" (PyTorch's MaxPool2d).
        return (count - 1) * stride >= length + before ? count - 1 : count
    }
}
