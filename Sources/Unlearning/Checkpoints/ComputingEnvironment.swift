import NeuralGraph

#if canImport(Glibc)
    import Glibc
#endif

/// What the bits of a result depend on besides model, data, settings and seed: processor and libraries.
///
/// Equal environments give equal bits on any number of threads; others need not.
package struct ComputingEnvironment: Sendable, Codable, Hashable {
    /// The processor's architecture, such as `x86_64`.
    package let architecture: String
    /// The best instruction set that the processor has loops for: `portable`, `avx2` or `avx512`.
    package let processorLevel: String
    /// The instruction set of the loops in use; `UNLEARNING_KERNELS` selects a lower one.
    package let vectorKernels: String
    /// The instruction set of products of bfloat16; nil in records of older versions.
    package let bfloat16Kernels: String?
    /// OpenBLAS's version, such as `0.3.26`.
    package let openBLASVersion: String
    /// The kernels that OpenBLAS picked, such as `SkylakeX`; `OPENBLAS_CORETYPE` selects others.
    package let matrixKernels: String
    /// The C library, whose mathematical functions are used, such as `glibc 2.39`.
    package let systemLibrary: String
    /// The version of this package.
    package let packageVersion: String

    /// This machine's.
    package static let current = ComputingEnvironment()

    private init() {
        let engine = EngineEnvironment()
        #if arch(x86_64)
            architecture = "x86_64"
        #elseif arch(arm64)
            architecture = "arm64"
        #else
            architecture = "other"
        #endif
        processorLevel = engine.bestVectorKernels
        vectorKernels = engine.vectorKernels
        bfloat16Kernels = engine.bfloat16Kernels
        openBLASVersion = engine.openBLASVersion
        matrixKernels = engine.matrixKernels
        systemLibrary = Self.systemLibraryVersion ?? "unknown"
        packageVersion = PackageVersion.current
    }

    private static var systemLibraryVersion: String? {
        #if canImport(Glibc)
            // "glibc 2.39"
            var text = [CChar](repeating: 0, count: 100)
            let length = confstr(Int32(_CS_GNU_LIBC_VERSION), &text, text.count)
            guard length > 1, length <= text.count else { return nil }
            return String(decoding: text.prefix(length - 1).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #else
            nil
        #endif
    }

    /// All properties that results in a precision depend on, with names that continue a sentence after "the".
    package func fields(_ precision: Precision) -> [(name: String, value: String)] {
        let common = [
            ("package version", packageVersion), ("processor architecture", architecture),
            ("processor level", processorLevel), ("vector kernels", vectorKernels),
            ("OpenBLAS version", openBLASVersion), ("OpenBLAS kernels", matrixKernels), ("C library", systemLibrary),
        ]
        guard precision == .bfloat16 else { return common }
        return common + [("bfloat16 kernels", bfloat16Kernels ?? "unknown")]
    }

    /// Where this machine's environment differs from a recorded one, each on a line for people.
    package func differences(to other: ComputingEnvironment, in precision: Precision) -> [String] {
        zip(fields(precision), other.fields(precision)).filter { $0.value != $1.value }
            .map { "\($0.name): \($0.value) is recorded, and this machine has \($1.value)" }
    }
}
