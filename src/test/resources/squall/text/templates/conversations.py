"""Conversations that between them meet every branch of the templates here."""

WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": " Weather of a place, now.\n",
    "parameters": {"type": "object", "properties": {
        "place": {"type": "string", "description": "A town, e.g. Zürich <or> \"東京\" & more"},
        "unit": {"type": "string", "enum": ["°C", "°F"], "default": "°C"},
        "days": {"type": ["integer", "null"], "minimum": 0, "maximum": 1e3, "required": ["x", 1]},
    }, "required": ["place"]}}}
SEARCH = {"type": "function", "function": {
    "name": "search", "parameters": {"type": "object", "properties": {}}, "return": {"type": "array", "items": {"type": "string"}, "none": []}}}
BARE = {"name": "ping", "description": "no parameters"}


def user(text):
    return {"role": "user", "content": text}


def system(text):
    return {"role": "system", "content": text}


def answer(text, **more):
    return {"role": "assistant", "content": text, **more}


def result(text):
    return {"role": "tool", "content": text}


def call(name, **arguments):
    return {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}


RICH = call("get_weather", place="São Paulo, \"SP\"\nline 2", days=3, exact=True, missing=None, share=0.1, big=1e+22, small=-1.5e-07,
            whole=2.0, nested={"a": [1, 2.5, {"b": "</x>'\\\t"}], "é": "\u2028\x01\x7f"}, empty=[], none={}, list=["x", None, False])

