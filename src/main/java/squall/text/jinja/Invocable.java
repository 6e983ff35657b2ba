package squall.text.jinja;

/** A value that a template can call: a macro, a built-in function, a method with its receiver. */
interface Invocable {
    Object call(Run run, Arguments arguments);

    /** For messages. */
    String name();
}
