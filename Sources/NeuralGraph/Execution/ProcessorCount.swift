import CNeuralKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    public import Musl
#else
    public import Darwin
#endif

extension ThreadTeam {
    /// The number of processors that this program may use.
    ///
    /// It counts the online processors within the affinity mask and the control group's quota (cgroups 1 and 2).
    public static var processorCount: Int {
        var count = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        #if os(Linux)
            let allowed = Int(cnk_affinity_count())
            if allowed > 0 { count = min(count, allowed) }
            if let quota = ControlGroup.current.processors { count = min(count, quota) }
        #endif
        return count
    }
}
