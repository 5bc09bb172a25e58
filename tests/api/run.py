"""The description of the API, tried from outside: run.py DATA PORT [--seconds N] [--record FILE]

DATA and PORT are those of a demo that serves. Four things are tried: the description is valid OpenAPI 3.1; each call, made as it
is meant, answers 2xx with the media type that is described; a client that openapi-python-client makes of it walks the tour
(tour.py); and requests that schemathesis makes of it, good and bad, are answered as described, never by 5xx. With `--record` the
requests and answers are written down as the examples of the description, and nothing else is done.
"""

import argparse
import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import time

from openapi_spec_validator import validate

from calls import Request, World, cosigning, requests

HERE = pathlib.Path(__file__).parent
PROGRAMS = pathlib.Path(sys.executable).parent
# What a request is that schemathesis makes without a node's key is answered 401; nothing else can be tried of these.
SIGNED = "nodes"
# What a province alone has.
PROVINCE = {"/v1/mirrors/{host}/checkpoint"}


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def walk(world, document):
    """Makes every call once; what was asked and answered, by operationId."""
    made, seen = requests(world), {}
    for path, method, operation in operations(document):
        name = operation["operationId"]
        request = made.pop(name)
        assert (request.method, request.template) == (method, path), name
        status, kind, body = world.send(request)
        tries = 600 if name == "witness_checkpoint" else 0
        while status == 409 and tries > 0:
            # The log goes on growing: who offers a head that the witness has passed fetches the next one (spec/log.md §9).
            tries -= 1
            time.sleep(0.2)
            request = cosigning(world)
            status, kind, body = world.send(request)
        assert 200 <= status < 300, f"{name}: {status} {body[:300]}"
        described = operation["responses"].get(str(status), {}).get("content", {})
        plain = kind.split("; charset")[0]
        assert kind in described or plain in described, f"{name}: {status} {kind} is not described"
        seen[name] = (request, plain, body)
    assert not made, f"calls that the description does not have: {sorted(made)}"
    print(f"calls that answered 2xx: {len(seen)}")
    return seen


def short(value):
    """An example shows two entries of a list."""
    if isinstance(value, dict):
        return {name: short(one) for name, one in value.items()}
    if isinstance(value, list):
        return [short(one) for one in value[:2]]
    return value


def record(seen, file):
    examples = {}
    for name, (request, kind, body) in seen.items():
        example = {"parameters": {**request.path, **request.query}}
        if request.body is not None:
            example["request"] = request.body
        if kind == "application/json":
            example["answer"] = short(json.loads(body))
        elif kind in ("text/plain", "application/x-ndjson"):
            example["answer"] = body.decode()
        examples[name] = example
    pathlib.Path(file).write_text(json.dumps(examples, ensure_ascii=False, indent=1) + "\n")


def live(document, made):
    """The description with examples that this demo knows."""
    document = copy.deepcopy(document)
    for _, _, operation in operations(document):
        request = made[operation["operationId"]]
        for parameter in operation.get("parameters", []):
            parameter.pop("example", None)
            values = {**request.path, **request.query}
            if parameter["name"] in values:
                parameter["example"] = values[parameter["name"]]
        for content in operation.get("requestBody", {}).get("content", {}).values():
            content["example"] = request.body
    return document


def generate(folder, description):
    out = folder / "client" / "licence_client"
    command = [PROGRAMS / "openapi-python-client", "generate", "--meta", "none", "--overwrite"]
    command += ["--path", description, "--config", HERE / "client.yml", "--output-path", out]
    done = subprocess.run(command, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    # Bodies of lines and of text are none that this generator knows.
    skipped = re.findall(r"WARNING parsing (\w+ \S+)", said)
    allowed = {"POST /v1/verifications/batch", "POST /v1/witness/add-checkpoint"}
    assert set(skipped) <= allowed and "Unable to" not in said, said
    print(f"client made; not in it: {sorted(skipped)}")
    return out.parent


def tour(client, data, port):
    subprocess.run([sys.executable, HERE / "tour.py", client, data, str(port)], check=True)


def answered(world, node):
    """How many requests of each route this node has answered with 2xx."""
    text = world.send(Request("get", "/metrics", node))[2].decode()
    found = re.findall(r"^\w*requests_total\{(.*)\} (\d+)$", text, re.M)
    good = {}
    for labels, count in found:
        named = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if named.get("status", "").startswith("2"):
            route = (named["method"].lower(), named["route"])
            good[route] = good.get(route, 0) + int(count)
    return good


def fuzz(world, folder, document, node, seconds):
    """Requests made from the description, against one node."""
    description = folder / f"live-{node}.json"
    description.write_text(json.dumps(document, ensure_ascii=False))
    command = [PROGRAMS / "schemathesis", "--config-file", HERE / "schemathesis.toml", "run", description, "--url", world.url(node), "--max-time", str(seconds)]
    command += ["--header", "Authorization: Bearer " + world.tokens[node]]
    command += ["--phases", "examples,coverage,fuzzing", "--warnings", "off", "--no-color", "--continue-on-failure"]
    command += ["--exclude-tag", SIGNED]
    before = answered(world, node)
    done = subprocess.run(command, cwd=folder, env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)})
    assert done.returncode == 0, "requests made from the description were answered otherwise than described"
    after = answered(world, node)
    reached = [route for route, count in after.items() if count > before.get(route, 0)]
    wanted = [(method, path) for path, method, operation in operations(document) if SIGNED not in operation["tags"]]
    missed = [f"{method} {path}" for method, path in wanted if (method, path) not in reached and path not in PROVINCE]
    assert not missed, f"never answered 2xx to a request made from the description: {missed}"
    print(f"{node}: each of {len(wanted)} calls answered 2xx to requests made from the description")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data")
    options.add_argument("port", type=int)
    options.add_argument("--seconds", type=int, default=60, help="for made requests [60]")
    options.add_argument("--record", metavar="FILE", help="write the examples of the description")
    given = options.parse_args()
    world = World(given.data, given.port)
    folder = world.data.resolve().parent
    text = world.send(Request("get", "/openapi.json"))[2]
    document = json.loads(text)
    validate(document)
    seen = walk(world, document)
    if given.record:
        return record(seen, given.record)
    (folder / "openapi.json").write_bytes(text)
    tour(generate(folder, folder / "openapi.json"), given.data, given.port)
    fuzz(world, folder, live(document, requests(world, "440100")), "440100", given.seconds)


if __name__ == "__main__":
    main()
