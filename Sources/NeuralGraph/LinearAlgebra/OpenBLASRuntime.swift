internal import CNeuralKernels
internal import COpenBLAS

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The one place that changes OpenBLAS's process-wide settings.
///
/// - Its thread count becomes 1, since the engine's own loops are the parallelism. A host application that calls
///   OpenBLAS itself can raise it again afterwards; the engine's results stay right, only slower or faster.
/// - On an AVX-512 processor that is newer than the installed OpenBLAS, its dynamic dispatch falls back to AVX2
///   kernels, which halves the speed (OpenBLAS 0.3.21 knows no AMD processor after Zen 3). Then the SkylakeX kernels
///   are picked, unless the user picked kernels with `OPENBLAS_CORETYPE`.
///
/// Must happen before another thread calls OpenBLAS.
enum OpenBLASRuntime {
    /// The name of the kernels in use, such as `SkylakeX`. Reading it applies the settings once.
    static let coreName: String = {
        openblas_set_num_threads(1)
        let found = currentCoreName()
        guard ["Haswell", "Zen"].contains(found), cnk_has_avx512() != 0, getenv("OPENBLAS_CORETYPE") == nil else {
            return found
        }
        selectCore("SkylakeX")
        return currentCoreName()
    }()

    private static func currentCoreName() -> String {
        openblas_get_corename().map { String(cString: $0) } ?? "unknown"
    }

    /// Lets a dynamic-dispatch build of OpenBLAS choose again with a preference. Other builds do not have the two
    /// functions, and stay as they are.
    private static func selectCore(_ name: String) {
        typealias Call = @convention(c) () -> Void
        guard let this = dlopen(nil, RTLD_NOW) else { return }
        defer { dlclose(this) }
        guard let quit = dlsym(this, "gotoblas_dynamic_quit"), let start = dlsym(this, "gotoblas_dynamic_init")
        else { return }
        setenv("OPENBLAS_CORETYPE", name, 1)
        unsafeBitCast(quit, to: Call.self)()
        unsafeBitCast(start, to: Call.self)()
        unsetenv("OPENBLAS_CORETYPE")
    }
}
