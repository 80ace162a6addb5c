"""Writes what the onnx package says of each standard operator, which a test compares the reader's own table with.

    python3 Tests/Validation/ONNX/make_operator_schemas.py

For each operator its versions from operator set 7 on: the first set, the most inputs and outputs (null without limit), and
the attributes with their defaults (null if there is none). Run it when a newer onnx is out, and again ./test. Needs onnx.
"""

import json
import pathlib

import onnx.defs
import onnx.helper

ROOT = pathlib.Path(__file__).resolve().parents[3]
MANY = 1 << 20


def default(attribute):
    if not attribute.default_value.type:
        return None
    value = onnx.helper.get_attribute_value(attribute.default_value)
    if isinstance(value, bytes):
        return value.decode()
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def main():
    versions = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "":
            versions.setdefault(schema.name, []).append(schema)
    table = {}
    for name, schemas in sorted(versions.items()):
        schemas.sort(key=lambda schema: schema.since_version)
        first = max([s.since_version for s in schemas if s.since_version <= 7], default=0)
        table[name] = [
            {
                "since": s.since_version,
                "inputs": s.max_input if s.max_input < MANY else None,
                "outputs": s.max_output if s.max_output < MANY else None,
                "attributes": {key: default(value) for key, value in sorted(s.attributes.items())},
            }
            for s in schemas if s.since_version >= first
        ]
    path = ROOT / "Tests/Fixtures/ONNX/operator-schemas.json"
    with open(path, "w") as file:
        rows = (f'"{name}": {json.dumps(entry)}' for name, entry in table.items())
        file.write("{\n" + ",\n".join(rows) + "\n}\n")
    print(f"{len(table)} operators up to operator set {onnx.defs.onnx_opset_version()}: {path}")


main()
