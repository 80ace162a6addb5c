/// The body of a parallel loop, lent to other threads while the caller waits.
///
/// `withoutActuallyEscaping` would lend it too, but allocates each time, and a training step has hundreds of loops and
/// allocates nothing. So the closure is held as what it is: a function and a context that is not retained. Swift
/// passes a closure that does not escape, and this struct, in the same two words; functions that take the one are
/// called as functions that take the other. The types are wrapped in structs since bare function types would be
/// converted on their way through a generic function.
struct BorrowedLoopBody {
    typealias Body = (_ index: Int, _ worker: Int) -> Void

    private let function: UnsafeRawPointer
    private let context: UnsafeRawPointer?

    /// Calls `borrower` with the body; it must not use it after it has returned.
    static func lend(_ body: Body, to borrower: (BorrowedLoopBody) -> Void) {
        let words = TakesWords { words, borrower in borrower(words) }
        unsafeBitCast(words, to: TakesBody.self).call(body, borrower)
    }

    /// Calls the body for every index that `next` hands out, until it hands out nil.
    func run(worker: Int, next: () -> Int?) {
        let body = RunsBody { body, worker, next in
            while let index = next() { body(index, worker) }
        }
        unsafeBitCast(body, to: RunsWords.self).call(self, worker, next)
    }

    private struct TakesWords { let call: (BorrowedLoopBody, (BorrowedLoopBody) -> Void) -> Void }
    private struct TakesBody { let call: (Body, (BorrowedLoopBody) -> Void) -> Void }
    private struct RunsWords { let call: (BorrowedLoopBody, Int, () -> Int?) -> Void }
    private struct RunsBody { let call: (Body, Int, () -> Int?) -> Void }
}
