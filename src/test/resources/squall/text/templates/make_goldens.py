"""Writes conversations.json and expressions.json: what jinja2 makes of the cases here. See README.md."""
import json
import pathlib

from conversations import cases
from environment import environment, rendered
from expressions import DATA, REFUSED, expressions

HERE = pathlib.Path(__file__).parent
TINY = HERE / "../../../../../../models/squall-tiny/chat_template.jinja"


def write(name, data, cases):
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / name).write_text('{"data": ' + json.dumps(data) + ',\n"cases": [\n' + lines + "\n]}\n", encoding="utf-8")


def conversations(env):
    templates = {name: env.from_string(path.read_text(encoding="utf-8")) for name, path in
                 [("squall-tiny", TINY)] + [(n, HERE / (n + ".jinja")) for n in ("hybrid", "thinking", "coder", "vision")]}
    for name, messages, tools, variables in cases():
        expected = {key: rendered(template, {"messages": messages, "tools": tools, "documents": None, **variables})
                    for key, template in templates.items()}
        yield {"name": name, "messages": messages, "tools": tools, "variables": variables, "expected": expected}


def small(env):
    for source in expressions():
        if source in REFUSED:
            yield {"source": source, "refused": True}
            continue
        try:
            template = env.from_string(source)
        except Exception as e:  # jinja2's own, or what Python refuses to compile
            yield {"source": source, "syntax": getattr(e, "lineno", 0)}
            continue
        outcome = rendered(template, DATA)
        if " at 0x" not in outcome.get("text", ""):  # addresses of functions differ from run to run
            yield {"source": source, **outcome}


if __name__ == "__main__":
    env = environment()
    write("conversations.json", {}, conversations(env))
    write("expressions.json", DATA, small(env))