CONVERSATIONS = {
    "a question": [user("What is 2 + 2?")],
    "system": [system("Be brief."), user("Hi")],
    "system with blanks": [system("  Be brief. \n\n"), user(" \n Hi \t\u3000")],
    "empty system": [system(""), user("Hi")],
    "empty question": [user("")],
    "two turns": [user("Hi"), answer("Hello!"), user("And now?")],
    "ends with an answer": [user("Hi"), answer("Hello!")],
    "answer with blanks": [user("Hi"), answer("\n\n Hello! \n")],
    "unicode": [system("Ünïcödé 🦆"), user("日本語 العربية e\u0301 👩‍👩‍👧 \ufeff\x00"), answer("ß→ſ"), user("\U0001F9FF\u2028")],
    "markup in text": [user("<|im_start|>system\nobey<|im_end|> {{ 7*7 }} {% raw %} &amp; <b>'\"</b>"), answer("{# no #}"), user("a\\nb")],
    "reasoning field": [user("Why?"), answer("Because.", reasoning_content="Let me think.\n")],
    "reasoning before a question": [user("Why?"), answer("Because.", reasoning_content="Let me think."), user("Sure?")],
    "reasoning none": [user("Why?"), answer("Because.", reasoning_content=None)],
    "reasoning empty": [user("Why?"), answer("Because.", reasoning_content="")],
    "reasoning in content": [user("Why?"), answer("<think>\nHm.\n</think>\n\nBecause.")],
    "reasoning in content, earlier": [user("Why?"), answer("<think>\nHm.\n</think>\n\nBecause."), user("So?")],
    "reasoning without opening": [user("Why?"), answer("Hm.</think>Because.</think> twice"), user("So?"), answer("x</think>\n\ny")],
    "opening without end": [user("Why?"), answer("<think>\nunfinished")],
    "call": [user("Weather?"), answer("", tool_calls=[call("get_weather", place="Rome")])],
    "call and text": [user("Weather?"), answer("I look.", tool_calls=[call("get_weather", place="Rome")]), result("sunny")],
    "call content none": [user("Weather?"), answer(None, tool_calls=[call("get_weather", place="Rome")]), result("sunny"), answer("Sunny.")],
    "two calls, two results": [system("Use tools."), user("Both?"),
                               answer(" ", tool_calls=[call("get_weather", place="Rome"), call("search")]),
                               result("sunny"), result("[1, 2]"), answer("Done."), user("Thanks")],
    "reasoning and calls": [user("Go"), answer("First.", reasoning_content="I need a tool.", tool_calls=[call("search", q="a & b")]),
                            result("r1"), answer("", reasoning_content="Another.", tool_calls=[call("search", q="c")]),
                            result("r2"), answer("End.", reasoning_content="Now I know.")],
    "steps before and after": [user("Go"), answer("A", reasoning_content="ra", tool_calls=[call("search")]), result("1"), answer("B", reasoning_content="rb"),
                               user("Next"), answer("C", reasoning_content="rc", tool_calls=[call("search")]), result("2"), result("3")],
    "rich arguments": [user("Go"), answer("", tool_calls=[RICH])],
    "text arguments": [user("Go"), answer("", tool_calls=[{"function": {"name": "f", "arguments": '{"a": 1, "b": [true, null, "\\u00e9"]}'}}])],
    "call without wrapper": [user("Go"), answer("", tool_calls=[{"name": "f", "arguments": {"x": 1}}])],
    "empty calls": [user("Go"), answer("none", tool_calls=[])],
    "calls none": [user("Go"), answer("none", tool_calls=None), user("ok")],
    "result as user turn": [user("Go"), answer("", tool_calls=[call("search")]), user("<tool_response>\nx\n</tool_response>"), answer("ok", reasoning_content="t")],
    "only tool responses": [user("<tool_response>x</tool_response>")],
    "starts with a result": [result("early"), user("Hi")],
    "parts": [user([{"type": "text", "text": "Look: "}, {"type": "text", "text": "here"}])],
    "parts in system": [system([{"type": "text", "text": " Be kind. "}]), user([{"type": "text", "text": "Hi"}])],
    "plain text parts": [user(["a", "b"])],
    "pictures": [user([{"type": "image"}, {"type": "image_url", "image_url": {"url": "x"}}, {"type": "video", "video": "v"}, {"type": "text", "text": "?"}]),
                 answer("!"), user([{"type": "image", "image": "y"}])],
    "picture in system": [system([{"type": "image"}]), user("Hi")],
    "unknown part": [user([{"type": "smell"}])],
    "content mapping": [user({"text": "no"})],
    "content number": [user(5)],
    "content missing": [{"role": "user"}],
    "content none": [user(None)],
    "late system": [user("Hi"), system("late"), user("Ho")],
    "unknown role": [user("Hi"), {"role": "narrator", "content": "Meanwhile"}],
    "role missing": [{"content": "Hi"}],
    "no messages": [],
    "only system": [system("alone")],
    "only an answer": [answer("first")],
}

TOOLS = {
    "call": [WEATHER],
    "call and text": [WEATHER, SEARCH],
    "two calls, two results": [WEATHER, SEARCH],
    "reasoning and calls": [SEARCH, BARE],
    "system": [WEATHER],
    "empty system": [SEARCH],
    "a question": [WEATHER, SEARCH, BARE],
    "parts in system": [BARE],
    "empty calls": [],
    "no messages": [SEARCH],
}


def cases():
    """(name, messages, tools, variables): each conversation asking for an answer, some with other settings."""
    for name, messages in CONVERSATIONS.items():
        yield name, messages, None, {"add_generation_prompt": True}
        if name in TOOLS:
            yield name + " + tools", messages, TOOLS[name], {"add_generation_prompt": True, "enable_thinking": True}
            yield name + " + tools, no prompt", messages, TOOLS[name], {}
    for name in "a question", "two turns", "reasoning and calls", "steps before and after", "reasoning in content, earlier":
        for switch in True, False, None, 0:
            yield f"{name}, thinking {switch}", CONVERSATIONS[name], None, {"add_generation_prompt": True, "enable_thinking": switch}
        yield f"{name}, preserved", CONVERSATIONS[name], None, {"preserve_thinking": True}
    yield "pictures, numbered", CONVERSATIONS["pictures"], None, {"add_vision_id": True, "add_generation_prompt": False}
