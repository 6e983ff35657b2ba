package squall.text.jinja;

/**
 * What an unknown name, attribute or element gives. It prints as nothing, is false and empty; any other use of it is an
 * error with {@link #message()}.
 */
record Undefined(String message) {

    static Undefined name(String name) {
        return new Undefined("'" + name + "' is undefined");
    }

    static Undefined attribute(Object of, String name) {
        return new Undefined(Show.repr(Types.describe(of)) + " has no attribute " + Show.repr(name));
    }

    static Undefined element(Object of, Object index) {
        return new Undefined(Types.describe(of) + " has no element " + Show.repr(index));
    }

    TemplateException error() {
        return new TemplateException(message);
    }

    /** All undefined values are equal, whatever they say. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Undefined;
    }

    @Override
    public int hashCode() {
        return 0;
    }
}
