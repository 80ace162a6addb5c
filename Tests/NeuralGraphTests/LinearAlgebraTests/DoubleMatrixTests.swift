import NeuralGraph
import TestSupport
import Testing

/// Matrices of 64-bit floats against sums written out.
@Suite("Double matrix", .tags(.linearAlgebra)) struct DoubleMatrixTests {
    private func random(_ rows: Int, _ columns: Int, seed: UInt64) -> DoubleMatrix {
        var random = SeededRandom(seed: seed, stream: "matrix")
        return DoubleMatrix(
            rows: rows, columns: columns, elements: (0..<rows * columns).map { _ in random.normal() })
    }

    private func transposed(_ matrix: DoubleMatrix) -> DoubleMatrix {
        var result = DoubleMatrix(repeating: 0, rows: matrix.columns, columns: matrix.rows)
        for row in 0..<matrix.rows {
            for column in 0..<matrix.columns { result[column, row] = matrix[row, column] }
        }
        return result
    }

    private func distance(_ first: DoubleMatrix, _ second: DoubleMatrix) -> Double {
        guard first.rows == second.rows, first.columns == second.columns else { return .infinity }
        return zip(first.elements, second.elements).map { abs($0 - $1) }.max() ?? 0
    }

    @Test(
        "products", arguments: [(5, 7, 3), (1, 4, 1), (3, 1, 2), (40, 30, 20)],
        [(false, false), (true, false), (false, true), (true, true)])
    func products(_ sizes: (Int, Int, Int), _ transposes: (Bool, Bool)) {
        let (rows, inner, columns) = sizes
        let (transposesFirst, transposesSecond) = transposes
        let first = random(rows, inner, seed: 1)
        let second = random(inner, columns, seed: 2)
        var expected = DoubleMatrix(repeating: 0, rows: rows, columns: columns)
        for row in 0..<rows {
            for column in 0..<columns {
                for index in 0..<inner { expected[row, column] += first[row, index] * second[index, column] }
            }
        }
        let product = (transposesFirst ? transposed(first) : first).times(
            transposesSecond ? transposed(second) : second, transposingSelf: transposesFirst,
            transposingOther: transposesSecond)
        #expect(distance(product, expected) < 1e-13)
    }

    @Test("empty products") func emptyProducts() {
        let product = random(2, 0, seed: 1).times(random(0, 3, seed: 1))
        #expect(product == DoubleMatrix(repeating: 0, rows: 2, columns: 3))
        #expect(random(0, 4, seed: 1).times(random(4, 3, seed: 1)).elements.isEmpty)
        #expect(random(0, 2, seed: 1).columnMeans == [0, 0])
    }

    @Test("parts") func parts() throws {
        let tensor = try Tensor([1, 2, 3, 4, 5, 7], shape: [3, 2])
        let matrix = try DoubleMatrix(tensor)
        #expect(matrix.columnMeans == [3, 13.0 / 3])
        #expect(matrix.subtracting([1, 2]).elements == [0, 0, 2, 2, 4, 5])
        #expect(matrix.squaredNorm == 104)
        #expect(try DoubleMatrix(tensor, rows: [2, 0, 2]).elements == [5, 7, 1, 2, 5, 7])
        #expect(throws: ShapeError.self) { try DoubleMatrix(Tensor([1], shape: [1])) }
    }

    @Test("solves") func solves() throws {
        // 4x + 2y = 2, 2x + 3y = 5
        let matrix = DoubleMatrix(rows: 2, columns: 2, elements: [4, 2, 2, 3])
        let solution = try matrix.solvingPositiveDefinite(
            DoubleMatrix(rows: 2, columns: 1, elements: [2, 5]), named: "two equations")
        #expect(distance(solution, DoubleMatrix(rows: 2, columns: 1, elements: [-0.5, 2])) < 1e-15)

        let factor = random(50, 40, seed: 3)
        let gram = factor.times(factor, transposingSelf: true)
        let right = random(40, 6, seed: 4)
        let many = try gram.solvingPositiveDefinite(right, named: "many equations")
        #expect(distance(gram.times(many), right) < 1e-10)
    }

    @Test("systems without solution") func systemsWithoutSolution() {
        let right = DoubleMatrix(repeating: 1, rows: 2, columns: 1)
        func error(_ elements: [Double], _ right: DoubleMatrix = right) -> LinearAlgebraError? {
            #expect(throws: LinearAlgebraError.self) {
                try DoubleMatrix(rows: 2, columns: 2, elements: elements)
                    .solvingPositiveDefinite(right, named: "it")
            }
        }
        #expect(error([1, 1, 1, 1]) == .singular(matrix: "it", order: 2))
        #expect(error([0, 0, 0, 0]) == .singular(matrix: "it", order: 1))
        #expect(error([1, 2, 2, 1]) == .singular(matrix: "it", order: 2))
        #expect(error([1, .nan, .nan, 1]) == .notFinite(matrix: "it"))
        #expect(
            error([1, 0, 0, 1], DoubleMatrix(repeating: .infinity, rows: 2, columns: 1)) == .notFinite(matrix: "it"))
        #expect(error([1, 1, 1, 1]).map { "\($0)".contains("it: ") } == true)
    }

    @Test("eigenpairs") func eigenpairs() throws {
        // Eigenvalues 3 and 1, with vectors along the diagonals.
        let matrix = DoubleMatrix(rows: 2, columns: 2, elements: [2, 1, 1, 2])
        let (values, vectors) = try matrix.largestEigenpairs(2, named: "it")
        #expect(abs(values[0] - 3) < 1e-14 && abs(values[1] - 1) < 1e-14)
        #expect(abs(vectors[0, 0] - vectors[0, 1]) < 1e-14 && abs(vectors[1, 0] + vectors[1, 1]) < 1e-14)
        #expect(abs(abs(vectors[0, 0]) - 0.5.squareRoot()) < 1e-14)

        let factor = random(30, 20, seed: 5)
        let gram = factor.times(factor, transposingSelf: true)
        let pairs = try gram.largestEigenpairs(4, named: "gram")
        #expect(pairs.values == pairs.values.sorted(by: >) && pairs.values.count == 4)
        var scaled = pairs.vectors
        for row in 0..<4 {
            for column in 0..<20 { scaled[row, column] *= pairs.values[row] }
        }
        #expect(distance(pairs.vectors.times(gram), scaled) < 1e-11)
        var identity = DoubleMatrix(repeating: 0, rows: 4, columns: 4)
        for index in 0..<4 { identity[index, index] = 1 }
        #expect(distance(pairs.vectors.times(pairs.vectors, transposingOther: true), identity) < 1e-13)
        // All of them add up to the trace.
        let all = try gram.largestEigenpairs(20, named: "gram").values
        #expect(abs(all.reduce(0, +) - gram.trace) < 1e-10)
        #expect(all.prefix(4).elementsEqual(pairs.values) { abs($0 - $1) < 1e-10 })
    }

    @Test("undefined numbers have no eigenvalues") func undefinedNumbersHaveNoEigenvalues() {
        #expect(throws: LinearAlgebraError.notFinite(matrix: "it")) {
            try DoubleMatrix(rows: 1, columns: 1, elements: [.nan]).largestEigenpairs(1, named: "it")
        }
    }
}
