package squall.parity;

/**
 * A line of the parity table.
 *
 * @param group     operation, block or model
 * @param what      was compared
 * @param max       largest error, relative to the largest number expected
 * @param rms       root of the mean square error, likewise
 * @param tolerance of the largest error
 * @param passed    whether it is within
 * @param remark    more in words, or nothing
 */
public record Finding(String group, String what, double max, double rms, double tolerance, boolean passed, String remark) {

    static Finding of(String group, String what, Deviation d, double tolerance) {
        return new Finding(group, what, d.max(), d.rms(), tolerance, d.max() <= tolerance, "");
    }
}
