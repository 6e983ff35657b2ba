/**
 * The Jinja subset of chat templates: source to tokens ({@link squall.text.jinja.Lexer}), tokens to a tree
 * ({@link squall.text.jinja.Parser}), and the tree's own evaluation with Python's semantics for values.
 *
 * <p>The definition is Jinja2 3.1 in the sandboxed, immutable environment in which transformers renders chat templates:
 * {@code trim_blocks} and {@code lstrip_blocks} on, loop controls, no HTML escaping, {@code tojson} as {@code json.dumps}
 * writes it. What lies outside the subset is an error that names the line and the construct, never a guess.
 *
 * <p>One difference is known: a name that a block assigns later is, inside a macro or block set that comes before, the variable
 * given to the template; in Jinja2 it is undefined there.
 *
 * <p>Values are plain Java objects: null is None, then Boolean, Long or BigInteger, Double, String, List, Map with string or
 * integer keys, {@link squall.text.jinja.Tuple}, {@link squall.text.jinja.Undefined} and the few others of this package.
 * A template comes with a file that a stranger made, so {@link squall.text.jinja.Run} bounds its work, its memory and its
 * depth.
 */
package squall.text.jinja;
