import Synchronization

/// Prepared pictures by position, as many as fit.
///
/// The first ones stay: every epoch reads all pictures, so replacing one by another gains nothing.
final class PictureCache: Sendable {
    private let capacity: Int
    private let pictures = Mutex<[Int: [UInt8]]>([:])

    /// - Parameters:
    ///   - bytes: the most bytes that are kept.
    ///   - pictureSize: bytes of one picture.
    init(bytes: Int, pictureSize: Int) {
        // What the dictionary and the array cost besides.
        let overhead = 96
        capacity = max(0, bytes) / (pictureSize + overhead)
    }

    subscript(position: Int) -> [UInt8]? {
        pictures.withLock { $0[position] }
    }

    /// Keeps a picture, if there is room.
    func insert(_ pixels: Span<UInt8>, at position: Int) {
        let hasRoom = pictures.withLock { $0.count < capacity && $0[position] == nil }
        guard hasRoom else { return }
        let copy = unsafe pixels.withUnsafeBufferPointer(Array.init)
        pictures.withLock { if $0.count < capacity { $0[position] = copy } }
    }
}
