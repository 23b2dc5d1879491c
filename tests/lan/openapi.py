# SPDX-License-Identifier: GPL-2.0-or-later
"""The API as docs/openapi.json describes it, and clients that check answers against it."""

import http.client
import json
import re
import socket
from pathlib import Path

DOCUMENT = json.loads((Path(__file__).resolve().parents[2] / "docs" / "openapi.json").read_text())
PATIENCE = 60.0  # seconds until an answer counts as lost

TYPES = {
    "string": str, "boolean": bool, "object": dict, "array": list, "null": type(None), "integer": int, "number": (int, float),
}


def is_type(value, name):
    return isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name in ("integer", "number"))


def complaints(value, schema, where="answer"):
    """What is wrong with a value: JSON Schema as far as the document uses it."""
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(is_type(value, name) for name in types):
        yield f"{where}: {value!r} is no {' or '.join(types)}"
    elif isinstance(value, str):
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where}: {value!r} is none of {schema['enum']}"
        if not re.search(schema.get("pattern", ""), value):
            yield f"{where}: {value!r} does not match {schema['pattern']}"
    elif isinstance(value, (int, float)) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{where}: {value!r} is out of range"
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from complaints(item, schema["items"], f"{where}[{index}]")
    elif isinstance(value, dict):
        yield from object_complaints(value, schema, where)


def object_complaints(value, schema, where):
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name in set(schema.get("required", [])) - set(value):
        yield f"{where}: {name} is missing"
    for name, item in value.items():
        if name in known:
            yield from complaints(item, known[name], f"{where}.{name}")
        elif others is False:
            yield f"{where}: {name} is not described"
        elif isinstance(others, dict):
            yield from complaints(item, others, f"{where}.{name}")


def pattern_of(path):
    """The path of the document that a request's path, with or without a query, is one of; None: of none."""
    for pattern in DOCUMENT["paths"]:
        if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", pattern), path.partition("?")[0]):
            return pattern
    return None


def operation(method, path):
    """The document's entry for a request."""
    return DOCUMENT["paths"].get(pattern_of(path), {}).get(method.lower())


class Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__("lanlet", timeout=PATIENCE)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Api:
    """Sends requests; raises AssertionError when an answer does not fit the document."""

    def __init__(self, path):
        self.path = path

    def request(self, method, path, body=None, headers=None):
        """Status, headers, and the answer as a value or, when it is no JSON, as text."""
        connection = Connection(self.path)
        try:
            connection.request(method, path, body if body is None or isinstance(body, (str, bytes)) else json.dumps(body), headers or {})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        return answer.status, answer.headers, self.check(method, path, answer.status, answer.headers, text)

    @staticmethod
    def check(method, path, status, headers, text):
        kind = headers.get("Content-Type", "").split(";")[0]
        value = json.loads(text) if kind == "application/json" else text
        described = operation(method, path.split("?")[0])
        if described:
            assert str(status) in described["responses"], f"{method} {path}: {status} is not described: {text}"
            response = described["responses"][str(status)]
            if "$ref" in response:
                response = DOCUMENT["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
            content = response.get("content", {})
            assert (kind in content) if content else not text, f"{method} {path}: {status} has the type {kind!r}"
            schema = content.get(kind, {}).get("schema", {})
        else:
            schema = {"$ref": "#/components/schemas/Error"}
        found = list(complaints(value, schema)) if kind == "application/json" else []
        assert not found, f"{method} {path}: " + "; ".join(found)
        return value

    def get(self, path):
        status, _, value = self.request("GET", path)
        assert status == 200, f"GET {path}: {status} {value}"
        return value

    def events(self, after=None):
        """Yields events one at a time."""
        connection = Connection(self.path)
        try:
            connection.request("GET", "/v1/events" + ("" if after is None else f"?after={after}"))
            answer = connection.getresponse()
            assert answer.status == 200, answer.status
            while line := answer.readline():
                if line.strip():
                    event = json.loads(line)
                    found = list(complaints(event, DOCUMENT["components"]["schemas"]["Event"]))
                    assert event["event"] == "lost" or not found, found
                    yield event
        finally:
            connection.close()
