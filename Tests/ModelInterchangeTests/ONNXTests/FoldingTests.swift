import Foundation
import ModelInterchange
import NeuralGraph
import TestSupport
import Testing

/// Numbers that are computed when a file is read have numpy's semantics.
@Suite("Folding", .tags(.files)) struct FoldingTests {
    private typealias Integers = KnownTensor<BatchInteger>

    private static func integers(_ dimensions: [Int], _ values: [Int]) -> KnownNumbers {
        .integers(IntegerTensor(dimensions: dimensions, values: values.map { BatchInteger($0) }))
    }

    private static func floats(_ dimensions: [Int], _ values: [Float]) -> KnownNumbers {
        .floats(KnownTensor(dimensions: dimensions, values: values))
    }

    private static func fold(
        _ operation: String, _ inputs: [KnownNumbers?], set: Int = 17, outputs: Int = 1,
        _ attributes: [String: ONNXAttribute] = [:]
    ) throws -> [KnownNumbers] {
        var node = ONNXNode(
            name: "node", operation: operation, domain: "", inputs: inputs.indices.map { "i\($0)" },
            outputs: (0..<outputs).map { "o\($0)" }, attributes: attributes)
        node.operatorSet = set
        let rule = try #require(Folding.rule(for: operation))
        return try Folding(node: node, inputs: inputs, budget: ONNXBudget(fileSize: 1)).results(rule)
    }

    /// TensorShape and numbers, of whatever kind.
    private static func content(_ numbers: KnownNumbers) -> ([Int], [Float]) {
        switch numbers {
        case .integers(let tensor), .reals(let tensor):
            (tensor.dimensions, tensor.values.map { Float($0.constant) + 1000 * Float($0.perExample) })
        case .floats(let tensor): (tensor.dimensions, tensor.values)
        }
    }

    private func expect(
        _ operation: String, _ inputs: [KnownNumbers?], _ shape: [Int], _ values: [Float], set: Int = 17,
        _ attributes: [String: ONNXAttribute] = [:], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let (found, numbers) = Self.content(try Self.fold(operation, inputs, set: set, attributes)[0])
        #expect(
            found == shape && numbers == values, "\(operation): \(found) \(numbers)", sourceLocation: sourceLocation)
    }

    /// The pairs that a column and a row make, for every operator of two inputs and both kinds of numbers.
    @Test("columns and rows make grids") func columnsAndRowsMakeGrids() throws {
        let (column, row) = ([3, 0, 2], [1, 2])
        let functions: [(String, (Float, Float) -> Float)] = [
            ("Add", { $0 + $1 }), ("Sub", { $0 - $1 }), ("Mul", { $0 * $1 }), ("Min", { min($0, $1) }),
            ("Max", { max($0, $1) }), ("Equal", { $0 == $1 ? 1 : 0 }), ("Greater", { $0 > $1 ? 1 : 0 }),
            ("GreaterOrEqual", { $0 >= $1 ? 1 : 0 }), ("Less", { $0 < $1 ? 1 : 0 }),
            ("LessOrEqual", { $0 <= $1 ? 1 : 0 }), ("Pow", { pow($0, $1) }),
        ]
        for (operation, function) in functions {
            let expected = column.flatMap { a in row.map { function(Float(a), Float($0)) } }
            try expect(
                operation, [Self.integers([3, 1], column), Self.integers([1, 2], row)], [3, 2], expected)
            try expect(
                operation, [Self.floats([3, 1], column.map { Float($0) }), Self.floats([2], row.map { Float($0) })],
                [3, 2], expected)
        }
        try expect(
            "Div", [Self.integers([3, 1], [7, -7, 6]), Self.integers([2], [2, 3])], [3, 2], [3, 2, -3, -2, 3, 2])
        try expect(
            "Mod", [Self.integers([3, 1], [7, -7, 6]), Self.integers([2], [3, -3])], [3, 2], [1, -2, 2, -1, 0, 0])
        try expect(
            "Mod", [Self.integers([3, 1], [7, -7, 6]), Self.integers([2], [3, -3])], [3, 2], [1, 1, -1, -1, 0, 0],
            ["fmod": .integer(1)])
        try expect(
            "Where", [Self.integers([2, 1], [1, 0]), Self.integers([3], [1, 2, 3]), Self.integers([], [9])], [2, 3],
            [1, 2, 3, 9, 9, 9])
        // A whole matrix with a row, which pairs by place, and what does not fit.
        try expect(
            "Add", [Self.integers([2, 2], [1, 2, 3, 4]), Self.integers([2], [10, 20])], [2, 2], [11, 22, 13, 24])
        #expect(throws: ONNXProblem.self) {
            try Self.fold("Add", [Self.integers([2, 2], [1, 2, 3, 4]), Self.integers([3], [1, 2, 3])])
        }
    }

    @Test("axes are honoured") func axesAreHonoured() throws {
        let grid = Self.integers([2, 3], [1, 2, 3, 4, 5, 6])
        try expect("Unsqueeze", [grid, Self.integers([2], [0, -1])], [1, 2, 3, 1], [1, 2, 3, 4, 5, 6])
        try expect("Unsqueeze", [grid], [2, 1, 3], [1, 2, 3, 4, 5, 6], set: 11, ["axes": .integers([1])])
        try expect("Squeeze", [Self.integers([1, 2, 1], [1, 2]), Self.integers([1], [0])], [2, 1], [1, 2])
        try expect("Squeeze", [Self.integers([1, 2, 1], [1, 2])], [2], [1, 2])
        try expect("ReduceProd", [grid], [1, 3], [4, 10, 18], ["axes": .integers([0])])
        try expect("ReduceSum", [grid, Self.integers([1], [-1])], [2], [6, 15], ["keepdims": .integer(0)])
        try expect("ReduceMax", [grid], [1, 1], [6])
        try expect(
            "Gather", [grid, Self.integers([1, 2], [2, -3])], [2, 1, 2], [3, 1, 6, 4], ["axis": .integer(1)])
        try expect("Concat", [grid, grid], [2, 6], [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6], ["axis": .integer(-1)])
        try expect("Transpose", [grid], [3, 2], [1, 4, 2, 5, 3, 6])
        try expect("Reshape", [grid, Self.integers([2], [0, -1])], [2, 3], [1, 2, 3, 4, 5, 6])
        try expect("Flatten", [grid], [1, 6], [1, 2, 3, 4, 5, 6], ["axis": .integer(0)])
        try expect(
            "Expand", [Self.integers([2, 1], [1, 2]), Self.integers([3], [1, 1, 2])], [1, 2, 2], [1, 1, 2, 2])
        try expect("Tile", [Self.integers([2], [1, 2]), Self.integers([1], [2])], [4], [1, 2, 1, 2])
        try expect(
            "Slice",
            [
                grid, Self.integers([1], [5]), Self.integers([1], [-9]), Self.integers([1], [1]),
                Self.integers([1], [-2]),
            ],
            [2, 2], [3, 1, 6, 4])
        try expect(
            "Slice", [grid], [1, 2], [5, 6], set: 9,
            ["starts": .integers([1, 1]), "ends": .integers([2, 3])])
        try expect("Trilu", [grid, nil], [2, 3], [1, 0, 0, 4, 5, 0], ["upper": .integer(0)])
        try expect("CumSum", [grid, Self.integers([], [1])], [2, 3], [1, 3, 6, 4, 9, 15])
        try expect("NonZero", [Self.integers([2, 2], [0, 1, 1, 0])], [2, 2], [0, 1, 1, 0])
        try expect("Range", [Self.integers([], [5]), Self.integers([], [0]), Self.integers([], [-2])], [3], [5, 3, 1])
        try expect(
            "GatherND", [grid, Self.integers([2, 2], [0, 2, 1, 0])], [2], [3, 4])
    }

    /// What timm's networks compute their padding with: integers to fractions and back.
    @Test("kinds of numbers change as the file says") func kindsOfNumbersChangeAsTheFileSays() throws {
        let float = ["to": ONNXAttribute.integer(1)]
        let cast = try Self.fold("Cast", [Self.integers([], [7])], float)[0]
        try expect("Div", [cast, Self.floats([], [2])], [], [3.5])
        try expect("Ceil", [Self.floats([], [3.5])], [], [4])
        try expect("Cast", [Self.floats([2], [3.7, -3.7])], [2], [3, -3], ["to": .integer(7)])
        try expect("Cast", [Self.floats([2], [0.5, 0])], [2], [1, 0], ["to": .integer(9)])
        try expect("Cast", [Self.integers([2], [5, 0])], [2], [1, 0], ["to": .integer(9)])
        try expect("Clip", [Self.floats([2], [-1, 9]), Self.floats([], [0]), nil], [2], [0, 9])
        try expect(
            "Clip", [Self.integers([2], [-1, 9]), Self.integers([], [0]), Self.integers([], [5])], [2], [0, 5])
        try expect("Clip", [Self.floats([2], [-1, 9])], [2], [0, 5], set: 6, ["min": .float(0), "max": .float(5)])
        try expect("Pow", [Self.integers([], [3]), Self.floats([], [2])], [], [9])
        #expect(throws: ONNXProblem.self) { try Self.fold("Cast", [Self.integers([], [300])], ["to": .integer(3)]) }
        #expect(throws: ONNXProblem.self) { try Self.fold("Cast", [Self.floats([], [.nan])], ["to": .integer(7)]) }
    }

    /// The batch size N counts 1000 in ``content(_:)``.
    @Test("the batch stays a multiple") func theBatchStaysAMultiple() throws {
        let batch = KnownNumbers.integers(IntegerTensor(BatchInteger(0, perExample: 1)))
        let float = ["to": ONNXAttribute.integer(1)]
        try expect("Mul", [batch, Self.integers([2], [2, 3])], [2], [2000, 3000])
        // Through fractions and back, as long as nothing is lost.
        let real = try Self.fold("Cast", [batch], float)[0]
        let half = try Self.fold(
            "Div", [try Self.fold("Mul", [real, Self.floats([], [4])])[0], Self.floats([], [2])])[0]
        try expect("Cast", [half], [], [2000], ["to": .integer(7)])
        try expect("Div", [real, real], [], [1])
        #expect(throws: ONNXProblem.self) { try Self.fold("Div", [real, Self.floats([], [2])]) }
        // A batch has one example or more.
        try expect("Equal", [batch, Self.integers([2], [-1, 0])], [2], [0, 0])
        try expect("Max", [batch, Self.integers([], [1])], [], [1000])
        try expect("Greater", [batch, Self.integers([], [0])], [], [1])
        #expect(throws: ONNXProblem.self) { try Self.fold("Equal", [batch, Self.integers([], [4])]) }
        #expect(throws: ONNXProblem.self) { try Self.fold("Less", [batch, Self.integers([], [4])]) }
    }

    /// Lengths and places that no memory holds end in errors.
    @Test("huge numbers are refused") func hugeNumbersAreRefused() throws {
        let large = Self.integers([1], [1 << 40])
        #expect(throws: ONNXProblem.self) { try Self.fold("Expand", [Self.integers([], [1]), large]) }
        #expect(throws: ONNXProblem.self) { try Self.fold("Tile", [Self.integers([1], [1]), large]) }
        let (least, most) = (Self.integers([], [.min]), Self.integers([], [.max]))
        #expect(throws: ONNXProblem.self) { try Self.fold("Range", [least, most, Self.integers([], [1])]) }
        #expect(throws: ONNXProblem.self) {
            try Self.fold("Range", [Self.integers([], [0]), least, Self.integers([], [-1])])
        }
        #expect(throws: ONNXProblem.self) { try Self.fold("Mul", [most, Self.integers([], [2])]) }
        #expect(throws: ONNXProblem.self) { try Self.fold("Abs", [least]) }
        #expect(throws: ONNXProblem.self) { try Self.fold("Div", [least, Self.integers([], [-1])]) }
        try expect("Mod", [least, Self.integers([], [-1])], [], [0])
        try expect(
            "Slice",
            [
                Self.integers([3], [1, 2, 3]), Self.integers([1], [0]), Self.integers([1], [.max]),
                Self.integers([1], [0]), Self.integers([1], [.max]),
            ],
            [1], [1])
    }
}
