internal import COpenBLAS

/// The one place that changes OpenBLAS's process-wide settings.
///
/// OpenBLAS's thread count becomes 1, since the engine's own loops are the parallelism. A host application that calls
/// OpenBLAS itself can raise it again afterwards; the engine's results stay the same, only its speed changes.
///
/// Which kernels OpenBLAS uses is left to its own detection of the processor, and to the environment variable
/// `OPENBLAS_CORETYPE` if it is set: on an AVX-512 machine pinned to `Haswell`, products run at half their speed.
enum OpenBLASRuntime {
    /// The name of the kernels in use, such as `SkylakeX`. Reading it applies the settings, once.
    static let coreName: String = {
        openblas_set_num_threads(1)
        return openblas_get_corename().map { String(cString: $0) } ?? "unknown"
    }()
}
