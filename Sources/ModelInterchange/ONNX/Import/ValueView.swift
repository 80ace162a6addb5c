import NeuralGraph

/// A value of the ONNX graph, seen as a view of a value of the engine's graph.
///
/// ONNX puts channels before rows and columns and has a batch axis; the engine puts channels last and leaves the batch
/// out of shapes. An ONNX value is therefore described by what each of its axes steps over in the engine's value: a
/// convolution's output `[N, C, H, W]` is `{batch}, {C}, {H}, {W}` of `[H, W, C]`. Transposing and reshaping change only
/// the description; elements move when an operation needs another order, in ``ONNXImporter/materialize(_:_:)``.
struct ValueView {
    /// A factor of an axis; an axis is a list of factors, outermost first, and empty if its length is 1.
    enum Factor: Hashable {
        /// Steps over the examples; the length is N, or the number that the file was exported with.
        case batch(AxisLength)
        /// Steps over elements of one example, with their count and their stride in the engine's value.
        case strided(Int, stride: Int)
        /// Repeats the same element.
        case repeated(Int)

        var length: AxisLength {
            switch self {
            case .batch(let length): length
            case .strided(let count, _), .repeated(let count): AxisLength(count)
            }
        }

        /// The stride in the engine's value, if it steps over that.
        var stride: Int? {
            if case .strided(_, let stride) = self { stride } else { nil }
        }

        var isBatch: Bool {
            if case .batch = self { true } else { false }
        }
    }

    /// The value or constant that is viewed.
    enum Source {
        case value(Graph.Value)
        case constant(ONNXConstant)
    }

    var source: Source
    var axes: [[Factor]]

    init(_ source: Source, axes: [[Factor]]) {
        self.source = source
        self.axes = axes
    }

    /// A constant as it lies in the file.
    init(_ constant: ONNXConstant, dimensions: [Int]) {
        self.init(.constant(constant), axes: Self.rowMajor(dimensions))
    }

    /// The axes of a tensor in row-major order.
    static func rowMajor(_ dimensions: [Int]) -> [[Factor]] {
        var stride = 1
        var axes: [[Factor]] = []
        for length in dimensions.reversed() {
            axes.append(length == 1 ? [] : [.strided(length, stride: stride)])
            stride *= length
        }
        return axes.reversed()
    }

    var rank: Int { axes.count }

    /// The length of an axis.
    func length(_ axis: Int) -> AxisLength {
        axes[axis].reduce(.one) { length, factor in
            AxisLength(length.count * factor.length.count, hasBatch: length.hasBatch || factor.length.hasBatch)
        }
    }

    var lengths: [AxisLength] { axes.indices.map { length($0) } }

    var constant: ONNXConstant? {
        if case .constant(let constant) = source { constant } else { nil }
    }

    var value: Graph.Value? {
        if case .value(let value) = source { value } else { nil }
    }

    /// The axis that consists of the batch only, if there is one.
    var batchAxis: Int? { axes.firstIndex { $0.count == 1 && $0[0].isBatch } }

    /// The shape for messages.
    var description: String {
        "["
            + lengths.map { $0.hasBatch ? ($0.count == 1 ? "N" : "\($0.count)N") : "\($0.count)" }
            .joined(separator: ", ") + "]"
    }

    /// The factors that step over the engine's value, in the order of the axes.
    var places: [Place] {
        axes.enumerated().flatMap { axis, factors in
            factors.indices.map { Place(axis: axis, index: $0) }
        }.filter { self[$0].stride != nil }
    }

    /// The factors that step over the engine's value, in memory order.
    var memoryOrder: [Place] {
        places.sorted { (self[$0].stride ?? 0) > (self[$1].stride ?? 0) }
    }

    subscript(place: Place) -> Factor { axes[place.axis][place.index] }

    /// A factor of an axis.
    struct Place: Hashable {
        var axis: Int
        var index: Int
    }

    /// The same axes over a value that holds the elements in another order.
    /// - Parameter order: the factors in the order of that value's memory.
    func restrided(_ source: Graph.Value, order: [Place]) -> ValueView {
        var result = ValueView(.value(source), axes: axes)
        var stride = 1
        for place in order.reversed() {
            let count = self[place].length.count
            result.axes[place.axis][place.index] = .strided(count, stride: stride)
            stride *= count
        }
        return result
    }
}

/// A constant of the file.
final class ONNXConstant {
    /// Its name in the file, under which it is a parameter.
    let name: String
    /// Whether it is stored under that name, so that a trained one can be written back.
    let isStored: Bool
    private let load: () throws -> [Float]
    private var loaded: [Float]?

    /// Creates a constant whose elements are read on first use.
    init(name: String, isStored: Bool, load: @escaping () throws -> [Float]) {
        self.name = name
        self.isStored = isStored
        self.load = load
    }

    /// Creates a constant that was computed.
    convenience init(_ values: [Float]) {
        self.init(name: "", isStored: false) { values }
    }

    var elements: [Float] {
        get throws {
            if let loaded { return loaded }
            let values = try load()
            // Kept, since several nodes may use it; parameters are copied once.
            loaded = values
            return values
        }
    }
}
