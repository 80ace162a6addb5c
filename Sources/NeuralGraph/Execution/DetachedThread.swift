#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    public import Musl
#else
    public import Darwin
#endif

/// Runs `body` on a new detached thread.
///
/// The thread may block on locks, files and long work, which Swift's cooperative pool must not.
/// - Parameter stackSize: bytes of the thread's stack; the system's default if nil.
/// - Returns: false if the system cannot start a thread; `body` then never runs.
package func startDetachedThread(stackSize: Int? = nil, _ body: @escaping @Sendable () -> Void) -> Bool {
    let context = Unmanaged.passRetained(ThreadBody(run: body))
    // In memory of its own: which module declares its initializer depends on what other files import.
    let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
    defer { attributes.deallocate() }
    pthread_attr_init(attributes)
    defer { pthread_attr_destroy(attributes) }
    pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
    if let stackSize { pthread_attr_setstacksize(attributes, stackSize) }
    #if canImport(Darwin)
        var thread: pthread_t?
    #else
        var thread = pthread_t()
    #endif
    let code = pthread_create(
        &thread, attributes,
        { argument in
            #if canImport(Darwin)
                let raw = argument
            #else
                guard let raw = argument else { return nil }
            #endif
            Unmanaged<ThreadBody>.fromOpaque(raw).takeRetainedValue().run()
            return nil
        }, context.toOpaque())
    if code != 0 { context.release() }
    return code == 0
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(run: @escaping @Sendable () -> Void) { self.run = run }
}
