import NeuralGraph
import TestSupport
import Testing

/// The kernels for matrices that are not packed, which operations use by the processor's and OpenBLAS's names.
@Suite("Matrix products", .tags(.linearAlgebra)) struct MatrixProductTests {
    private static let shapes: [(rows: Int, columns: Int, inner: Int)] = {
        let shapes = [
            (1, 1, 1), (7, 16, 3), (24, 32, 300), (25, 33, 257), (130, 129, 70), (65, 65, 64), (1, 300, 520),
            (300, 1, 20), (100, 170, 310), (220, 48, 97),
        ]
        return shapes + (1...13).map { ($0, 48, 260) } + (25...31).map { ($0, 40, 130) }
    }()

    /// Blocks of every size with remainders, single rows and columns, and shapes that are read in place. Rows of factors lie
    /// apart.
    @Test("own loops agree with OpenBLAS and with Double", arguments: shapes)
    func agree(_ rows: Int, _ columns: Int, _ inner: Int) throws {
        var random = SeededRandom(seed: 8, stream: "products")
        _ = OpenBLASRuntime.coreName
        for (first, second, accumulates) in [
            (false, false, false), (true, false, true), (false, true, true), (true, true, false),
        ] {
            let (aStride, bStride) = ((first ? rows : inner) + 3, (second ? inner : columns) + 5)
            let a = random.normals(aStride * (first ? inner : rows))
            let b = random.normals(bStride * (second ? columns : inner))
            let start = random.normals(rows * columns)
            var expected = [Double](repeating: 0, count: rows * columns)
            for row in 0..<rows {
                for column in 0..<columns {
                    var sum = accumulates ? Double(start[row * columns + column]) : 0
                    for k in 0..<inner {
                        let left = first ? a[k * aStride + row] : a[row * aStride + k]
                        let right = second ? b[column * bStride + k] : b[k * bStride + column]
                        sum += Double(left) * Double(right)
                    }
                    expected[row * columns + column] = sum
                }
            }
            for kernel in [MatrixKernel.openBLAS, .ownLoops] {
                var c = start
                a.withUnsafeBufferPointer { a in
                    b.withUnsafeBufferPointer { b in
                        c.withUnsafeMutableBufferPointer { c in
                            guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
                            multiply(
                                rows: rows, columns: columns, inner: inner,
                                Matrix(a, rowStride: aStride, transposed: first),
                                Matrix(b, rowStride: bStride, transposed: second), into: c,
                                rowStride: columns, accumulates: accumulates, by: kernel,
                                threads: ThreadTeam(workers: 2))
                        }
                    }
                }
                let error = relativeDifference(c, from: expected)
                #expect(error < 1e-6, "\(kernel), transposed: \(first) and \(second): \(error)")
            }
        }
    }

    @Test("own loops take over where OpenBLAS's kernels are for an older instruction set")
    func choice() {
        for kernels in ["Prescott", "Haswell", "Zen", "unknown"] {
            #expect(OpenBLASRuntime.isSlower(kernels, thanLoops: "avx512"), "\(kernels)")
            #expect(!OpenBLASRuntime.isSlower(kernels, thanLoops: "portable"), "\(kernels)")
        }
        for kernels in ["SkylakeX", "Cooperlake", "Sapphirerapids"] {
            #expect(!OpenBLASRuntime.isSlower(kernels, thanLoops: "avx512"), "\(kernels)")
            #expect(!OpenBLASRuntime.isSlower(kernels, thanLoops: "avx2"), "\(kernels)")
        }
        #expect(OpenBLASRuntime.isSlower("Nehalem", thanLoops: "avx2"))
        #expect(!OpenBLASRuntime.isSlower("Haswell", thanLoops: "avx2"))
        #expect(MatrixKernel(.strict, .float32) == .openBLAS)
        #expect(MatrixKernel(.strict, .bfloat16) == .rounding)
    }
}
