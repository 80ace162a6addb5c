/// What a launcher of parallel jobs tells the processes that it starts.
package enum ProcessLauncher {
    /// Variables by which mpirun, mpiexec and srun tell a process the size of its job, or only that there is one.
    private static let sizes = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"]
    private static let marks = ["PMIX_RANK", "PMI_RANK", "PMI_FD"]

    /// Whether a launcher started this process.
    package static func isPresent(in environment: [String: String]) -> Bool {
        (sizes + marks).contains { environment[$0] != nil }
    }

    /// The number of processes of the job, as far as the launcher says.
    package static func processCount(in environment: [String: String]) -> Int {
        sizes.compactMap { environment[$0].flatMap { Int($0) } }.max() ?? 1
    }
}
