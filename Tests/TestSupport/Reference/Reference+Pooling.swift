import NeuralGraph

extension Reference {
    /// Max or average pooling as PyTorch documents it.
    ///
    /// A window that hangs over the padded image (`ceil_mode`) is cut there; padding that counts is counted within.
    public static func pooling(_ x: ReferenceTensor, _ operation: Pooling) -> ReferenceTensor {
        let (kernel, stride, padding) = (operation.kernel, operation.stride, operation.padding)
        let (height, width, channels) = (x.shape[0], x.shape[1], x.shape[2])
        let rows = pooledLength(
            height, padding.top, padding.bottom, kernel.height, stride.height, roundsUp: operation.roundsUp)
        let columns = pooledLength(
            width, padding.left, padding.right, kernel.width, stride.width, roundsUp: operation.roundsUp)
        var y = ReferenceTensor(batch: x.batch, shape: [rows, columns, channels])
        for n in 0..<x.batch {
            for oh in 0..<rows {
                for ow in 0..<columns {
                    let top = oh * stride.height - padding.top
                    let left = ow * stride.width - padding.left
                    let bottom = min(top + kernel.height, height + padding.bottom)
                    let right = min(left + kernel.width, width + padding.right)
                    for c in 0..<channels {
                        var values: [Double] = []
                        for ih in max(0, top)..<min(bottom, height) {
                            for iw in max(0, left)..<min(right, width) {
                                values.append(x.elements[x.offset(n, ih, iw) + c])
                            }
                        }
                        let divisor: Int
                        switch operation.method {
                        case .maximum:
                            y.elements[y.offset(n, oh, ow) + c] = values.max() ?? -.infinity
                            continue
                        case .average(countsPadding: true): divisor = (bottom - top) * (right - left)
                        case .average(countsPadding: false): divisor = values.count
                        }
                        y.elements[y.offset(n, oh, ow) + c] = values.reduce(0, +) / Double(divisor)
                    }
                }
            }
        }
        return y
    }

    /// The mean over rows `floor(i H / n)` to `ceil((i + 1) H / n)`, and columns likewise.
    public static func adaptiveAveragePooling(
        _ x: ReferenceTensor, _ operation: AdaptiveAveragePooling
    ) -> ReferenceTensor {
        let (rows, columns) = (operation.output.height, operation.output.width)
        func window(_ index: Int, _ length: Int, _ count: Int) -> Range<Int> {
            let first = (Double(index * length) / Double(count)).rounded(.down)
            let end = (Double((index + 1) * length) / Double(count)).rounded(.up)
            return Int(first)..<Int(end)
        }
        var y = ReferenceTensor(batch: x.batch, shape: [rows, columns, x.shape[2]])
        for n in 0..<x.batch {
            for oh in 0..<rows {
                for ow in 0..<columns {
                    let above = window(oh, x.shape[0], rows)
                    let beside = window(ow, x.shape[1], columns)
                    for c in 0..<x.shape[2] {
                        let values = above.flatMap { ih in beside.map { x.elements[x.offset(n, ih, $0) + c] } }
                        y.elements[y.offset(n, oh, ow) + c] = values.reduce(0, +) / Double(values.count)
                    }
                }
            }
        }
        return y
    }

    /// The mean over all positions of an example.
    public static func globalAveragePooling(_ x: ReferenceTensor) -> ReferenceTensor {
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
