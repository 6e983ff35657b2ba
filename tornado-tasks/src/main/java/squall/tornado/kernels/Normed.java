package squall.tornado.kernels;

import squall.tornado.Region;
import squall.tornado.Small;

/**
 * A row that a product is to norm by itself: {@code n = w * x / sqrt(mean(x^2) + eps)}. Its groups all read all of x, so that the
 * sum of squares costs them little; a task for the norm would cost more. Or one whose heads have been normed but for the division,
 * since several groups made each: {@code n = x / sqrt(squares / head + eps)}.
 *
 * @param x       [1, width]
 * @param weight  [width], or null where squares are known
 * @param squares [1, width / head * parts], whose sums over the parts of a head are the squares, or null
 * @param head    elements of a head
 */
public record Normed(Region x, Small weight, Region squares, int head, float eps) {
    public Normed(Region x, Small weight, float eps) {
        this(x, weight, null, 0, eps);
    }

    public static Normed heads(Region x, Region squares, int head, float eps) {
        return new Normed(x, null, squares, head, eps);
    }

    /** Sums of squares of a head. */
    int parts() {
        return squares.width() * head / x.width();
    }
}
