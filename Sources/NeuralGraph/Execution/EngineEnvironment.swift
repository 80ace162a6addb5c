import CLAPACKE
import CNeuralKernels
import COpenBLAS

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    public import Musl
#else
    public import Darwin
#endif

/// What the engine computes with on this machine: loops, libraries and processors.
package struct EngineEnvironment: Sendable {
    /// The instruction set of the engine's own loops: `portable`, `avx2` or `avx512`.
    package let vectorKernels = String(cString: cnk_level_name())
    /// The best instruction set that the processor has loops for. `UNLEARNING_KERNELS` picks a lower one.
    package let bestVectorKernels = String(cString: cnk_best_level_name())
    /// The instruction set of products of bfloat16: that of the other loops, `avx512bf16` or `amx`.
    package let bfloat16Kernels = String(cString: cnk_bfloat16_name())
    /// The best instruction set for them that the processor has.
    package let bestBFloat16Kernels = String(cString: cnk_best_bfloat16_name())
    /// The matrix product kernels that OpenBLAS picked, such as `SkylakeX`.
    package let matrixKernels = OpenBLASRuntime.coreName
    /// Whether matrix products go to the engine's own loops, since OpenBLAS's kernels are for an older instruction set.
    package let usesOwnProducts = MatrixKernel(.fast, .float32) == .ownLoops
    /// OpenBLAS's version, such as `0.3.26`, or `unknown`.
    package let openBLASVersion: String
    /// How OpenBLAS was built, as it says itself.
    package let openBLASConfiguration: String
    /// The version of LAPACK's C interface, such as `3.12.0`.
    package let lapackVersion: String
    /// The processors that are online.
    package let onlineProcessors = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    /// The processors that the affinity mask allows; nil where the system does not say.
    package let processorAffinity: Int?
    /// The processors' time that the control group's quota allows, rounded up to processors; nil without a quota.
    package let processorQuota: Int?
    /// The processors that runs use by default.
    package let usableProcessors = ThreadTeam.processorCount

    /// Asks the libraries and the system.
    package init() {
        openBLASConfiguration = openblas_get_config().map { String(cString: $0) } ?? ""
        // "OpenBLAS 0.3.26 DYNAMIC_ARCH NO_AFFINITY SkylakeX MAX_THREADS=64"
        let words = openBLASConfiguration.split(separator: " ")
        openBLASVersion = words.count > 1 && words[0] == "OpenBLAS" ? String(words[1]) : "unknown"
        var (major, minor, patch) = (LAPACKInteger(0), LAPACKInteger(0), LAPACKInteger(0))
        LAPACKE_ilaver(&major, &minor, &patch)
        lapackVersion = "\(major).\(minor).\(patch)"
        #if os(Linux)
            let allowed = Int(cnk_affinity_count())
            processorAffinity = allowed > 0 ? allowed : nil
            processorQuota = ControlGroup.current.processors
        #else
            (processorAffinity, processorQuota) = (nil, nil)
        #endif
    }

    /// Kernels without AVX, by OpenBLAS's names.
    private static let oldKernels: Set<String> = [
        "Katmai", "Coppermine", "Northwood", "Prescott", "Banias", "Core2", "Penryn", "Dunnington", "Nehalem", "Atom",
        "Athlon", "Opteron", "Opteron_SSE3", "Barcelona", "Bobcat", "Nano", "Generic", "generic",
    ]

    /// The kernels to ask OpenBLAS for where it did not recognize the processor and runs far below its speed; nil if all is
    /// well.
    package var betterMatrixKernels: String? { Self.betterMatrixKernels(than: matrixKernels, level: bestVectorKernels) }

    /// - Parameters:
    ///   - kernels: OpenBLAS's choice.
    ///   - level: the best instruction set of the processor, as in ``bestVectorKernels``.
    package static func betterMatrixKernels(than kernels: String, level: String) -> String? {
        guard oldKernels.contains(kernels) else { return nil }
        return switch level {
        case "avx512": "SkylakeX"
        case "avx2": "Haswell"
        default: nil
        }
    }
}
