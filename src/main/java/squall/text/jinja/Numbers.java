package squall.text.jinja;

import java.math.BigInteger;

/** Python's numbers: Long or BigInteger for int (Long whenever it fits), Double for float; True is 1, False 0. */
final class Numbers {
    /** Python itself prints no longer ones. */
    static final int MAX_DIGITS = 4300;
    static final int MAX_BITS = 14_000;

    private Numbers() {
    }

    static Object narrow(BigInteger value) {
        return value.bitLength() < 64 ? (Object) value.longValue() : value;
    }

    /** Of an integer that is too large for a long; 0 for every other number. */
    static int bits(Object value) {
        return value instanceof BigInteger big ? big.bitLength() : 0;
    }

    /** Whether arithmetic takes it: int, float or bool. */
    static boolean is(Object value) {
        return value instanceof Long || value instanceof Double || value instanceof Boolean || value instanceof BigInteger;
    }

    static boolean isInteger(Object value) {
        return value instanceof Long || value instanceof Boolean || value instanceof BigInteger;
    }

    static BigInteger big(Object value) {
        if (value instanceof BigInteger big) {
            return big;
        }
        return BigInteger.valueOf(value instanceof Boolean truth ? (truth ? 1 : 0) : (Long) value);
    }

    static double real(Object value) {
        if (value instanceof Double real) {
            return real;
        }
        double real = big(value).doubleValue();
        if (Double.isInfinite(real)) {
            throw new TemplateException("an integer is too large for a float");
        }
        return real;
    }

    /** An integer that has to be small: an index, a count, a width. */
    static int small(Object value, String what) {
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (!isInteger(value)) {
            throw new TemplateException(what + " must be an integer, found " + Types.name(value));
        }
        BigInteger big = big(value);
        return big.bitLength() < 32 ? big.intValue() : big.signum() < 0 ? Integer.MIN_VALUE : Integer.MAX_VALUE;
    }

    static Object add(Object a, Object b) {
        if (a instanceof Long x && b instanceof Long y) {
            long sum = x + y;
            return ((x ^ sum) & (y ^ sum)) < 0 ? (Object) big(a).add(big(b)) : sum;
        }
        return real(a, b) ? (Object) (real(a) + real(b)) : narrow(bounded(big(a).add(big(b))));
    }

    static Object subtract(Object a, Object b) {
        return real(a, b) ? (Object) (real(a) - real(b)) : narrow(bounded(big(a).subtract(big(b))));
    }

    static Object multiply(Object a, Object b) {
        return real(a, b) ? (Object) (real(a) * real(b)) : narrow(bounded(big(a).multiply(big(b))));
    }

    static Object divide(Object a, Object b) {
        checkDivisor(b);
        if (!real(a, b) && (big(a).bitLength() > 53 || big(b).bitLength() > 53)) {
            throw new TemplateException("'/' of integers beyond 2^53 is not supported");
        }
        return real(a) / real(b);
    }

    static Object floorDivide(Object a, Object b) {
        checkDivisor(b);
        if (real(a, b)) {
            double x = real(a);
            double y = real(b);
            double quotient = (x - floorModulo(x, y)) / y;
            double floor = Math.floor(quotient);
            return quotient == 0 ? Math.copySign(0.0, x / y) : quotient - floor > 0.5 ? floor + 1 : floor;
        }
        BigInteger[] parts = big(a).divideAndRemainder(big(b));
        boolean down = parts[1].signum() != 0 && parts[1].signum() != big(b).signum();
        return narrow(down ? parts[0].subtract(BigInteger.ONE) : parts[0]);
    }

    static Object modulo(Object a, Object b) {
        checkDivisor(b);
        if (real(a, b)) {
            return floorModulo(real(a), real(b));
        }
        BigInteger rest = big(a).remainder(big(b));
        return narrow(rest.signum() != 0 && rest.signum() != big(b).signum() ? rest.add(big(b)) : rest);
    }

    private static double floorModulo(double x, double y) {
        double rest = x % y;
        if (rest == 0) {
            return Math.copySign(0.0, y);
        }
        return rest < 0 == y < 0 ? rest : rest + y;
    }

    static Object power(Object a, Object b) {
        if (real(a, b) || big(b).signum() < 0) {
            double x = real(a);
            double y = real(b);
            if (x == 0 && y < 0) {
                throw new TemplateException("0.0 cannot be raised to a negative power");
            }
            if (x < 0 && y != Math.rint(y)) {
                throw new TemplateException("complex numbers are not supported");
            }
            double power = x == 1 ? 1 : Math.pow(x, y);
            if (Double.isInfinite(power) && !Double.isInfinite(x) && !Double.isInfinite(y)) {
                throw new TemplateException("the result of '**' is too large");
            }
            return power;
        }
        BigInteger base = big(a);
        if (base.abs().bitLength() > 1 && (long) base.bitLength() * small(b, "an exponent") > 2L * MAX_BITS) {
            throw tooLarge();
        }
        if (base.abs().bitLength() <= 1) {
            boolean odd = big(b).testBit(0);
            return base.signum() == 0 ? (big(b).signum() == 0 ? 1L : 0L) : base.signum() < 0 && odd ? -1L : 1L;
        }
        return narrow(bounded(base.pow(small(b, "an exponent"))));
    }

    static Object negate(Object a) {
        return a instanceof Double real ? (Object) (-real) : narrow(big(a).negate());
    }

    /** Rounded half to even at {@code digits} decimals, as Python's {@code round} does for a float. */
    static double round(double value, int digits) {
        if (Double.isNaN(value) || Double.isInfinite(value) || value == 0 || digits > 400) {
            return value;
        }
        if (digits < -400) {
            return Math.copySign(0.0, value);
        }
        double rounded = new java.math.BigDecimal(value).setScale(digits, java.math.RoundingMode.HALF_EVEN).doubleValue();
        return rounded == 0 ? Math.copySign(0.0, value) : rounded;
    }

    /** The order of two numbers. NaN has none: comparing it alone is the caller's, sorting it an error. */
    static int compare(Object a, Object b) {
        if (a instanceof Long x && b instanceof Long y) {
            return Long.compare(x, y);
        }
        if (!real(a, b)) {
            return big(a).compareTo(big(b));
        }
        if (a instanceof Double x && Double.isInfinite(x)) {
            return b instanceof Double y && x.equals(y) ? 0 : x > 0 ? 1 : -1;
        }
        if (b instanceof Double y && Double.isInfinite(y)) {
            return y > 0 ? -1 : 1;
        }
        return exact(a).compareTo(exact(b));
    }

    private static java.math.BigDecimal exact(Object a) {
        if (Types.isNaN(a)) {
            throw new TemplateException("nan has no place in an order");
        }
        return a instanceof Double real ? new java.math.BigDecimal(real) : new java.math.BigDecimal(big(a));
    }

    private static boolean real(Object a, Object b) {
        return a instanceof Double || b instanceof Double;
    }

    private static void checkDivisor(Object b) {
        if (b instanceof Double real ? real == 0 : big(b).signum() == 0) {
            throw new TemplateException("division by zero");
        }
    }

    private static BigInteger bounded(BigInteger value) {
        if (value.bitLength() > MAX_BITS) {
            throw tooLarge();
        }
        return value;
    }

    private static TemplateException tooLarge() {
        return new TemplateException("an integer of more than " + MAX_BITS + " bits");
    }
}
