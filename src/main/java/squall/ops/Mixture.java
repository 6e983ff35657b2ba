package squall.ops;

import java.util.stream.Stream;

/**
 * The weights of a mixture of experts. router: [experts, dim]; gate, up: per expert [hidden, dim]; down: per expert [dim, hidden].
 *
 * @param used   experts of a row
 * @param shared what every row goes to besides, or null
 */
public record Mixture(Weight router, Weight gate, Weight up, Weight down, int used, Routing.Weights weights, Shared shared) {

    /** scalar: [1, dim]; gate, up: [sharedHidden, dim]; down: [dim, sharedHidden]. */
    public record Shared(Weight scalar, Weight gate, Weight up, Weight down) {}

    /** Whether the shared expert, if there is one, has matrices like those of the others. */
    public boolean isUniform() {
        return shared == null || alike(gate, shared.gate) && alike(up, shared.up) && alike(down, shared.down);
    }

    private static boolean alike(Weight a, Weight b) {
        return a.format() == b.format() && a.rows() == b.rows() && a.cols() == b.cols() && a.scales().isEmpty() == b.scales().isEmpty();
    }

    /** The experts' matrices with those of the shared one behind the last; only of a uniform mixture. */
    public Mixture together() {
        return shared == null ? this : new Mixture(router, joined(gate, shared.gate), joined(up, shared.up), joined(down, shared.down), used, weights, shared);
    }

    private static Weight joined(Weight experts, Weight last) {
        return new Weight(experts.name(), experts.format(), experts.rows(), experts.cols(),
                Stream.concat(experts.experts().stream(), last.experts().stream()).toList(),
                Stream.concat(experts.scales().stream(), last.scales().stream()).toList());
    }
}
