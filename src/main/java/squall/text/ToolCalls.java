package squall.text;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Tool calls of a conversation, brought to the form that chat templates read. */
public final class ToolCalls {

    private ToolCalls() {
    }

    /** Loaded when there is something to parse: start-up counts. */
    private static final class Reader {
        static final JsonMapper JSON = JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();
    }

    /**
     * The conversation with the arguments of its tool calls as objects where they are the JSON text of one, as in the API
     * of OpenAI; templates with XML-like calls iterate over them. Text that is not a JSON object stays as it is, an empty
     * one becomes an empty object. The messages given are not changed.
     */
    public static List<Map<String, Object>> withParsedArguments(List<Map<String, Object>> messages) {
        List<Map<String, Object>> result = new ArrayList<>(messages.size());
        for (Map<String, Object> message : messages) {
            result.add(message.get("tool_calls") instanceof List<?> calls ? with(message, "tool_calls", parsed(calls)) : message);
        }
        return result;
    }

    private static List<Object> parsed(List<?> calls) {
        List<Object> result = new ArrayList<>(calls.size());
        for (Object call : calls) {
            Object changed = call;
            if (call instanceof Map<?, ?> map) {
                changed = map.get("function") instanceof Map<?, ?> function
                    ? with(map, "function", withArguments(function)) : withArguments(map);
            }
            result.add(changed);
        }
        return result;
    }

    private static Map<?, ?> withArguments(Map<?, ?> function) {
        return function.get("arguments") instanceof String text ? with(function, "arguments", object(text)) : function;
    }

    private static Map<String, Object> with(Map<?, ?> map, String name, Object value) {
        Map<String, Object> copy = new LinkedHashMap<>();
        map.forEach((key, old) -> copy.put(String.valueOf(key), old));
        copy.put(name, value);
        return copy;
    }

    private static Object object(String text) {
        if (text.isBlank()) {
            return Map.of();
        }
        try {
            return Reader.JSON.readValue(text, Object.class) instanceof Map<?, ?> map ? map : text;
        } catch (JacksonException notJson) {
            return text;
        }
    }
}
