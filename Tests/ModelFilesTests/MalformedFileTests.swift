import Foundation
import ModelFiles
import NeuralGraph
import TestSupport
import Testing

/// Files that break the format: each ends in an error that says what is wrong.
@Suite("Malformed file", .tags(.files)) struct MalformedFileTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let header: String
        let data: Int
        let message: String
        var testDescription: String { message }

        init(_ header: String, data: Int = 0, _ message: String) {
            self.header = header
            self.data = data
            self.message = message
        }

        /// A file with one tensor 't', whose members are given.
        static func tensor(_ members: String, data: Int = 8, _ message: String) -> Case {
            Case("{\"t\":{\(members)}}", data: data, message)
        }
    }

    static let syntax = [
        Case("", "the header does not begin with '{'; this is not a safetensors file"),
        Case("[]", "the header does not begin with '{'; this is not a safetensors file"),
        Case(" {}", "the header does not begin with '{'; this is not a safetensors file"),
        Case("{", "the header is not what the format allows: expected a string at byte 1"),
        Case("{}}", "the header is not what the format allows: expected the end at byte 2"),
        Case("{} x", "the header is not what the format allows: expected the end at byte 3"),
        Case("{,}", "the header is not what the format allows: expected a string at byte 1"),
        Case("{\"t\"}", "the header is not what the format allows: expected ':' at byte 4"),
        Case("{\"t", "the header is not what the format allows: expected the end of a string at byte 3"),
        Case("{\"t\\", "the header is not what the format allows: expected the end of a string at byte 4"),
        Case(
            "{\"\\x\":1}", "the header is not what the format allows: expected an escape sequence at byte 4"),
        Case(
            "{\"\\u12\":1}",
            "the header is not what the format allows: expected four hexadecimal digits at byte 6"),
        Case(
            "{\"\\u1",
            "the header is not what the format allows: expected four hexadecimal digits at byte 4"),
        Case(
            "{\"\\ud800\":1}", "the header is not what the format allows: expected a surrogate pair at byte 8"
        ),
        Case(
            "{\"\\udc00\":1}", "the header is not what the format allows: expected a surrogate pair at byte 8"
        ),
        Case(
            "{\"\\ud800\\u0041\":1}",
            "the header is not what the format allows: expected a surrogate pair at byte 14"),
        Case("{\"a\nb\":1}", "the header has a control character inside a string at byte 3"),
        Case("{\"t\":1}", "tensor 't' is not described by an object"),
        Case("{\"t\":null}", "tensor 't' is not described by an object"),
        Case("{\"t\":{}", "tensor 't' has no dtype"),
        Case("{\"t\":[[[[", "tensor 't' is not described by an object"),
        Case("{\"a\\nb\":1}", "tensor 'a\\u{a}b' is not described by an object"),
        Case(
            "{\"\(String(repeating: "n", count: 200))\":1}",
            "tensor '\(String(repeating: "n", count: 100))...' is not described by an object"),
    ]

    static let metadata = [
        Case(
            #"{"__metadata__":[]}"#, "the header is not what the format allows: expected '{' at byte 16"),
        Case(#"{"__metadata__":{"a":1}}"#, "'__metadata__' must map to strings, and 'a' does not"),
        Case(#"{"__metadata__":{"a":{}}}"#, "'__metadata__' must map to strings, and 'a' does not"),
        Case(#"{"__metadata__":{"a":"","a":""}}"#, "'__metadata__' has the key 'a' twice"),
        Case(#"{"__metadata__":{},"__metadata__":{}}"#, "the header has '__metadata__' twice"),
    ]

    static let members = [
        Case.tensor(#""shape":[2],"data_offsets":[0,8]"#, "tensor 't' has no dtype"),
        .tensor(#""dtype":"F32","data_offsets":[0,8]"#, "tensor 't' has no shape"),
        .tensor(#""dtype":"F32","shape":[2]"#, "tensor 't' has no data_offsets"),
        .tensor(#""dtype":"F32","dtype":"F32""#, "tensor 't' has the key 'dtype' twice"),
        .tensor(#""shape":[],"shape":[]"#, "tensor 't' has the key 'shape' twice"),
        .tensor(#""data_offsets":[],"data_offsets":[]"#, "tensor 't' has the key 'data_offsets' twice"),
        .tensor(#""kind":"F32""#, "tensor 't' has the unknown key 'kind'"),
        .tensor(#""dtype":32"#, "the header is not what the format allows: expected a string at byte 14"),
        .tensor(
            #""dtype":"Q4","shape":[2],"data_offsets":[0,8]"#, "tensor 't' has the unknown dtype 'Q4'"),
        .tensor(
            #""dtype":"f32","shape":[2],"data_offsets":[0,8]"#, "tensor 't' has the unknown dtype 'f32'"),
        .tensor(#""shape":2"#, "the shape of tensor 't' is not a list of integers"),
        .tensor(#""shape":"2""#, "the shape of tensor 't' is not a list of integers"),
        .tensor(
            #""shape":[-1]"#, "the shape of tensor 't' has an element that is not an integer of at least 0"
        ),
        .tensor(
            #""shape":[1.0]"#,
            "the shape of tensor 't' has an element that is not an integer of at least 0"),
        .tensor(
            #""shape":[1e3]"#,
            "the shape of tensor 't' has an element that is not an integer of at least 0"),
        .tensor(
            #""shape":[02]"#,
            "the shape of tensor 't' has an element that is not an integer of at least 0"),
        .tensor(
            #""shape":[true]"#,
            "the shape of tensor 't' has an element that is not an integer of at least 0"),
        .tensor(
            #""shape":[2,]"#, "the shape of tensor 't' has an element that is not an integer of at least 0"
        ),
        .tensor(#""shape":[2 3]"#, "the header is not what the format allows: expected ']' at byte 17"),
        .tensor(
            #""shape":[99999999999999999999]"#,
            "the shape of tensor 't' has a number above 9223372036854775807"),
        .tensor(
            #""shape":[\#([String](repeating: "1", count: 33).joined(separator: ","))]"#,
            "the shape of tensor 't' has more than 32 numbers"),
        .tensor(
            #""dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]"#,
            "tensor 't' has the shape [4294967296, 4294967296], which no memory holds"),
        .tensor(
            #""dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]"#, data: 0,
            "tensor 't' has the shape [0, 4294967296, 4294967296], which no memory holds"),
    ]

    static let offsets = [
        Case.tensor(
            #""dtype":"F32","shape":[2],"data_offsets":[8]"#, "tensor 't' must have 2 data_offsets, not 1"),
        .tensor(#""data_offsets":[0,4,8]"#, "the data_offsets of tensor 't' has more than 2 numbers"),
        .tensor(
            #""dtype":"F32","shape":[2],"data_offsets":[8,0]"#,
            "tensor 't' ends at byte 0, before it begins at 8"),
        .tensor(
            #""dtype":"F32","shape":[2],"data_offsets":[-8,0]"#,
            "the data_offsets of tensor 't' has an element that is not an integer of at least 0"),
        .tensor(
            #""dtype":"F32","shape":[3],"data_offsets":[0,8]"#,
            "tensor 't' has 8 bytes, but F32 of shape [3] takes 12"),
        .tensor(
            #""dtype":"F64","shape":[],"data_offsets":[0,4]"#,
            "tensor 't' has 4 bytes, but F64 of shape [] takes 8"),
        .tensor(
            #""dtype":"F32","shape":[2],"data_offsets":[0,8]"#, data: 7,
            "tensor 't' ends at byte 8 of the data, but the file has 7; it is cut off or not what its header says"
        ),
        .tensor(
            #""dtype":"F32","shape":[2],"data_offsets":[9223372036854775799,9223372036854775807]"#,
            "tensor 't' ends at byte 9223372036854775807 of the data, but the file has 8; "
                + "it is cut off or not what its header says"),
        .tensor(
            #""dtype":"F32","shape":[2],"data_offsets":[0,8]"#, data: 9,
            "bytes 8 to 9 of the data belong to no tensor"),
        .tensor(
            #""dtype":"F32","shape":[1],"data_offsets":[4,8]"#,
            "bytes 0 to 4 of the data belong to no tensor"),
        Case(
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
                + #""b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#,
            data: 12, "bytes 4 to 8 of the data belong to no tensor"),
        Case(
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
                + #""b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
            data: 12, "tensor 'b' overlaps another tensor at byte 4 of the data"),
        Case(
            #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
                + #""a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#,
            data: 2, "the header has tensor 'a' twice"),
        Case("{}", data: 4, "bytes 0 to 4 of the data belong to no tensor"),
    ]

    @Test("is refused", arguments: syntax + metadata + members + offsets) func isRefused(_ test: Case) throws {
        let folder = try TemporaryFolder()
        let url = try folder.safetensors(test.header, data: test.data)
        let error = #expect(throws: FileError.self) { try SafetensorsFile(contentsOf: url) }
        #expect(error == FileError(url.path, test.message))
    }

    static let lengths: [(UInt64, String)] = [
        (3, "3 bytes, but the file ends after 2; it is cut off or not a safetensors file"),
        (100_000_001, "100000001 bytes, above the limit of 100000000; this is not a safetensors file"),
        (.max, "18446744073709551615 bytes, above the limit of 100000000; this is not a safetensors file"),
    ]

    @Test("header lengths are checked", arguments: lengths)
    func headerLengthsAreChecked(_ length: UInt64, _ message: String) throws {
        let folder = try TemporaryFolder()
        let url = try folder.safetensors("{}", length: length)
        let error = #expect(throws: FileError.self) { try SafetensorsFile(contentsOf: url) }
        #expect(error?.message == "the header's length is given as \(message)")
    }

    @Test("bytes that are not text are refused") func bytesThatAreNotTextAreRefused() throws {
        let folder = try TemporaryFolder()
        let url = try folder.safetensors([UInt8]("{\"".utf8) + [0xff, 0xfe] + "\":1}".utf8, data: [])
        let error = #expect(throws: FileError.self) { try SafetensorsFile(contentsOf: url) }
        #expect(error?.message == "the header has a string before byte 5 that is not UTF-8")
    }

    @Test("spaces around everything are fine") func spacesAroundEverythingAreFine() throws {
        let folder = try TemporaryFolder()
        let header =
            "{ \"t\" :\t{ \"dtype\" : \"F32\" ,\n\"shape\" : [ 2 , 1 ] ,\r\"data_offsets\" : [ 0 , 8 ] } }  "
        let file = try SafetensorsFile(contentsOf: folder.safetensors(header, data: 8))
        #expect(try file.tensor("t") == Tensor(repeating: 0, shape: [2, 1]))
        #expect(try SafetensorsFile(contentsOf: folder.safetensors("{ }")).names.isEmpty)
    }

    @Test("every truncation is refused", arguments: ["pytorch", "dtypes"]) func everyTruncationIsRefused(_ name: String)
        throws
    {
        let folder = try TemporaryFolder()
        let whole = try Data(contentsOf: fixture("Safetensors/\(name).safetensors"))
        let url = folder.file("cut.safetensors")
        let accepted = try (0..<whole.count).filter { length in
            try overwrite(url, with: Array(whole.prefix(length)))
            return (try? SafetensorsFile(contentsOf: url)) != nil
        }
        #expect(accepted.isEmpty)
    }

    @Test("damaged bytes never crash", .tags(.slow), .slow, arguments: ["pytorch", "dtypes"])
    func damagedBytesNeverCrash(_ name: String) throws {
        let folder = try TemporaryFolder()
        let whole = try [UInt8](Data(contentsOf: fixture("Safetensors/\(name).safetensors")))
        let url = folder.file("damaged.safetensors")
        var random = SeededRandom(seed: 7, stream: name)
        var (read, refused) = (0, 0)
        for _ in 0..<4000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: bytes[index] = UInt8.random(in: .min ... .max, using: &random)
                case 2: bytes.remove(at: index)
                default: bytes.insert("0123456789[]{},:\"".utf8.randomElement(using: &random) ?? 0, at: index)
                }
            }
            try overwrite(url, with: bytes)
            do throws(FileError) {
                let tensors = try SafetensorsFile(contentsOf: url).tensors()
                read += tensors.values.reduce(0) { $0 + $1.count } <= whole.count ? 1 : 0
            } catch {
                refused += !error.message.isEmpty && !error.message.contains("\n") ? 1 : 0
            }
        }
        // A damaged number is a number: no reader can tell it from what was there.
        #expect(read > 100 && refused > 100 && read + refused == 4000)
    }
}
