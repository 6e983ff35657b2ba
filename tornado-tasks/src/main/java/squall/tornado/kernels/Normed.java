package squall.tornado.kernels;

import squall.tornado.Region;
import squall.tornado.Small;

/**
 * A row that a product is to norm by itself: {@code n = w * x / sqrt(mean(x^2) + eps)}. Its groups all read all of x, so that the
 * sum of squares costs them little; a task for the norm would cost more.
 *
 * @param x      [1, width]
 * @param weight [width]
 */
public record Normed(Region x, Small weight, float eps) {}
